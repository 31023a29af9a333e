"""A vehicle's history in pages: the bytes of one list, in order, in little memory, and nobody waits for it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from builders import NOW, arrival, new_store, rows
from daemon_process import RunningDaemon, init, running_daemon
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.model.operations import AddOwner, Arrive, SetVehicle
from evd.model.units import DAY_MS
from evd.store.records import NUMBER_MAX, PageLimit, SortKey, TimeSpan
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_walk import Columns, read_page

# ---- the pages of a ring ----

IDS = Columns("s.time, s.seq, s.id")


def walked(
    path: Path, span: TimeSpan, room: PageLimit, between: Callable[[], object] = lambda: None, *, down: bool = False
) -> list[str]:
    """The ids of all pages, with something done between two of them."""
    found: list[str] = []
    after: SortKey | None = None
    with closing(open_reader(path)) as reader:
        while True:
            page = read_page(reader, span, after, IDS, room, down=down)
            assert not reader.in_transaction, "nothing is held between two pages"
            found += [row[2] for row in page.rows]
            if not page.more:
                return found
            assert page.rows
            after = tuple(page.rows[-1])
            between()


moments = st.tuples(st.integers(0, 12), st.sampled_from((0, 1, 2, None)), st.booleans(), st.integers(0, 3))


@settings(max_examples=40)
@given(
    said=st.lists(moments, max_size=40),
    capacity=st.integers(1, 12),
    lowered=st.sampled_from((None, 1, 3, 7)),
    room=st.builds(PageLimit, st.integers(1, 6), st.sampled_from((1, 40, 9999))),
    times=st.tuples(st.integers(-1, 13), st.integers(-1, 13)),
)
def test_pages_are_what_one_question_gives(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[Any],
    capacity: int,
    lowered: int | None,
    room: PageLimit,
    times: tuple[int, int],
) -> None:
    """Whatever came early, late, at the same time or of the future; and while a lowered ring is being trimmed."""
    path = tmp_path_factory.mktemp("ring") / "evd.db"
    store = new_store(path, capacity=capacity)
    for time_, seq, ahead, payload in said:
        at = NOW + time_ * 1000 + (9 * DAY_MS if ahead else 0)
        store.write([arrival(time=at, seq=seq, payload=bytes([payload]))])
    if lowered:
        store.write([SetVehicle("386625", NOW, keep=lowered)])
    for first, last in (tuple(NOW + moment * 1000 for moment in times), (0, NOW + 99 * DAY_MS)):
        wanted = [
            status_id
            for (status_id,) in rows(
                path,
                "SELECT id FROM ring WHERE vehicle = '386625' AND time BETWEEN ? AND ? ORDER BY time, seq, position",
                *(first, last),
            )
        ]
        assert walked(path, TimeSpan("386625", first, last), room) == wanted
        assert walked(path, TimeSpan("386625", first, last), room, down=True) == wanted[::-1]
    store.close()


def test_a_ring_that_moves_on_between_two_pages_loses_and_repeats_nothing(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    """What is told is what was there all the time, and in order; late ones come in, and the oldest fall out."""
    store = open_store(capacity=50)
    store.write([arrival(time=NOW + i * 1000, seq=i) for i in range(50)])
    before = [status_id for (status_id,) in rows(database, "SELECT id FROM ring ORDER BY time")]
    step = iter(range(1000))

    def move_on() -> None:
        number = next(step)
        store.write([arrival(time=NOW + (60 + number) * 1000, seq=60 + number)])
        store.write([arrival(time=NOW + number * 3000 + 1, seq=number)])

    found = walked(database, TimeSpan("386625", 0, NUMBER_MAX), PageLimit(4, 9999), move_on)
    after = {status_id for (status_id,) in rows(database, "SELECT id FROM ring")}
    assert len(set(found)) == len(found)
    stayed = [status_id for status_id in before if status_id in after]
    assert [status_id for status_id in found if status_id in stayed] == stayed
    times = dict(rows(database, "SELECT id, time FROM ring"))
    told = [times[status_id] for status_id in found if status_id in times]
    assert told == sorted(told)


def test_an_unknown_vehicle_has_no_pages(open_store: Callable[..., SqliteDatabase], database: Path) -> None:
    open_store()
    assert walked(database, TimeSpan("NOBODY", 0, NUMBER_MAX), PageLimit(9, 9)) == []


# ---- the app's question, by sockets ----

LONG, WIDE, SMALL = "10A6", "31DE", "5A11"
"""Vehicles: many statuses, some that are as long as a body, one."""

LONG_STATUSES = 20_000
LASTS_S = 3
WIDE_STATUSES, WIDE_BYTES = 400, 60_000


def long_ring() -> Iterator[list[Arrive]]:
    fields = b'{"state":1,"current_charge":76,"current":608.5,"range":638,"indoor_temperature":36.25}'
    for first in range(0, LONG_STATUSES, 1000):
        yield [arrival(LONG, time=NOW + i * 1000, seq=i % 4096, fields=fields) for i in range(first, first + 1000)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    directory = tmp_path_factory.mktemp("ranges") / "evd"
    keys = init(directory)
    store = new_store(directory / "evd.db", capacity=LONG_STATUSES)
    for group in long_ring():
        store.write(group)
    wide = b'{"note":"%s"}' % (b"x" * WIDE_BYTES)
    for i in range(WIDE_STATUSES):
        store.write([arrival(WIDE, time=NOW + i * 1000, seq=i, fields=wide)])
    store.write([arrival(SMALL)])
    store.write([AddOwner(uid, vehicle, NOW) for uid in ("anna", "bert") for vehicle in (LONG, WIDE, SMALL)])
    store.close()
    settings = {
        "EVD_APP__TRUST_USER_HEADER": "1",
        "EVD_RETENTION__STATUSES_PER_VEHICLE": str(LONG_STATUSES),
        "EVD_APP__RANGE_LASTS_S": str(LASTS_S),
    }
    with running_daemon(directory, keys=keys, env=settings) as running:
        yield running


def ask(daemon: RunningDaemon, path: str, uid: str = "anna") -> httpx.Response:
    return httpx.get(daemon.url + path, headers={"x-api-key": daemon.keys["app"], "userId": uid}, timeout=30)


def range_of(vehicle: str, first: int = 0, last: int = NOW + DAY_MS * 99) -> str:
    return f"/v3/android/range?vehicleId={vehicle}&timeFrom={first}&timeTo={last}"


def test_a_long_range_is_the_list_that_it_ever_was(daemon: RunningDaemon) -> None:
    answer = ask(daemon, range_of(LONG))
    listed = answer.json()
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.content == json.dumps(listed, separators=(",", ":")).encode(), "one JSON list, without blanks"
    assert [one["timestamp"] for one in listed] == [NOW + i * 1000 for i in range(LONG_STATUSES)]
    assert listed[7] == {
        "id": arrival(LONG, time=NOW + 7000, seq=7).status_id,
        "vehicleId": LONG,
        "timestamp": NOW + 7000,
        "connectivity": 1,
        "seqNumber": 7,
        "rawdata": "01",
        "state": 1,
        "current_charge": 76,
        "current": 608,
        "range": 638,
        "indoor_temperature": 36.25,
    }


def test_a_short_one_has_its_length_and_none_is_204(daemon: RunningDaemon) -> None:
    answer = ask(daemon, range_of(LONG, NOW + 1000, NOW + 2000))
    assert [one["timestamp"] for one in answer.json()] == [NOW + 1000, NOW + 2000]
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert ask(daemon, range_of(LONG, NOW + 1, NOW + 2)).status_code == 204


def test_a_connection_goes_on_after_a_long_range(daemon: RunningDaemon) -> None:
    with httpx.Client(base_url=daemon.url, headers={"x-api-key": daemon.keys["app"], "userId": "anna"}) as client:
        assert client.get(range_of(LONG)).status_code == 200
        assert client.head(range_of(LONG)).status_code == 200
        assert client.get(range_of(SMALL)).json()[0]["vehicleId"] == SMALL


def asker(daemon: RunningDaemon, path: str, uid: str = "anna") -> socket.socket:
    """Asks on a connection that ends with the answer, and has read nothing yet."""
    asking = socket.socket()
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    asking.connect(("127.0.0.1", int(daemon.url.rpartition(":")[2])))
    fields = f"Host: x\r\nConnection: close\r\nx-api-key: {daemon.keys['app']}\r\nuserId: {uid}\r\n\r\n"
    asking.sendall(f"GET {path} HTTP/1.1\r\n{fields}".encode())
    return asking


def read_all(asking: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    received = bytearray()
    asking.settimeout(20)
    with suppress(ConnectionResetError):
        while data := asking.recv(1 << 20):
            received += data
    return bytes(received)


def test_one_user_s_ranges_delay_nobody_s_last_status(daemon: RunningDaemon) -> None:
    stop, lengths = threading.Event(), list[int]()

    def loop() -> None:
        while not stop.is_set():
            with closing(asker(daemon, range_of(LONG, NOW, NOW + 10_000_000))) as asking:
                lengths.append(len(read_all(asking)))

    threads = [threading.Thread(target=loop) for _ in range(3)]
    for thread in threads:
        thread.start()
    took = []
    for _ in range(30):
        began = time.monotonic()
        with closing(asker(daemon, f"/v3/android/last?vehicleId={SMALL}", "bert")) as asking:
            assert read_all(asking).startswith(b"HTTP/1.1 200")
        took.append(time.monotonic() - began)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(set(lengths)) == 1
    assert sorted(took)[15] < 0.8, f"behind them it waits for 1.6 s on a quiet machine: {took}"


def resident_mib(daemon: RunningDaemon) -> float:
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_slow_readers_of_long_statuses_hold_little_memory_and_are_cut_off(daemon: RunningDaemon) -> None:
    before = resident_mib(daemon)
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(asker(daemon, range_of(WIDE)))) for _ in range(12)]
        most = 0.0
        until = time.monotonic() + LASTS_S + 0.2
        while time.monotonic() < until:
            time.sleep(0.1)
            most = max(most, resident_mib(daemon))
        assert most - before < 40, f"{most:.0f} MiB after {before:.0f}"
        received = read_all(readers[0])
    assert received.startswith(b"HTTP/1.1 200")
    assert not received.endswith(b"0\r\n\r\n"), "what breaks off is not taken for whole"
    assert len(received) < WIDE_STATUSES * WIDE_BYTES
    daemon.event("an answer broke off")
    assert ask(daemon, range_of(SMALL)).status_code == 200
