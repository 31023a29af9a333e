"""The bytes under a connection: a plain socket used directly, TLS by trio, and a stream that replays what was read.

trio's own SocketStream is right and general; a request costs it some six microseconds more than the two system calls it
needs, a third of what the edge spends on one. So the plain case waits and calls itself.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import trio

RECEIVE_MAX = 65536  # bytes taken from a socket at once


class PlainWire:
    """A TCP connection without TLS, taken over from a SocketStream. Raises OSError."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.socket = socket.socket(fileno=stream.socket.detach())
        self.socket.setblocking(False)

    async def receive_some(self, max_bytes: int = RECEIVE_MAX) -> bytes:
        """What has arrived, b"" at the end. Cancelling loses nothing."""
        while True:
            await trio.lowlevel.wait_readable(self.socket)
            try:
                return self.socket.recv(max_bytes)
            except BlockingIOError:
                continue

    async def send_all(self, data: bytes) -> None:
        """Send everything, without a checkpoint if the socket takes it at once; every receive has one."""
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        while sent < len(data):
            await trio.lowlevel.wait_writable(self.socket)
            try:
                sent += self.socket.send(memoryview(data)[sent:])
            except BlockingIOError:
                continue

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()

    def as_stream(self) -> trio.SocketStream:
        """The connection as trio's stream; this wire is not to be used any more."""
        return trio.SocketStream(trio.socket.from_stdlib_socket(socket.socket(fileno=self.socket.detach())))


class TlsWire:
    """A TCP connection under TLS. It ends without close_notify, as usual in HTTP: lengths say where a reply ends."""

    def __init__(self, stream: trio.SocketStream, context: ssl.SSLContext) -> None:
        self.socket = stream.socket
        self._stream = stream
        self._tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)

    async def hello(self) -> None:
        """Raises BrokenResourceError if the other side speaks no TLS, or none that is good enough."""
        await self._tls.do_handshake()

    async def receive_some(self, max_bytes: int = RECEIVE_MAX) -> bytes:
        return bytes(await self._tls.receive_some(max_bytes))

    async def send_all(self, data: bytes) -> None:
        await self._tls.send_all(data)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    def close(self) -> None:
        self.socket.close()

    def as_stream(self) -> trio.SSLStream[trio.SocketStream]:
        return self._tls


class ReplayStream(trio.abc.HalfCloseableStream):
    """A connection whose first bytes were read already: gives these back, then reads on. Writes have a deadline.

    `tls` and `socket` are what a server wants to know of it.
    """

    def __init__(self, wire: PlainWire | TlsWire, first: bytes, *, write_s: float) -> None:
        self.tls = isinstance(wire, TlsWire)
        self._stream = wire.as_stream()
        transport = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        self.socket = transport.socket
        self._transport = transport
        self._first = first
        self._write_s = write_s

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._first:
            return bytes(await self._stream.receive_some(max_bytes))
        await trio.lowlevel.checkpoint()
        cut = max_bytes or RECEIVE_MAX
        data, self._first = self._first[:cut], self._first[cut:]
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Raises BrokenResourceError, too, if the other side has not taken `data` within the write deadline."""
        with trio.move_on_after(self._write_s) as scope:
            await self._stream.send_all(data)
        if scope.cancelled_caught:
            raise trio.BrokenResourceError("the other side does not read")

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._transport.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer, HTTP/1.1 only. Raises OSError or ssl.SSLError if the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


def error_kinds(error: BaseException) -> list[str]:
    """The types in an exception or in a nest of groups. A log says no more of a connection: texts may hold secrets."""
    if isinstance(error, BaseExceptionGroup):
        return [kind for inner in error.exceptions for kind in error_kinds(inner)]
    return [type(error).__name__]
