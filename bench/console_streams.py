"""Open consoles: live streams that are read and thrown away, by a process of its own, for bench_consoles.py.

Its arguments are host, port, the administrator's key, and how many. It writes "open" once all are, and ends with its
input: then it writes, as JSON, the bytes that came and how often evd ended a stream, which was then opened again after
2 s, as the console does.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

AGAIN_S = 2.0
READ = 1 << 18


def opened(host: str, port: int, key: str) -> socket.socket:
    """A stream whose answer has begun."""
    connection = socket.create_connection((host, port), timeout=10)
    connection.sendall(
        f"GET /api/v1/stream?replay=0&newest=1 HTTP/1.1\r\nHost: evd\r\nx-api-key: {key}\r\n\r\n".encode()
    )
    head = connection.recv(READ)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"evd does not open a stream: {head[:300]!r}")
    connection.setblocking(False)
    return connection


def main() -> None:
    host, port, key, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    for _ in range(count):
        selector.register(opened(host, port, key), selectors.EVENT_READ)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    came, ended = 0, 0
    again: list[float] = []
    while True:
        for ready, _ in selector.select(0.2):
            if ready.fileobj is sys.stdin:
                sys.stdout.write(json.dumps({"bytes": came, "ended": ended}) + "\n")
                return
            assert isinstance(ready.fileobj, socket.socket)
            text = ready.fileobj.recv(READ)
            came += len(text)
            if not text:
                selector.unregister(ready.fileobj)
                ready.fileobj.close()
                ended += 1
                again.append(time.monotonic() + AGAIN_S)
        while again and again[0] < time.monotonic():
            again.pop(0)
            selector.register(opened(host, port, key), selectors.EVENT_READ)


main()
