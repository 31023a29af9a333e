"""One connection served by hypercorn behind a guard.

hypercorn on trio lets one hostile request end the whole server, lets a client that does not read block its stop for
ever, accepts heads that other servers read differently, and closes without a reply if an answer overtakes its request.
So `http1_guard.RequestGuard` reads every byte and gives h11 complete requests only; reads and writes have deadlines;
and the client can read a last reply before the socket is closed. HTTP/1.1 only: neither HTTP/2, by preface, Upgrade or
ALPN, nor WebSocket.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.typing import AppWrapper, ConnectionState, WorkerContext
from hypercorn.utils import parse_socket_addr

from evd.errors import RequestError
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, Permit
from evd.net.server.connection import LINGER_MAX, LINGER_S
from evd.net.server.guarded_protocol import GuardedProtocol
from evd.net.server.http1 import CONTINUE, render
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_guard import RequestGuard
from evd.net.server.http1_head import RequestHead
from evd.net.server.read_deadline import ReadDeadline
from evd.request.http import Reply

SEND_MAX = 65536  # bytes with one write deadline, so that a slow reader is not taken for a dead one

GONE = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)


Refusal = Callable[[RequestError, str], Reply]
"""Gets what is wrong with a request, and its path ("" if its head is not understood); returns the answer."""

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
    refusal: Refusal
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
        """`stream` may have a `permit`, which it gives up when the admission needs it."""
        super().__init__(app, config, cast(Any, context), state, cast(Any, stream))
        limits = policy.limits
        self._policy = policy
        self._permit: Permit | None = getattr(stream, "permit", None) if policy.admission is not None else None
        self.refused = 0
        self._peer = ""
        self._guard = RequestGuard(head_max=limits.head_max, fields_max=limits.fields_max, allow=self._allow)
        self._whole = trio.CancelScope()
        self._deadline = ReadDeadline(head_s=limits.head_s, body_s=limits.body_s)
        self._ending = False

    def _allow(self, head: RequestHead) -> Allowance:
        return self._policy.allow(head, self._policy.proxies.client(self._peer, head.headers))

    @property
    def _guarded(self) -> GuardedProtocol:
        return cast(GuardedProtocol, self.protocol)

    @property
    def idle(self) -> bool:
        """See `admission.Holder`, and the next two."""
        return not self._guard.in_head and not self._guard.in_body and self._guarded.rested.is_set()

    def give_way(self) -> None:
        self._whole.cancel()

    def let_go(self) -> None:
        self._deadline.crowd_out()

    def _account(self) -> None:
        """Report to the admission what this connection has shown and what it holds."""
        if self._policy.admission is not None and self._permit is not None:
            if self._guard.known and self._permit.stranger:
                self._policy.admission.prove(self._permit)
            held = 0 if self._ending else self._guard.held
            if held or self._permit.held:
                self._policy.admission.hold(self._permit, held)

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
                    protocol = GuardedProtocol(
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
                    protocol.proxies = self._policy.proxies
                    self.protocol = cast(Any, protocol)
                    if self._permit is not None:
                        self._permit.holder = self
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
        if self._permit is not None:
            self._permit.holder = None
        if "protocol" in self.__dict__:  # it has begun
            self.protocol.__dict__.clear()
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
            data = await self._deadline.receive(self.stream)
            if data is not None:
                return data
            if self._ending or not (self._guard.in_head or self._guard.in_body):
                return b""
            await self._refuse(self._deadline.refusal(in_body=self._guard.in_body))

    async def _expect(self) -> None:
        """Set the deadline for the rest of a head or of a body, counted from its beginning."""
        guard = self._guard
        if not self._ending and self._deadline.follow(guard):
            if guard.in_head or guard.in_body:
                await self.idle_task.stop()  # a connection with half a request is not idle
            if guard.expects_continue and guard.error is None:
                await self._guarded.rested.wait()  # until the response before it is sent
                await self._write(CONTINUE)

    async def _refuse(self, error: RequestError) -> None:
        """Answer a refusal after the response that is due before it, and end the connection."""
        self.refused += 1
        reply = self._policy.refusal(error, self._guard.path)
        self._guard.forget()
        self._account()
        guarded = self._guarded
        with trio.move_on_after(self._policy.limits.drain_s):
            await guarded.rested.wait()
        if not self._ending and guarded.mute() and guarded.rested.is_set():
            await self._write(render(reply, keep_alive=False))
        await self._end()

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, RawData):
            await self._write(event.data)
            return
        if isinstance(event, Updated) and event.idle:
            if self._guard.in_head or self._guard.in_body:
                return  # part of a request is here already
            if self._policy.admission is not None and self._permit is not None:
                self._policy.admission.answered(self._permit)
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
        self._deadline.restart(self._policy.limits.linger_s)
        async with self.send_lock:
            with suppress(*GONE):
                await self.stream.send_eof()

    def _end_soon(self) -> None:
        """Let the application finish within a deadline."""
        scope = self._nursery.cancel_scope
        scope.deadline = min(scope.deadline, trio.current_time() + self._policy.limits.write_s)
