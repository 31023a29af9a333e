"""A real daemon among crowds of strangers: callbacks are taken, memory is bounded, and the operator hears of it."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from odd_requests import FORM, chunk, post

from evd.auth.guess_limit import AT_ONCE

PLACES = 64
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    settings = f"""
[server]
connections_max = {PLACES}
strangers_per_address = 16
strangers_bytes_max = {MIB}
body_timeout_s = 60
"""
    with running_daemon(tmp_path_factory.mktemp("crowds") / "evd", settings=settings) as one:
        yield one
        assert not [line for line in one.logs.lines if "connection_failed" in line or "hypercorn" in line], one.logs


def connect(daemon: RunningDaemon) -> socket.socket:
    host, _, port = daemon.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def ask(sock: socket.socket, daemon: RunningDaemon, data: bytes) -> bytes:
    """The head of the answer; b"" where the connection ends without one."""
    try:
        sock.sendall(data.replace(b"@sigfox@", daemon.keys["sigfox"].encode()))
        return sock.recv(4096)
    except OSError:
        return b""


def callbacks(daemon: RunningDaemon, count: int) -> list[bytes]:
    """The statuses that so many callbacks got, each on a connection of its own."""
    statuses = []
    for _ in range(count):
        with connect(daemon) as sock:
            statuses.append(ask(sock, daemon, post())[9:12])
    return statuses


REFUSED = {
    "401 at the edge": post(key=b""),
    "418 behind it": b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "401 behind it": b"GET /api/v1/keys HTTP/1.1\r\nHost: x\r\n\r\n",
    "nothing at all": b"",
    "half a head": post()[:30],
}


@contextmanager
def crowd(daemon: RunningDaemon, data: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Connections that are kept after one request each."""
    with ExitStack() as stack:
        opened = []
        for _ in range(count):
            opened.append(stack.enter_context(connect(daemon)))
            if data and not data.startswith(post()[:30]):
                assert ask(opened[-1], daemon, data)
            elif data:
                opened[-1].sendall(data)
        yield opened


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_connections_without_a_key_shut_nobody_out(daemon: RunningDaemon, refused: bytes) -> None:
    with connect(daemon) as kept:
        assert ask(kept, daemon, post())[9:12] == b"201"
        with crowd(daemon, refused, 3 * PLACES):
            assert callbacks(daemon, 20) == [b"201"] * 20
            assert ask(kept, daemon, post())[9:12] == b"201", "who has shown a key keeps his connection"
            assert len(daemon_connections(daemon)) <= PLACES


def daemon_connections(daemon: RunningDaemon) -> list[str]:
    """The connections that the kernel knows of as the daemon's own, waiting ones left out."""
    port = f":{int(daemon.url.rpartition(':')[2]):04X}"
    own = {
        line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[1].endswith(port)
    }
    links = (Path("/proc") / str(daemon.process.pid) / "fd").iterdir()
    return [target for link in links if (target := _target(link)).removeprefix("socket:[").rstrip("]") in own]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def test_the_operator_hears_of_the_crowd(daemon: RunningDaemon) -> None:
    with crowd(daemon, REFUSED["401 at the edge"], 2 * PLACES):
        told = daemon.event("alarm", within_s=30, alarm="crowded")
    assert "most of them from 127.0.0.1" in told["text"]
    metrics = httpx.get(f"{daemon.url}/metrics", headers={"x-api-key": daemon.keys["admin"]}).text
    assert 'evd_alarm{alarm="crowded"} 1.0' in metrics


def memory(daemon: RunningDaemon) -> int:
    pages = (Path("/proc") / str(daemon.process.pid) / "statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


@pytest.mark.parametrize("before", [b"", REFUSED["418 behind it"]], ids=["at the edge", "behind it"])
@pytest.mark.parametrize("kind", [FORM, b"Content-Type: application/json"])
def test_bodies_without_a_key_take_no_more_memory_than_they_may(
    daemon: RunningDaemon, before: bytes, kind: bytes
) -> None:
    unfinished = post(b"x" * 60_000, kind, key=b"", length=b"65000")
    start = memory(daemon)
    with ExitStack() as stack:
        for _ in range(2 * PLACES):
            sock = stack.enter_context(connect(daemon))
            if before:
                assert ask(sock, daemon, before)
            sock.sendall(unfinished)
        assert callbacks(daemon, 5) == [b"201"] * 5
        assert memory(daemon) - start < 4 * MIB


CRUMBS = chunk(b"x") * 65_000


@pytest.mark.parametrize("key", [b"", b"sigfox"])
@pytest.mark.parametrize("kind", [FORM, b"Content-Type: application/json"])
def test_chunks_of_one_byte_hold_nobody_up(daemon: RunningDaemon, key: bytes, kind: bytes) -> None:
    """The daemon is watched for steps above 50 ms."""
    data = post(CRUMBS, kind, b"Transfer-Encoding: chunked", key=key, length=b"")
    data = data.replace(b"@sigfox@", daemon.keys["sigfox"].encode())
    with ExitStack() as stack:
        crowded = [stack.enter_context(connect(daemon)) for _ in range(12)]
        for sock in crowded:
            sock.setblocking(False)
        left = dict.fromkeys(crowded, data)
        for _ in range(40):
            for sock in crowded:
                try:
                    left[sock] = left[sock][sock.send(left[sock]) :]
                except OSError:  # full, or refused
                    continue
            assert callbacks(daemon, 1) == [b"201"]


@pytest.mark.parametrize("path", ["/sigfox/uplink", "/test", "/api/v1/keys"])
def test_who_guesses_keys_is_asked_to_wait_and_nobody_else(daemon: RunningDaemon, path: str) -> None:
    with httpx.Client(base_url=daemon.url) as client:
        for number in range(AT_ONCE + 100):
            answer = client.post(path, headers={"x-api-key": f"guess {number}"})
            if answer.status_code != 401:
                break
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert callbacks(daemon, 3) == [b"201"] * 3
