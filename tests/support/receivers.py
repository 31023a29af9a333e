"""Receivers of webhooks for tests: servers on 127.0.0.1 that answer well, badly, or never."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

WAIT_S = 10.0
"""Nothing in a test takes so long, but a test that fails must end."""

DRIP_S = 0.02

Behaviour = Callable[[socket.socket], None]
"""What a receiver does once it has read a request; it returns when the next one may come."""


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    url: str
    behaviour: Behaviour
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    news: threading.Condition = field(default_factory=threading.Condition)
    """Notified after each request."""


def says(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    """An ordinary answer."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"))
    return lambda sock: sock.sendall(head.encode() + b"\r\n" + body)


def sends(data: bytes) -> Behaviour:
    """These bytes, then the end."""

    def behave(sock: socket.socket) -> None:
        sock.sendall(data)
        raise ConnectionError

    return behave


def hangs(sock: socket.socket) -> None:
    sock.recv(1)


def drips(head: bytes) -> Behaviour:
    """These bytes, then one byte at a time, for ever."""

    def behave(sock: socket.socket) -> None:
        sock.sendall(head)
        sock.settimeout(DRIP_S)
        while True:
            with suppress(TimeoutError):
                if not sock.recv(1):
                    raise ConnectionError
            sock.sendall(b"x")

    return behave


def pours(head: bytes) -> Behaviour:
    """These bytes, then a body without end."""

    def behave(sock: socket.socket) -> None:
        sock.sendall(head)
        while True:
            sock.sendall(bytes(65_536))

    return behave


def resets(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionError


@contextmanager
def receiver(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """One at a time may be hung, reset or fed for ever: each connection has a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    scheme, port = "https" if tls else "http", listener.getsockname()[1]
    one = Receiver(f"{scheme}://127.0.0.1:{port}/hook", behaviour)
    threads: list[threading.Thread] = []
    open_sockets: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                one.connections += 1
                open_sockets.append(sock)
                threads.append(threading.Thread(target=serve, args=(sock,)))
                threads[-1].start()

    def serve(plain: socket.socket) -> None:
        plain.settimeout(WAIT_S)
        with plain, suppress(OSError):
            sock = tls.wrap_socket(plain, server_side=True) if tls else plain
            with sock:
                while (request := _read(sock)) is not None:
                    with one.news:
                        one.requests.append(request)
                        one.news.notify_all()
                    one.behaviour(sock)

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield one
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        listener.close()
        for sock in open_sockets:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def _read(sock: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65_536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    while len(body) < int(headers.get("content-length", 0)):
        body += sock.recv(65_536)
    return Request(line, headers, body)


def wait_for(one: Receiver, requests: int) -> None:
    """Until it was sent so many requests."""
    with one.news:
        assert one.news.wait_for(lambda: len(one.requests) >= requests, WAIT_S), one.requests
