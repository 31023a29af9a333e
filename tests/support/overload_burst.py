"""A burst of callbacks over many connections, sent by a process of its own as fast as it is answered.

    python tests/support/overload_burst.py PORT KEY CALLBACKS CONNECTIONS

Each callback is sent once, in turn over whichever connection was answered. Prints one JSON document, a `Burst`.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

TIME = 1_639_400_000
PER_VEHICLE = 200  # below a ring's 1,000, so that nothing of a burst falls out of its ring
SILENCE_S = 30.0  # far above the 8 s within which evd answers


@dataclass
class Burst:
    """What came of it: `ids` of what was acknowledged, answers by status, connections closed before an answer."""

    ids: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    closed: int = 0
    slowest_201_ms: float = 0
    slowest_503_ms: float = 0
    lasted_s: float = 0


def callback(number: int, key: str) -> bytes:
    """The request of callback `number`, one of its own."""
    body = b'{"device":"%X","time":%d,"data":"130a4c0f"}' % (0x1000 + number // PER_VEHICLE, TIME + number)
    head = f"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\nx-api-key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Line:
    """One connection and the answer that is due on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = 0.0
        self.answer = b""

    def ask(self, request: bytes) -> None:
        self.asked = time.monotonic()
        self.answer = b""
        self.socket.sendall(request)

    def read(self) -> tuple[bytes, bytes] | None:
        """Head and body of the answer; None while it is incomplete. Raises ConnectionError at the connection's end."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return (head, body) if len(body) >= length else None


def burst(port: int, key: str, callbacks: int, connections: int) -> Burst:
    """Send the callbacks. Raises TimeoutError where nothing at all is answered for SILENCE_S."""
    done = Burst()
    waiting = iter(range(callbacks))
    start = time.monotonic()
    poll = select.epoll()
    lines: dict[int, _Line] = {}

    def ask_next(line: _Line | None) -> None:
        number = next(waiting, None)
        if number is None:
            if line is not None:
                close(line)
            return
        if line is None:
            line = _Line(port)
            lines[line.socket.fileno()] = line
            poll.register(line.socket, select.EPOLLIN)
        try:
            line.ask(callback(number, key))
        except ConnectionError:
            lost(line)

    def close(line: _Line) -> None:
        poll.unregister(line.socket)
        del lines[line.socket.fileno()]
        line.socket.close()

    def lost(line: _Line) -> None:
        done.closed += 1
        close(line)
        ask_next(None)

    for _ in range(connections):
        ask_next(None)
    while lines:
        ready = poll.poll(SILENCE_S)
        if not ready:
            raise TimeoutError(f"{len(lines)} callbacks without an answer")
        for descriptor, _ in ready:
            line = lines[descriptor]
            try:
                answer = line.read()
            except ConnectionError:
                lost(line)
                continue
            if answer is not None:
                _note(done, answer[0], (time.monotonic() - line.asked) * 1000)
                ask_next(line)
    done.lasted_s = time.monotonic() - start
    return done


def _note(done: Burst, head: bytes, took_ms: float) -> None:
    status = head[9:12].decode()
    done.statuses[status] = done.statuses.get(status, 0) + 1
    if status == "201":
        done.ids.append(head.lower().partition(b"x-status-id: ")[2][:16].decode())
        done.slowest_201_ms = max(done.slowest_201_ms, took_ms)
    if status == "503":
        assert b"retry-after:" in head.lower(), head
        done.slowest_503_ms = max(done.slowest_503_ms, took_ms)


def burst_of_its_own(port: int, key: str, callbacks: int, connections: int) -> Burst:
    """`burst` in a process of its own, so that it does not share an interpreter with who asks."""
    command = [sys.executable, str(Path(__file__)), str(port), key, str(callbacks), str(connections)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return Burst(**json.loads(process.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(burst(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))))
