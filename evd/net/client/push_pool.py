"""Kept-alive connections to one push provider, for hundreds of tasks that send at once.

One epoll watches all connections, and one task serves it: a wake-up handles every answer that has come since the last
one and wakes the tasks that wait for them. A request needs neither a timer nor trio's own readiness: its deadline is a
number that the same task compares. Each connection has one request in flight. HTTP/2 would save connections, but in
Python its framing costs more than it saves (1,050 messages a second, where HTTP/1.1 sent 21,700).
"""

from __future__ import annotations

import math
import select
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import outcome
import trio

from evd.errors import HttpBroken, HttpError, HttpTimeout
from evd.net.client.base_url import BaseUrl, parse_base_url
from evd.net.client.push_connection import NoAnswer, PushConnection
from evd.net.client.response import Response
from evd.net.client.transport import IDLE_MAX_S, default_ssl_context
from evd.net.socket import PlainSocket, TlsSocket

EVENTS_MAX = 64
"""Answers handled before other tasks have their turn."""

CONNECTING_MAX = 8
"""Connections opened at once. A TLS handshake takes 1 ms of this CPU and a round trip; meanwhile answers free
connections."""

EAGER = 32
"""Connections up to this number are opened as soon as all others are in use."""

PATIENCE_S = 0.05
"""Beyond these, one is opened when a request has waited this long: an FCM 50 ms away needs hundreds, one that answers
at once needs none."""

SPACING_S = 0.02
"""The shortest time between two of those: a handshake costs as much as thirty messages, so if this CPU is the
bottleneck, many of them would slow it further. All 512 are open in ten seconds; a ramp takes sixty."""

SWEEPS = 10
"""Checks of a deadline within its time: a request is given up at most a tenth late."""

SWEEP_MAX_S = 1.0

Connect = Callable[[str, int], Awaitable[trio.SocketStream]]

READABLE = select.EPOLLIN | select.EPOLLRDHUP


class ConnectionSlots:
    """Which connections may be opened: at most `most`, few at once, and not many more than the load needs."""

    def __init__(self, most: int, timeout_s: float) -> None:
        self.free = most
        """Neither open nor being opened."""
        self.connecting = 0
        self._most = most
        self.timeout_s = timeout_s
        self._spaced_until = -math.inf

    @property
    def has_room(self) -> bool:
        return self.free > 0 and self.connecting < CONNECTING_MAX

    def may_open(self, deadline: float) -> bool:
        """Whether a request with this deadline may open a connection."""
        return self.has_room and (self._is_eager() or self.opens_at(deadline) <= trio.current_time())

    def opens_at(self, deadline: float) -> float:
        """When a request with this deadline may open one beyond the first few."""
        return max(deadline - self.timeout_s + PATIENCE_S, self._spaced_until)

    def take(self) -> None:
        """Reserve a slot for a connection that is being opened."""
        if not self._is_eager():
            self._spaced_until = trio.current_time() + SPACING_S
        self.free -= 1
        self.connecting += 1

    def _is_eager(self) -> bool:
        return self._most - self.free < EAGER


class Dialer:
    """Opens connections to `origin`, with TLS if there is a context."""

    def __init__(self, origin: BaseUrl, tls: ssl.SSLContext | None, connect: Connect) -> None:
        self._origin = origin
        self._tls = tls
        self._connect = connect

    async def dial(self) -> PlainSocket:
        """A connection, its handshake done. Raises HttpBroken."""
        url = self._origin.url
        try:
            tcp = await self._connect(self._origin.host, self._origin.port)  # sets TCP_NODELAY
        except OSError as error:
            raise HttpBroken(f"Cannot connect to {url}: {error}.") from error
        sock = socket.socket(fileno=tcp.socket.detach())
        if self._tls is None:
            return PlainSocket(sock)
        try:
            wire = TlsSocket(sock, self._tls, self._origin.host)
            wire.greet()
            while not wire.greeted:
                await trio.lowlevel.wait_readable(sock)
                if wire.receive() == b"":
                    raise ConnectionError("the connection was closed")
        except BaseException as error:
            sock.close()
            if isinstance(error, OSError):
                raise HttpBroken(f"No TLS connection to {url}: {error}.") from error
            raise
        return wire


class PushPool:
    """At most `connections_max` connections to `base_url`.

    `timeout_s` (s) bounds a whole request: the wait for a connection, or opening one, and the answer to its last byte.
    The answer's body may have `body_max` bytes. A connection without a request is closed after `idle_max_s`.

    A request is **sent again**, once and on a new connection, if it was sent on a connection that had served others and
    the server closed that without one byte of an answer. A push may be sent twice anyway: it has an event id.

    The pool's task belongs to the loop and not to a nursery (it is a trio system task): it starts with the first
    request and ends with `aclose`, so that the pool works until its last user is done, also during shutdown.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connections_max: int,
        timeout_s: float,
        body_max: int,
        idle_max_s: float = IDLE_MAX_S,
        ssl_context: ssl.SSLContext | None = None,
        connect: Connect = trio.open_tcp_stream,
    ) -> None:
        """`connect` opens a stream to a host and port; a simulation's leads to a peer in the same process.

        Raises ConfigError if `base_url` is no http:// or https:// address."""
        self.origin = parse_base_url(base_url)
        self._body_max = body_max
        self._idle_max_s = idle_max_s
        tls = (ssl_context or default_ssl_context()) if self.origin.scheme == "https" else None
        self._dialer = Dialer(self.origin, tls, connect)
        self._slots = ConnectionSlots(connections_max, timeout_s)
        self._lines: dict[int, _OpenConnection] = {}  # by file descriptor
        self._idle: list[_OpenConnection] = []  # the last used last: surplus ones grow old
        self._waiting: deque[_Waiter] = deque()  # for a connection; empty while one is idle
        self._poll: select.epoll | None = None
        self._scope = trio.CancelScope()
        self._turn = trio.CancelScope()
        self._closed = False

    @property
    def open(self) -> int:
        """The number of open connections."""
        return len(self._lines)

    async def post(self, request: bytes) -> Response:
        """Send a request, head and body, and return the answer, whatever its status.

        The response has the headers in `connection.KEPT_HEADERS`. A cancelled request closes its connection.

        Raises HttpTimeout after `timeout_s`, HttpBroken if there is no usable answer, HttpError if the pool is closed.
        """
        deadline = trio.current_time() + self._slots.timeout_s
        line = self._idle.pop() if self._idle else await self._obtain(deadline)
        try:
            return await line.exchange(request, deadline)
        except NoAnswer:
            if line.connection.answered == 0:
                self._give_slot()
                raise
        except BaseException:
            self._give_slot()
            raise
        self._slots.connecting += 1  # in the slot of the one that broke
        line = await self._connect(deadline)
        try:
            return await line.exchange(request, deadline)
        except BaseException:
            self._give_slot()
            raise

    async def aclose(self) -> None:
        """Close all connections; pending requests raise HttpError, and so do later ones."""
        self._closed = True
        self._scope.cancel()
        self._close_all()
        await trio.lowlevel.checkpoint()

    # ---- connections and their assignment ----

    async def _obtain(self, deadline: float) -> _OpenConnection:
        """A connection that becomes free, or a new one, whichever is first."""
        if self._slots.may_open(deadline):
            self._slots.take()
        else:
            line = await self._wait(deadline)
            if line is not None:
                return line
        return await self._connect(deadline)

    async def _wait(self, deadline: float) -> _OpenConnection | None:
        """Wait for a free connection; None if there is a slot to open one, which then counts as being opened."""
        waiter = _Waiter(trio.lowlevel.current_task(), deadline)
        self._waiting.append(waiter)
        if len(self._waiting) == 1:
            self._invite()

        def leave(_: object) -> trio.lowlevel.Abort:
            self._waiting.remove(waiter)
            return trio.lowlevel.Abort.SUCCEEDED

        line: _OpenConnection | None = await trio.lowlevel.wait_task_rescheduled(leave)
        return line

    async def _connect(self, deadline: float) -> _OpenConnection:
        """Open a connection in a reserved slot, which is released if that fails."""
        try:
            if self._closed:
                raise self._is_closed()
            with trio.CancelScope(deadline=deadline):
                return self._watch(await self._dialer.dial())
            raise self._too_slow()
        except BaseException:
            self._slots.free += 1
            raise
        finally:
            self._slots.connecting -= 1
            self._invite()

    def _give_slot(self) -> None:
        self._slots.free += 1
        self._invite()

    def _invite(self) -> None:
        """Wake the waiting tasks that may open a connection, and check again when the next one may."""
        slots = self._slots
        while self._waiting and slots.may_open(self._waiting[0].deadline):
            slots.take()
            trio.lowlevel.reschedule(self._waiting.popleft().task, outcome.Value(None))
        if self._waiting and slots.has_room:
            self._turn.deadline = min(self._turn.deadline, slots.opens_at(self._waiting[0].deadline))

    def _watch(self, wire: PlainSocket) -> _OpenConnection:
        if self._closed:
            wire.close()
            raise self._is_closed()
        if self._poll is None:
            self._poll = select.epoll()
            trio.lowlevel.spawn_system_task(self._attend, self._poll)
        line = _OpenConnection(PushConnection(wire, self.origin.url, self._body_max), self._poll, self._forget)
        self._poll.register(wire.socket, READABLE)
        self._lines[wire.socket.fileno()] = line
        return line

    def _forget(self, line: _OpenConnection) -> None:
        """Close a connection; the caller releases its slot. Closing removes it from the epoll."""
        sock = line.connection.wire.socket
        del self._lines[sock.fileno()]
        sock.close()

    def _fail(self, line: _OpenConnection, error: HttpError) -> None:
        """Close a connection. The task that waits for its answer gets the error, and with it the slot."""
        if line.given:
            line.spoilt = True
            return
        self._forget(line)
        task, line.task = line.task, None
        if task is not None:
            trio.lowlevel.reschedule(task, outcome.Error(error))
        else:
            self._idle.remove(line)
            self._give_slot()

    # ---- the pool's task ----

    async def _attend(self, poll: select.epoll) -> None:
        every_s = min(self._slots.timeout_s / SWEEPS, SWEEP_MAX_S)
        sweep_at = trio.current_time() + every_s
        try:
            with self._scope:
                while True:
                    now = trio.current_time()
                    if now >= sweep_at:
                        self._sweep(now)
                        sweep_at = now + every_s
                    with trio.CancelScope(deadline=sweep_at) as self._turn:
                        self._invite()
                        await trio.lowlevel.wait_readable(poll.fileno())
                    for descriptor, events in poll.poll(0, EVENTS_MAX):
                        line = self._lines.get(descriptor)
                        if line is not None:  # else an earlier one of these events closed it
                            self._on_ready(line, events)
        finally:
            self._closed = True
            self._close_all()
            poll.close()

    def _on_ready(self, line: _OpenConnection, events: int) -> None:
        if line.task is None:
            self._spoke_unasked(line)
            return
        connection = line.connection
        try:
            if events & select.EPOLLOUT and connection.wire.flush():
                line.watch(READABLE)
            response = connection.receive()
        except OSError:
            self._fail(line, connection.cut_off())
        except HttpError as error:
            self._fail(line, error)
        else:
            if response is not None:
                self._answered(line, response)

    def _answered(self, line: _OpenConnection, response: Response) -> None:
        assert line.task is not None
        trio.lowlevel.reschedule(line.task, outcome.Value(response))
        line.task = None
        if not line.connection.reusable:
            self._forget(line)
            self._give_slot()
        elif self._waiting:
            line.given = True
            trio.lowlevel.reschedule(self._waiting.popleft().task, outcome.Value(line))
        else:
            line.deadline = trio.current_time() + self._idle_max_s
            self._idle.append(line)

    def _spoke_unasked(self, line: _OpenConnection) -> None:
        """Handle a readable idle connection: it was closed, or has bytes without a request, or TLS messages."""
        try:
            quiet = not line.given and line.connection.wire.receive() is None
        except OSError:
            quiet = False
        if not quiet:
            self._fail(line, self._is_closed())

    def _sweep(self, now: float) -> None:
        for line in [line for line in self._lines.values() if line.deadline <= now]:
            self._fail(line, self._too_slow())
        while self._waiting and self._waiting[0].deadline <= now:
            trio.lowlevel.reschedule(self._waiting.popleft().task, outcome.Error(self._too_slow()))

    def _close_all(self) -> None:
        for line in list(self._lines.values()):
            self._fail(line, self._is_closed())
        while self._waiting:
            trio.lowlevel.reschedule(self._waiting.popleft().task, outcome.Error(self._is_closed()))

    def _too_slow(self) -> HttpTimeout:
        return HttpTimeout(f"{self.origin.url} did not answer within {self._slots.timeout_s:g} s.")

    def _is_closed(self) -> HttpError:
        return HttpError(f"The connections to {self.origin.url} are closed.")


class _Waiter(NamedTuple):
    task: trio.lowlevel.Task
    deadline: float  # of its request (trio's clock)


class _OpenConnection:
    """A connection, and the task that waits for its answer."""

    def __init__(
        self, connection: PushConnection, poll: select.epoll, forget: Callable[[_OpenConnection], None]
    ) -> None:
        self.connection = connection
        self.task: trio.lowlevel.Task | None = None
        self.deadline = 0.0
        """When it is closed (trio's clock): with a request because that is too slow, without because it is surplus."""
        self.given = False
        """Whether it was given to a task that has not run since."""
        self.spoilt = False
        """Whether it broke in the meantime."""
        self._poll = poll
        self._forget = forget

    async def exchange(self, request: bytes, deadline: float) -> Response:
        """Send a request and return its answer. Raises HttpError, with the connection closed and the slot kept."""
        self.given = False
        self.deadline = deadline
        if self.spoilt:
            self._forget(self)
            raise NoAnswer(f"{self.connection.peer} closed the connection.")
        try:
            if not self.connection.send(request):
                self.watch(READABLE | select.EPOLLOUT)
        except OSError as error:
            self._forget(self)
            raise self.connection.cut_off() from error
        self.task = trio.lowlevel.current_task()
        response: Response = await trio.lowlevel.wait_task_rescheduled(self._leave)
        return response

    def watch(self, events: int) -> None:
        self._poll.modify(self.connection.wire.socket, events)

    def _leave(self, _: object) -> trio.lowlevel.Abort:
        self.task = None
        self._forget(self)
        return trio.lowlevel.Abort.SUCCEEDED
