"""A long range for the original's app, by sockets: one list, in little memory, and nobody waits for it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest
from builders import NOW, arrival, new_store
from daemon_process import RunningDaemon, init, running_daemon

from evd.model.operations import AddOwner, Arrive
from evd.model.units import DAY_MS

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
