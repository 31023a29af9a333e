"""The edge: one task serves all connections; ingest requests are answered here, all other connections are handed over.

A connection (evd.net.server.connection) speaks HTTP/1.1. Its ingest requests are taken in order; at its first other
request it is handed over for good (`hand_over`), with the bytes already read. One epoll watches all sockets, and trio
watches the epoll: a wake-up of the task serves all events since the last one. Every wait has a deadline, yet no request
pays for a timer: a connection has a float, and one sweeper looks for overdue ones.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING

import trio

from evd.errors import error_kinds
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission
from evd.net.server.connection import EVENTS, Answer, Connection, EdgeLimits, Reception
from evd.net.server.counters import EdgeCounters
from evd.net.server.handover import ReplayStream
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead
from evd.net.socket import PlainSocket, ServedTls, TlsSocket
from evd.request.http import Request

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

EVENTS_MAX = 64
"""Sockets served before the writer has its turn."""

WORKS_S = 0.01
"""And how long they may be served before all other tasks have their turn."""

ACCEPTS_MAX = 64
"""Connections accepted from a listener in one turn: a TLS hello is most of a millisecond."""

RESTED_S = 0.1
"""Pause of a listener when the process has no file descriptor left (the same as trio's)."""

COMPLAIN_S = 1.0
"""How often that is logged at most."""


class Edge(Reception):
    """Serves connections until `stop`.

    `take` gets an ingest request and a callback for its answer, which is called once, at any time; a RequestError that
    it raises becomes the answer, any other exception a 500. `is_ingest` gets the method and the percent-decoded path.
    `allow` gets the head and the client's address and returns how much body may be read; without it, `limits.body_max`.
    The address is the peer's, or if the peer is one of `proxies`, the one that it names.
    `admission` is shared by all edges of a process, and so may be `counters`.
    `hand_over` gets a connection at its first other request and serves it to its end. `attended` is called after each
    turn, when all events have been served.
    """

    def __init__(
        self,
        *,
        take: Callable[[Request, Answer], None],
        is_ingest: Callable[[str, str], bool],
        allow: Callable[[RequestHead, str], Allowance] | None = None,
        hand_over: Callable[[ReplayStream], Awaitable[None]],
        limits: EdgeLimits,
        log: FilteringBoundLogger,
        admission: Admission,
        proxies: Proxies | None = None,
        counters: EdgeCounters | None = None,
        attended: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            take=take,
            is_ingest=is_ingest,
            allow=allow,
            limits=limits,
            log=log,
            admission=admission,
            proxies=proxies,
            counters=counters,
        )
        self._hand_over = hand_over
        self._attended = attended
        self._open: set[Connection] = set()
        self._attend_to: dict[int, Callable[[int], None]] = {}
        self._poll = select.epoll()
        self._given: trio.Nursery | None = None
        self._elsewhere = 0
        self._stop = trio.Event()
        self._empty = trio.Event()
        self._complain_at = 0.0

    @property
    def open(self) -> int:
        """The number of open connections, including those handed over."""
        return len(self._open) + self._elsewhere

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        tls: ServedTls | None = None,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve until `stop`, then let requests in progress finish for at most `drain_s`. Takes over the listeners."""
        listening = [socket.socket(fileno=listener.socket.detach()) for listener in listeners]
        self.time = trio.current_time()
        try:
            async with trio.open_nursery() as background:
                async with trio.open_nursery() as self._given:
                    for listener in listening:
                        self._listen_at(listener, tls)
                    background.start_soon(self._attend)
                    background.start_soon(self._sweep)
                    task_status.started()
                    await self._stop.wait()
                    for listener in listening:
                        with suppress(FileNotFoundError):  # it rests
                            self._poll.unregister(listener)  # closing is not enough: systemd may hold the socket, too
                        listener.close()
                    self._given.cancel_scope.deadline = trio.current_time() + self.limits.drain_s
                    await self._empty.wait()
                if not self._stop.is_set():  # otherwise evd would run on without accepting
                    raise RuntimeError("the edge ended before it was stopped")
                background.cancel_scope.cancel()
        finally:
            for listener in listening:
                listener.close()
            for connection in tuple(self._open):
                connection.close()
            self._poll.close()

    def stop(self) -> None:
        """Accept nothing more, close idle connections, and make every further reply the last of its connection."""
        self.stopping = True
        self._stop.set()
        self.time = trio.current_time()
        for connection in tuple(self._open):
            connection.shut_down()
        self._note_empty()

    async def _attend(self) -> None:
        poll, attend_to = self._poll, self._attend_to
        while True:
            await trio.lowlevel.wait_readable(poll.fileno())
            self.time = trio.current_time()
            until = perf_counter() + WORKS_S
            for descriptor, events in poll.poll(0, EVENTS_MAX):
                attend = attend_to.get(descriptor)
                if attend is not None:  # else an earlier one of these events closed it
                    attend(events)
                    if perf_counter() > until:
                        self._attended()
                        await trio.lowlevel.checkpoint()
                        self.time = trio.current_time()
                        until = perf_counter() + WORKS_S
            self._attended()

    async def _sweep(self) -> None:
        while True:
            await trio.sleep(self.limits.sweep_s)
            self.time = trio.current_time()
            for connection in [one for one in self._open if one.deadline < self.time]:
                connection.on_timeout()

    # ---- listeners ----

    def _listen_at(self, listener: socket.socket, tls: ServedTls | None) -> None:
        listener.setblocking(False)
        self._attend_to[listener.fileno()] = partial(self._welcome, listener, tls)
        self._poll.register(listener, select.EPOLLIN)

    def _welcome(self, listener: socket.socket, tls: ServedTls | None, events: int) -> None:
        if self.stopping:
            return
        for _ in range(ACCEPTS_MAX):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self.admission.make_room()  # for who comes next
                self._pause(listener, error)
                return
            self._admit(sock, _shown(address), tls)

    def _admit(self, sock: socket.socket, address: str, tls: ServedTls | None) -> None:
        permit = self.admission.enter(address)
        if permit is None:
            sock.close()
            return
        self.counters.connections += 1
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire = PlainSocket(sock) if tls is None else TlsSocket(sock, tls.context)
            descriptor = sock.fileno()
            self._poll.register(descriptor, EVENTS)
        except OSError:  # it was reset in the backlog
            self.counters.broken += 1
            self.admission.leave(permit)
            sock.close()
            return
        connection = Connection(self, wire, address, permit)
        self._open.add(connection)
        self._attend_to[descriptor] = connection.on_ready

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """Pause accepting: EMFILE and similar errors pass, and the kernel keeps the clients waiting."""
        if self.time >= self._complain_at:
            self._complain_at = self.time + COMPLAIN_S
            self.log.warning("edge.accept_paused", error=error.strerror, open=self.open)
        assert self._given is not None
        self._poll.unregister(listener)
        self._given.start_soon(self._resume, listener)

    async def _resume(self, listener: socket.socket) -> None:
        await trio.sleep(RESTED_S)
        if not self.stopping:
            self._poll.register(listener, select.EPOLLIN)

    # ---- calls of connections ----

    def give_away(self, connection: Connection, unread: bytes) -> None:
        """See `Reception.give_away`."""
        assert self._given is not None
        self.counters.handed_over += 1
        self._forget(connection)
        self._poll.unregister(connection.wire.socket)
        self._elsewhere += 1
        self._given.start_soon(
            self._serve_elsewhere,
            ReplayStream(connection.wire, unread, write_s=self.limits.write_s, permit=connection.permit),
        )

    def unfinished(self, connection: Connection) -> None:
        """See `Reception.unfinished`."""
        # Its readiness is reported again, after the others that are ready.
        self._poll.modify(connection.wire.socket, EVENTS)

    def ended(self, connection: Connection) -> None:
        """See `Reception.ended`."""
        self._forget(connection)
        self.admission.leave(connection.permit)
        self._note_empty()

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        del self._attend_to[connection.wire.socket.fileno()]

    async def _serve_elsewhere(self, stream: ReplayStream) -> None:
        try:
            if stream.permit is None or stream.permit.taken:  # else it had to give way meanwhile
                await self._hand_over(stream)
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            self.counters.broken += 1
        except* trio.Cancelled as group:
            if trio.current_effective_deadline() == -inf:
                raise  # the edge's own end
            # One that slipped out of the connection's own scopes would end all the others.
            self.counters.failed += 1
            self.log.error("edge.connection_failed", errors=error_kinds(group))
        except* Exception as group:
            self.counters.failed += 1
            self.log.error("edge.connection_failed", errors=error_kinds(group))
        finally:
            await trio.aclose_forcefully(stream)
            if stream.permit is not None:
                self.admission.leave(stream.permit)
            self._elsewhere -= 1
            self._note_empty()

    def _note_empty(self) -> None:
        if self.stopping and not self._open and not self._elsewhere:
            self._empty.set()


def _shown(address: object) -> str:
    """The peer's address without its port."""
    return str(address[0]).removeprefix("::ffff:") if isinstance(address, tuple) else ""
