"""A handed-over connection as a trio stream: first the bytes that were already read, then its own."""

from __future__ import annotations

import trio

from evd.net.server.admission import Permit
from evd.net.socket import PlainSocket


class ReplayStream(trio.abc.HalfCloseableStream):
    """A connection whose first bytes were already read: returns these, then reads on. Writes have a deadline.

    `tls` and `socket` are for the server that takes it over; `permit` is its permit in the admission.
    """

    def __init__(self, wire: PlainSocket, first: bytes, *, write_s: float, permit: Permit | None = None) -> None:
        self.tls = wire.tls
        self.permit = permit
        self.socket = wire.socket
        self._wire = wire
        self._first = first
        self._write_s = write_s

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Some bytes, b"" at the end. Raises BrokenResourceError, ClosedResourceError."""
        await trio.lowlevel.checkpoint()
        data = self._first or await self._arrived()
        cut = max_bytes or len(data)
        self._first = data[cut:]
        return data[:cut]

    async def _arrived(self) -> bytes:
        try:
            while (data := self._wire.receive()) is None:
                await trio.lowlevel.wait_readable(self.socket)
        except OSError as error:
            raise self._gone() from error
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Raises BrokenResourceError also if the peer has not taken `data` within the write deadline."""
        await trio.lowlevel.checkpoint()
        with trio.move_on_after(self._write_s):
            try:
                sent = self._wire.send(bytes(data))
                while not sent:
                    await trio.lowlevel.wait_writable(self.socket)
                    sent = self._wire.flush()
            except OSError as error:
                raise self._gone() from error
            return
        raise trio.BrokenResourceError("the other side does not read")

    def _gone(self) -> trio.BrokenResourceError | trio.ClosedResourceError:
        if self.socket.fileno() < 0:
            return trio.ClosedResourceError("the connection was closed here")
        return trio.BrokenResourceError("the connection is gone")

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.wait_writable(self.socket)

    async def send_eof(self) -> None:
        await trio.lowlevel.checkpoint()
        try:
            self._wire.end()
        except OSError as error:
            raise self._gone() from error

    async def aclose(self) -> None:
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)
            self._wire.close()
        await trio.lowlevel.checkpoint()
