"""Nothing holds the loop: what is long is done in slices. `running_daemon` fails where one of them is too long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from builders import rows
from daemon_process import RunningDaemon, run_evd, running_daemon

from evd.daemon.loop_lag import BOUNDS_S, RECENT_S, LoopLag

RING = 100_000
TIME = 1_700_000_000


def lines(numbers: range, *, vehicle: str = "A1", data: str = "00", every_s: int = 10) -> bytes:
    return "\n".join(f"{vehicle};{TIME + number * every_s};{data};{number % 4096};" for number in numbers).encode()


def post(daemon: RunningDaemon, body: bytes, *, path: str = "/sigfox/batch", kind: str = "text/plain") -> int:
    connection = HTTPConnection(urlsplit(daemon.url).netloc, timeout=60)
    try:
        connection.request("POST", path, body, {"x-api-key": daemon.keys["sigfox"], "content-type": kind})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """With one vehicle whose ring of a hundred thousand is full."""
    settings = f"[retention]\nstatuses_per_vehicle = {RING}\n[ingest]\nanswer_timeout_s = 9\n"
    with running_daemon(tmp_path_factory.mktemp("evd") / "evd", settings=settings) as running:
        for first in range(0, RING, 10_000):
            assert post(running, lines(range(first, first + 10_000))) == 201
        yield running


def kept(daemon: RunningDaemon, vehicle: str) -> int:
    return int(rows(daemon.database, "SELECT kept FROM fleet WHERE vehicle = ?", vehicle)[0][0])


def test_late_lines_spread_over_a_long_ring_hold_nobody_up(daemon: RunningDaemon) -> None:
    late = "\n".join(f"A1;{TIME + number * 3330 + 5};01;7;" for number in range(300))
    assert post(daemon, late.encode()) == 201
    assert kept(daemon, "A1") == RING
    assert rows(daemon.database, "SELECT overflow FROM vehicles WHERE vehicle = 'A1'")[0][0] > 290


@pytest.mark.parametrize(
    ("data", "status"),
    [("00", 201), ("x", 400), ("0b0b0b0b0b0b0b0b0b0b0b0b", 201)],
    ids=["plain", "all refused", "twelve bytes"],
)
def test_a_batch_of_ten_thousand_lines_holds_nobody_up(daemon: RunningDaemon, data: str, status: int) -> None:
    assert post(daemon, lines(range(10_000), vehicle="B2", data=data)) == status


def test_ten_thousand_late_lines_hold_nobody_up(daemon: RunningDaemon) -> None:
    body = "\n".join(f"A1;{TIME + number * 99 + 1};02;9;" for number in range(9_000))
    assert post(daemon, body.encode()) in (201, 503), "a slow machine may need more than its clients wait for"


@pytest.mark.parametrize("keep", [RING // 2, RING])
def test_a_ring_that_is_resized_holds_nobody_up(daemon: RunningDaemon, keep: int) -> None:
    assert run_evd("vehicle", "set", "A1", "--keep", str(keep), "--dir", daemon.directory).returncode == 0
    newer = f"A1;{TIME + RING * 10 + keep};03;1;\nA1;{TIME + RING * 10 - 33};03;2;".encode()
    assert post(daemon, newer) == 201
    assert kept(daemon, "A1") <= keep


def test_the_lag_of_the_loop_stands_in_the_metrics(daemon: RunningDaemon) -> None:
    connection = HTTPConnection(urlsplit(daemon.url).netloc, timeout=10)
    connection.request("GET", "/metrics", headers={"x-api-key": daemon.keys["admin"]})
    text = connection.getresponse().read().decode()
    connection.close()
    buckets = [float(count) for count in re.findall(r'evd_loop_lag_seconds_bucket\{le="[^"]+"\} (\S+)', text)]
    assert len(buckets) == len(BOUNDS_S) + 1
    assert buckets == sorted(buckets)
    assert buckets[-1] == float(re.findall(r"evd_loop_lag_seconds_count (\S+)", text)[0]) > 0


def test_lags_are_counted_by_their_buckets() -> None:
    lag = LoopLag()
    for number, seconds in enumerate((-0.1, 0.0, 0.001, 0.0011, 0.3, 9.0)):
        lag.note(seconds, number)
    assert dict(lag.state().buckets) | {"0.001": 3, "0.0025": 4, "0.25": 4, "0.5": 5, "2.5": 5, "+Inf": 6} == dict(
        lag.state().buckets
    )
    assert lag.state().sum_s == pytest.approx(9.3021)


def test_the_worst_lag_is_forgotten_after_a_while() -> None:
    lag = LoopLag()
    for now, seconds, worst in ((1, 0.3, 0.3), (2, 0.1, 0.3), (RECENT_S, 0.2, 0.3), (2 * RECENT_S + 1, 0.0, 0.2)):
        lag.note(seconds, now)
        assert lag.worst_s == worst
    lag.note(0.0, 9 * RECENT_S)
    assert lag.worst_s == 0.0
