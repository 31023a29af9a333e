"""The thin edge: one task a connection; ingest requests are answered here, every other connection is handed over.

A connection speaks HTTP/1.1 (`evd.http1` reads it strictly). As long as its requests are ingest ones, `accept` answers
them in order; at the first other one it goes for good to `hand_over`, the bytes already read included. No wait lacks a
deadline, yet no request pays for a timer: a connection carries a float, and one sweeper cancels what is overdue. No
exception of a connection leaves its task.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import orjson
import trio

from evd.errors import RequestError, Unavailable
from evd.http1 import BODY_LATE, CONTINUE, HEAD_LATE, JSON, Reply, Request, RequestReader, error_reply, render
from evd.http1_head import Head
from evd.wire import PlainWire, ReplayStream, TlsWire, error_kinds, tls_context

__all__ = ["Edge", "EdgeLimits", "ReplayStream", "tls_context"]

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

Wire = PlainWire | TlsWire

RESTED_S = 0.1  # a listener's pause when the process has no file descriptor left (trio's own choice, too)
COMPLAIN_S = 1.0  # and how often that is worth a log line

ANSWER_LATE = Unavailable("The request could not be answered in time; send it again later.")
SERVER_ERROR = Reply(
    500,
    orjson.dumps({"Error": "Internal server error", "detail": "The request met a fault of the server; see its log."}),
    (JSON,),
)


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds of the edge: bytes, counts and seconds."""

    head_max: int = 16 * 1024  # bytes; a callback's head is under 1 KiB, a browser's with cookies under 8
    fields_max: int = 64  # header fields; browsers and proxies send 10 to 30
    body_max: int = 64 * 1024  # bytes of an ingest body; a callback has some hundred, a batch some thousand
    connections_max: int = 1024  # each may hold a head and a body, so 80 MiB at the worst; Sigfox uses a few
    head_s: float = 5.0  # a head is one packet; what takes longer is a slow-header attack
    body_s: float = 8.0  # for the whole body, however steadily it drips; Sigfox itself gives up after 10 s
    answer_s: float = 9.5  # the ingest answers 503 at 8 s of its own; this is the net below it
    idle_s: float = 75.0  # between requests; nginx in front lets go after 60 s, and the proxy should be the first
    write_s: float = 5.0  # for a reply of a few hundred bytes to go into the socket's buffer
    tls_hello_s: float = 5.0  # two round trips
    linger_s: float = 1.0  # for the client to read the last reply before the socket goes (RFC 9112 §9.6)
    linger_max: int = 256 * 1024  # bytes read over meanwhile; more is a flood, and is cut
    drain_s: float = 8.0  # systemd's stop is 10 s, and Sigfox waits no longer
    sweep_s: float = 0.25  # how late a deadline may be noticed


class _Connection:
    """What the sweeper and `stop` need to know of a connection."""

    __slots__ = ("deadline", "idle", "late", "scope", "wire")

    def __init__(self, wire: Wire, deadline: float) -> None:
        self.wire = wire
        self.scope = trio.CancelScope()
        self.deadline = deadline
        self.late: RequestError | None = None
        """What is answered if the deadline passes; None: nothing is owed, it is just closed."""
        self.idle = True
        """No byte of a request is here, so that it may be closed at any time."""


class Edge:
    """Serves connections until `stop`.

    `accept` answers an ingest request; a RequestError it raises is answered as such, anything else with 500.
    `is_ingest` is asked with the method and the percent-decoded path.
    `hand_over` gets the connection at its first other request, and serves it to its end.
    """

    def __init__(
        self,
        *,
        accept: Callable[[Request], Awaitable[Reply]],
        is_ingest: Callable[[str, str], bool],
        hand_over: Callable[[ReplayStream], Awaitable[None]],
        limits: EdgeLimits,
        log: FilteringBoundLogger,
    ) -> None:
        self._accept = accept
        self._is_ingest = is_ingest
        self._hand_over = hand_over
        self._limits = limits
        self._log = log
        self._stopping = trio.Event()
        self._open: set[_Connection] = set()
        self._complain_at = 0.0
        self.connections = 0
        """All counters count from the start; `open` is of this moment."""
        self.turned_away = 0
        self.requests = 0
        self.refused = 0
        self.overdue = 0
        self.handed_over = 0
        self.broken = 0
        self.failed = 0

    @property
    def open(self) -> int:
        return len(self._open)

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        ssl_context: ssl.SSLContext | None = None,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`, then let requests in hand finish, for `drain_s` at most. Closes the listeners."""
        async with trio.open_nursery() as background:
            background.start_soon(self._sweep)
            async with trio.open_nursery() as connections:
                try:
                    async with trio.open_nursery() as doors:
                        for listener in listeners:
                            doors.start_soon(self._listen, listener, ssl_context, connections)
                        task_status.started()
                        await self._stopping.wait()
                        doors.cancel_scope.cancel()
                finally:
                    for listener in listeners:
                        listener.socket.close()
                connections.cancel_scope.deadline = trio.current_time() + self._limits.drain_s
            background.cancel_scope.cancel()

    def stop(self) -> None:
        """Accept nothing more, close idle connections, and make every reply from here on the last of its connection."""
        self._stopping.set()
        for connection in self._open:
            if connection.idle:
                connection.scope.cancel()

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(self._limits.sweep_s)
            time = trio.current_time()
            for connection in self._open:
                if connection.deadline < time:
                    connection.scope.cancel()

    async def _listen(
        self, listener: trio.SocketListener, ssl_context: ssl.SSLContext | None, connections: trio.Nursery
    ) -> None:
        while True:
            try:
                stream = await listener.accept()  # which sets TCP_NODELAY
            except OSError as error:  # EMFILE and its kin pass; the kernel keeps the clients waiting meanwhile
                self._complain(error)
                await trio.sleep(RESTED_S)
                continue
            if len(self._open) >= self._limits.connections_max:
                self.turned_away += 1
                stream.socket.close()
                continue
            self.connections += 1
            wire = PlainWire(stream) if ssl_context is None else TlsWire(stream, ssl_context)
            connection = _Connection(wire, trio.current_time() + self._limits.tls_hello_s)
            self._open.add(connection)
            connections.start_soon(self._run, connection)

    def _complain(self, error: OSError) -> None:
        time = trio.current_time()
        if time >= self._complain_at:
            self._complain_at = time + COMPLAIN_S
            self._log.warning("edge.accept_paused", error=error.strerror, open=len(self._open))

    async def _run(self, connection: _Connection) -> None:
        """The task of a connection."""
        wire = connection.wire
        try:
            with connection.scope:
                if isinstance(wire, TlsWire):
                    await wire.hello()
                await self._converse(connection)
            if connection.scope.cancelled_caught and connection.late is not None:
                self.overdue += 1
                await self._refuse(connection, connection.late)
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            self.broken += 1  # the client went away, or speaks no TLS
        except* Exception as group:
            self.failed += 1
            self._log.error("edge.connection_failed", errors=error_kinds(group))
        finally:
            self._open.discard(connection)
            wire.close()

    async def _converse(self, connection: _Connection) -> None:
        limits = self._limits
        reader = RequestReader(head_max=limits.head_max, fields_max=limits.fields_max)
        peer = _peer(connection.wire)
        wait_s = limits.head_s  # a fresh connection has something to say; an old one may rest
        try:
            while (head := await self._next_head(connection, reader, wait_s)) is not None:
                self.requests += 1
                if not self._is_ingest(head.method, head.path):
                    await self._give_away(connection, reader)
                    return
                body = await self._body(connection, reader, head)
                if body is None:
                    return
                request = Request(head.method, head.path, head.query, head.headers, body, peer)
                reply, sane = await self._answer(connection, request)
                keep_alive = head.keep_alive and sane and not self._stopping.is_set()
                data = render(reply, head_only=head.method == "HEAD", minor=head.minor, keep_alive=keep_alive)
                connection.late = None
                connection.deadline = trio.current_time() + limits.write_s
                await connection.wire.send_all(data)
                if not keep_alive:
                    await self._linger(connection)
                    return
                wait_s = limits.idle_s
        except RequestError as error:
            await self._refuse(connection, error)

    async def _next_head(self, connection: _Connection, reader: RequestReader, wait_s: float) -> Head | None:
        """The next head; None if the client ends the connection first. Up to its first byte the connection is idle."""
        head = None if reader.empty else reader.next_head()
        if head is not None:
            return head
        connection.idle = reader.empty
        connection.late = None if reader.empty else HEAD_LATE
        connection.deadline = trio.current_time() + (wait_s if reader.empty else self._limits.head_s)
        while head is None:
            data = await connection.wire.receive_some()
            # What comes in the moment in which an idle connection is closed is not begun: it could not be answered.
            if not data or connection.scope.cancel_called:
                return None
            if connection.idle:
                connection.idle = False
                connection.late = HEAD_LATE
                connection.deadline = trio.current_time() + self._limits.head_s
            reader.feed(data)
            head = reader.next_head()
        return head

    async def _body(self, connection: _Connection, reader: RequestReader, head: Head) -> bytes | None:
        """The body; None if the client ends the connection before it is whole."""
        body = reader.body(self._limits.body_max)
        if body is not None:
            return body
        connection.late = BODY_LATE
        connection.deadline = trio.current_time() + self._limits.body_s
        if head.expects_continue:
            await connection.wire.send_all(CONTINUE)
        while body is None:
            data = await connection.wire.receive_some()
            if not data:
                return None
            reader.feed(data)
            body = reader.body(self._limits.body_max)
        return body

    async def _answer(self, connection: _Connection, request: Request) -> tuple[Reply, bool]:
        """The reply, and whether the server is still sane enough to go on with this connection."""
        connection.late = ANSWER_LATE
        connection.deadline = trio.current_time() + self._limits.answer_s
        try:
            return await self._accept(request), True
        except RequestError as error:
            return error_reply(error), True
        except Exception as error:
            self.failed += 1
            self._log.error("edge.request_failed", error=type(error).__name__, path=request.path)
            return SERVER_ERROR, False

    async def _give_away(self, connection: _Connection, reader: RequestReader) -> None:
        self.handed_over += 1
        connection.late = None
        connection.deadline = inf  # its new owner has deadlines of its own
        stream = ReplayStream(connection.wire, reader.unread(), write_s=self._limits.write_s)
        try:
            await self._hand_over(stream)
        finally:
            await trio.aclose_forcefully(stream)

    async def _refuse(self, connection: _Connection, error: RequestError) -> None:
        """The last words to a connection whose bytes can be trusted no more, or are late."""
        self.refused += 1
        connection.late = None
        connection.deadline = inf
        with trio.move_on_after(self._limits.write_s):
            await connection.wire.send_all(render(error_reply(error), keep_alive=False))
            await self._linger(connection)

    async def _linger(self, connection: _Connection) -> None:
        """Half-close and read over what still comes, or the kernel would answer it with a reset that eats the reply."""
        connection.deadline = inf
        with trio.move_on_after(self._limits.linger_s):
            await connection.wire.send_eof()
            left = self._limits.linger_max
            while left > 0 and (data := await connection.wire.receive_some()):
                left -= len(data)


def _peer(wire: Wire) -> str:
    """The address of the other side, without its port."""
    address = wire.socket.getpeername()
    return str(address[0]).removeprefix("::ffff:") if isinstance(address, tuple) else ""
