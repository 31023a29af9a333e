"""One connection served by hypercorn behind a guard.

hypercorn on trio lets one hostile request end the whole server, lets a client that does not read block its stop for
ever, accepts heads that other servers read differently, and closes without a reply if an answer overtakes its request.
So `http1_guard.RequestGuard` reads every byte and gives h11 complete requests only; reads and writes have deadlines;
and the client can read a last reply before the socket is closed. HTTP/1.1 only: neither HTTP/2, by preface, Upgrade or
ALPN, nor WebSocket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Any, cast

import h11
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.typing import AppWrapper, ConnectionState, WorkerContext
from hypercorn.utils import parse_socket_addr

from evd.errors import RequestError
from evd.net import sse
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, Slot
from evd.net.server.connection import CROWDED, LINGER_MAX, LINGER_S
from evd.net.server.http1 import BODY_LATE, CONTINUE, HEAD_LATE, error_reply, render
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_guard import RequestGuard
from evd.net.server.http1_head import RequestHead

RECEIVE_MAX = (
    16 * 1024
)  # bytes taken from a connection at once, before others have their turn; as `evd.net.server.connection` has it
SEND_MAX = 65536  # bytes with one write deadline, so that a slow reader is not taken for a dead one

LATE = {True: BODY_LATE, False: HEAD_LATE}
"""The refusal if the rest of a request is late, by whether it is the rest of its body."""

CROWDED_OUT = dict.fromkeys(LATE, CROWDED)

GONE = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)


Allow = Callable[[RequestHead, str], Allowance]
"""Gets the head of each request and its client's address; returns how much body it may send."""


@dataclass(frozen=True, slots=True)
class AsgiLimits:
    """Bounds of a handed-over connection: bytes, counts and seconds. EdgeLimits has reasons missing here."""

    head_max: int
    fields_max: int
    body_max: int  # bytes, where `allow` does not say how many
    head_s: float
    body_s: float
    idle_s: float
    write_s: float  # for each SEND_MAX bytes, so with 5 s 13 kB/s is still served
    drain_s: float
    answer_s: float  # for the answer to a client that has half-closed and may be gone
    linger_s: float = LINGER_S
    linger_max: int = LINGER_MAX


@dataclass(frozen=True, slots=True)
class ConnectionPolicy:
    """The policy for all connections of one sort: TCP or control socket."""

    limits: AsgiLimits
    allow: Allow
    admission: Admission | None
    proxies: Proxies


class GuardedConnection(TCPServer):
    """hypercorn's connection, with its own reading, writing and ending."""

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        state: ConnectionState,
        stream: trio.abc.HalfCloseableStream,
        policy: ConnectionPolicy,
    ) -> None:
        """`stream` may have a `place`, which it gives up when the admission needs it."""
        super().__init__(app, config, cast(Any, context), state, cast(Any, stream))
        limits = policy.limits
        self._policy = policy
        self._place: Slot | None = getattr(stream, "place", None) if policy.admission is not None else None
        self.refused = 0
        self._peer = ""
        self._guard = RequestGuard(head_max=limits.head_max, fields_max=limits.fields_max, allow=self._allow)
        self._whole = trio.CancelScope()
        self._reading = trio.CancelScope()
        self._due = trio.current_time() + limits.head_s  # a fresh connection has something to say
        self._mark = (0, False, False)
        self._ending = False
        self._started = False
        self._late: Mapping[bool, RequestError] = LATE
        if self._place is not None:
            self._place.holder = self

    def _allow(self, head: RequestHead) -> Allowance:
        return self._policy.allow(head, self._policy.proxies.client(self._peer, head.headers))

    @property
    def idle(self) -> bool:
        """See `admission.Holder`, and the next two."""
        return self._started and not self._guard.in_head and not self._guard.in_body and self._guarded.rested.is_set()

    def give_way(self) -> None:
        self._whole.cancel()

    def let_go(self) -> None:
        self._late = CROWDED_OUT
        self._due = -inf
        self._reading.cancel()

    def _account(self) -> None:
        """Report to the admission what this connection has shown and what it holds."""
        if self._policy.admission is not None and self._place is not None:
            if self._guard.known and self._place.stranger:
                self._policy.admission.prove(self._place)
            held = 0 if self._ending else self._guard.held
            if held or self._place.held:
                self._policy.admission.hold(self._place, held)

    def cut_at(self, time: float) -> None:
        """End the connection at this time of trio's clock, whatever its state."""
        self._whole.deadline = time

    async def run(self) -> None:
        try:
            wire = self.stream.socket
            client = parse_socket_addr(wire.family, wire.getpeername())
            server = parse_socket_addr(wire.family, wire.getsockname())
            self._peer = client[0] if client is not None else ""
            tls = getattr(self.stream, "tls", False)
            with self._whole:
                async with trio.open_nursery() as self._nursery:
                    # Entered by itself, hypercorn's exception group lets the nursery's own cancellation escape.
                    group = self._task_group = TaskGroup()
                    group._nursery = self._nursery
                    self._guarded = _GuardedProtocol(
                        self.app,
                        self.config,
                        self.context,
                        cast(Any, group),
                        self.state,
                        tls,
                        client,
                        server,
                        self.protocol_send,
                    )
                    self._guarded.proxies = self._policy.proxies
                    self.protocol = cast(Any, self._guarded)
                    self._started = True
                    await self._read_data()
                    await self.idle_task.stop()
                    self._end_soon()
        except OSError:
            pass  # the other side is gone
        finally:
            await trio.aclose_forcefully(self.stream)

    def dissolve(self) -> None:
        """Break the references between its parts after its end: those of thousands of connections at once would be left
        to the garbage collector, which stops the process while it collects them.
        """
        if self._place is not None:
            self._place.holder = None
        if self._started:
            self._guarded.__dict__.clear()
        self.__dict__.clear()

    async def _read_data(self) -> None:
        """Read until either side ends the connection, then inform the application."""
        guard = self._guard
        lingering = self._policy.limits.linger_max
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await self._receive():
                if self._ending:
                    lingering -= len(data)
                    if lingering < 0:
                        break
                    continue
                whole = guard.feed(data)
                while guard.paused:
                    await trio.lowlevel.checkpoint()
                    whole += guard.feed(b"")
                self._account()
                if whole:
                    await self.protocol.handle(RawData(whole))
                if guard.error is not None:
                    await self._refuse(guard.error)
                else:
                    await self._expect()
            await self._finish()
        await self.protocol.handle(Closed())

    async def _finish(self) -> None:
        """The client sends no more: it may still wait for its answer, but not for an endless one."""
        with trio.move_on_after(self._policy.limits.answer_s):
            await self._guarded.settled.wait()

    async def _receive(self) -> bytes:
        """The next bytes; b"" if there are none, or if they are late, which is answered."""
        while True:
            with trio.CancelScope(deadline=self._due) as self._reading:
                return bytes(await self.stream.receive_some(RECEIVE_MAX))
            if self._ending or not (self._guard.in_head or self._guard.in_body):
                return b""
            await self._refuse(self._late[self._guard.in_body])

    async def _expect(self) -> None:
        """Set the deadline for the rest of a head or of a body, counted from its beginning."""
        guard = self._guard
        mark = (guard.heads, guard.in_head, guard.in_body)
        if mark != self._mark and not self._ending:
            self._mark = mark
            limits = self._policy.limits
            wait_s = limits.head_s if guard.in_head else limits.body_s if guard.in_body else inf
            self._due = trio.current_time() + wait_s
            if guard.in_head or guard.in_body:
                await self.idle_task.stop()  # a connection with half a request is not idle
            if guard.expects_continue and guard.error is None:
                await self._guarded.rested.wait()  # until the response before it is sent
                await self._write(CONTINUE)

    async def _refuse(self, error: RequestError) -> None:
        """Answer a refusal after the response that is due before it, and end the connection."""
        self.refused += 1
        self._guard.forget()
        self._account()
        guarded = self._guarded
        with trio.move_on_after(self._policy.limits.drain_s):
            await guarded.rested.wait()
        if not self._ending and guarded.mute() and guarded.rested.is_set():
            await self._write(render(error_reply(error), keep_alive=False))
        await self._end()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
            return
        if isinstance(event, Updated) and event.idle and (self._guard.in_head or self._guard.in_body):
            return  # part of a request is here already
        if isinstance(event, Updated) and event.idle and self._policy.admission is not None and self._place is not None:
            self._policy.admission.answered(self._place)
        # Shielded: the application learns of its end, and is cancelled by that, before hypercorn is done with it.
        with trio.CancelScope(shield=True):
            if isinstance(event, Closed):
                await self._end()
            else:
                await super().protocol_send(event)  # starts or stops the idle timer
        if isinstance(event, Closed):
            await self.protocol.handle(event)

    async def _write(self, data: bytes) -> None:
        """Send within the write deadline; a cancelled application does not truncate a response."""
        async with self.send_lock:
            for start in range(0, len(data), SEND_MAX):
                due = min(trio.current_time() + self._policy.limits.write_s, self._whole.deadline)
                with trio.CancelScope(deadline=due, shield=True), suppress(*GONE):
                    await self.stream.send_all(data[start : start + SEND_MAX])
                    continue
                self._ending = True  # the other side is gone or does not read
                self._end_soon()
                await trio.aclose_forcefully(self.stream)
                return

    async def _end(self) -> None:
        """Half-close, and let the client close for a moment: a reset would discard the last reply."""
        if self._ending:
            return
        self._ending = True
        self._end_soon()
        self._due = self._reading.deadline = trio.current_time() + self._policy.limits.linger_s
        async with self.send_lock:
            with suppress(*GONE):
                await self.stream.send_eof()

    def _end_soon(self) -> None:
        """Let the application finish within a deadline."""
        scope = self._nursery.cancel_scope
        scope.deadline = min(scope.deadline, trio.current_time() + self._policy.limits.write_s)


class _GuardedProtocol(H11Protocol):
    """hypercorn's HTTP/1.1, which never switches to another protocol and can be muted."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.proxies = Proxies()
        """The proxies whose headers determine a request's client."""
        self._socket_peer = self.client
        self.rested = trio.Event()
        """Set while no response is due."""
        self.rested.set()
        self.settled = self.rested
        """Also set while an endless response is sent, for which nothing waits."""
        self._muted = False

    def mute(self) -> bool:
        """Suppress the application's response; False if it has begun, so that no other response may follow."""
        self._muted = True
        return self.connection.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def stream_send(self, event: StreamEvent) -> None:
        if self._muted:
            return
        if isinstance(event, Response) and self.context.terminated.is_set():
            event = replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)
        if isinstance(event, Response) and any(_has_no_end(*field) for field in event.headers):
            self.settled.set()

    async def _check_protocol(self, event: h11.Request) -> None:
        """Ignore requests for another protocol: the guard refuses them."""

    async def _create_stream(self, request: h11.Request) -> None:
        self.rested, self.settled = trio.Event(), trio.Event()
        if self._socket_peer is not None:  # what the application finds as `scope["client"]`
            peer, port = self._socket_peer
            self.client = (self.proxies.client(peer, dict(request.headers)), port)  # the guard wrote each name once
        await super()._create_stream(request)

    async def _close_stream(self) -> None:
        await super()._close_stream()
        self.rested.set()
        self.settled.set()


def _has_no_end(name: bytes, value: bytes) -> bool:
    return name.lower() == b"content-type" and value.startswith(sse.CONTENT_TYPE.encode())
