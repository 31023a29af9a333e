"""One connection at the edge: a state machine that events move on, without a task of its own.

The events are: bytes arrive, the socket takes more, an answer is ready, a deadline passes. Each is one method, which
does all that is possible without waiting. So a request costs no switch of tasks, which would be most of its cost.
"""

from __future__ import annotations

import select
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evd.errors import RequestError, Unavailable
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, Permit
from evd.net.server.counters import EdgeCounters
from evd.net.server.http1 import CONTINUE, SERVER_ERROR, RequestReader, error_reply, render
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead
from evd.net.server.phases import (
    ANSWERING,
    GONE,
    HELLO,
    IN_BODY,
    IN_HEAD,
    LINGERING,
    RESTING,
    SENDING,
    SENDING_LAST,
    TAKEN,
    Phase,
)
from evd.net.socket import PlainSocket
from evd.request.http import Reply, Request

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

CROWDED = Unavailable("Too many requests are on their way at once; send it again later, with the key in its head.")
Answer = Callable[[Reply], None]

#: The events that epoll reports of a connection; registered again when they change.
EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_WRITABLE = select.EPOLLOUT
_ENDING = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_READABLE = select.EPOLLIN | _ENDING

NO_KEY = frozenset((401, 429))
"""Statuses of refusals that show that there was no valid key."""

REQUESTS_AT_ONCE = 16
"""Requests of one connection before others have their turn, so that one that sends without pause delays none."""

BYTES_AT_ONCE = 16 * 1024
"""Bytes, likewise. As chunks of one byte, the slowest way to send them, they take about 2 ms."""

LINGER_S = 1.0
"""How long the client may take to read the last reply before the socket is closed (RFC 9112, section 9.6)."""

LINGER_MAX = 256 * 1024
"""Bytes that are skipped meanwhile; more is a flood and ends the connection."""


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds of the edge: bytes, counts and seconds. Those that have a setting have its default there."""

    head_max: int  # bytes; a callback's head is under 1 KiB, a browser's with cookies under 8
    fields_max: int  # header fields; browsers and proxies send 10 to 30
    body_max: int  # bytes of an ingest body; a callback has some hundred
    head_s: float  # a head is one packet; what takes longer is a slow-header attack
    body_s: float  # for the whole body, however steadily it drips; Sigfox itself gives up after 10 s
    answer_s: float  # the net below the ingest's own 503, so a little more than that takes
    idle_s: float  # between requests; nginx in front closes after 60 s, and evd should not be the first
    write_s: float  # until a reply of a few hundred bytes is in the socket's buffer
    tls_hello_s: float  # two round trips
    drain_s: float  # systemd's stop is 10 s, and Sigfox waits no longer
    linger_s: float = LINGER_S
    linger_max: int = LINGER_MAX
    sweep_s: float = 0.25  # how late a deadline may be noticed


class Reception(ABC):
    """What the connections of one edge share: the service, their bounds, the time, and the counters."""

    def __init__(
        self,
        *,
        take: Callable[[Request, Answer], None],
        is_ingest: Callable[[str, str], bool],
        allow: Callable[[RequestHead, str], Allowance] | None,
        limits: EdgeLimits,
        log: FilteringBoundLogger,
        admission: Admission,
        proxies: Proxies | None,
        counters: EdgeCounters | None,
    ) -> None:
        self.take = take
        self.is_ingest = is_ingest
        self.allow = allow or (lambda head, peer: Allowance(limits.body_max))
        self.limits = limits
        self.log = log
        self.time = 0.0
        """Seconds of trio's clock, read once for all events of one wake-up."""
        self.stopping = False
        self.admission = admission
        self.proxies = proxies or Proxies()
        self.counters = counters or EdgeCounters()

    @abstractmethod
    def give_away(self, connection: Connection, unread: bytes) -> None:
        """Hand the connection over: its next request is not an ingest request."""

    @abstractmethod
    def unfinished(self, connection: Connection) -> None:
        """Let other connections have their turn, then call `on_ready` of this one again."""

    @abstractmethod
    def ended(self, connection: Connection) -> None:
        """Note that the connection is closed."""


class Connection:
    """Reads requests, has them answered one after the other, and closes itself. Its methods do not raise."""

    __slots__ = (
        *("_peer", "_pending", "_proxied", "_reader", "_reception", "_skips", "_turn"),
        *("deadline", "phase", "permit", "wire"),
    )

    def __init__(self, reception: Reception, wire: PlainSocket, peer: str, permit: Permit) -> None:
        limits = reception.limits
        self.permit = permit
        permit.holder = self
        self.wire = wire
        self.phase = RESTING if wire.greeted else HELLO
        # A fresh connection has something to say; an old one may rest.
        self.deadline = reception.time + (limits.head_s if wire.greeted else limits.tls_hello_s)
        self._reception = reception
        self._reader = RequestReader(head_max=limits.head_max, fields_max=limits.fields_max)
        self._peer = peer
        self._proxied = reception.proxies.trust(peer)
        """Whether the peer is a proxy, which names the client of each request."""
        self._pending: RequestHead | None = None
        """The head of the request whose answer is due."""
        self._turn = REQUESTS_AT_ONCE
        """Requests that may still be taken in this turn; below 0 once another turn was asked for."""
        self._skips = limits.linger_max
        """Bytes that may still be skipped after the last reply."""

    @property
    def idle(self) -> bool:
        """Whether no byte of a request is here, so that it may be closed at any time."""
        return self.phase is HELLO or (self.phase is RESTING and self._reader.empty and not self.wire.unsent)

    # ---- events ----

    def on_ready(self, events: int) -> None:
        """The socket is readable, or writable, or has ended."""
        wire = self.wire
        unfinished = self._turn < 0
        self._turn = REQUESTS_AT_ONCE
        try:
            if wire.unsent and events & _WRITABLE and wire.flush():
                self._flushed()
            if events & _READABLE:
                wire.more = True
                if events & _ENDING:
                    wire.ending = True
            if unfinished:
                self._read_requests()
            self._listen()
            if self._reception.stopping and self.idle:
                self.close()
        except Exception as error:
            self._fail(error)

    def answer(self, reply: Reply) -> None:
        """The answer to the request in progress; ignored if the connection is closed or was refused meanwhile."""
        head = self._pending
        if head is None:
            return
        at_once = self.phase is TAKEN
        try:
            last = not head.keep_alive or reply is SERVER_ERROR or self._reader.ended or self._reception.stopping
            self._send(render(reply, head_only=head.method == "HEAD", minor=head.minor, keep_alive=not last), last=last)
            if not at_once:  # otherwise `_read_requests` goes on
                self._turn = REQUESTS_AT_ONCE
                if not self._reader.empty:
                    self._read_requests()
                self._listen()
        except Exception as error:
            self._fail(error)

    def on_timeout(self) -> None:
        """Its deadline has passed."""
        late = self.phase.late
        try:
            if late is None:
                self.close()
            else:
                self._reception.counters.timed_out += 1
                self._refuse(late)
                self._listen()
        except Exception as error:
            self._fail(error)

    def shut_down(self) -> None:
        """The server stops: close, unless a request has begun, even if it is still in the socket."""
        if self.idle:
            self.wire.more = True
            self._turn = REQUESTS_AT_ONCE
            try:
                self._listen()
            except Exception as error:
                self._fail(error)
        if self.idle:
            self.close()

    def give_way(self) -> None:
        """Close: its permit is needed."""
        self.close()

    def let_go(self) -> None:
        """Refuse the request: unfinished requests hold too many bytes."""
        if self.phase is GONE:
            return
        self._reader.forget()
        try:
            self._refuse(CROWDED)
        except Exception as error:
            self._fail(error)

    def close(self) -> None:
        if self.phase is not GONE:
            self.phase = GONE
            self._pending = None
            self._reader.forget()
            self._reception.ended(self)
            self.wire.close()

    def _wait(self, phase: Phase, within_s: float) -> None:
        """Enter a phase and set its deadline."""
        self.phase = phase
        self.deadline = self._reception.time + within_s

    # ---- reading ----

    def _listen(self) -> None:
        """Read what has arrived, within the turn's bounds, and not while a request is being answered."""
        wire = self.wire
        room = BYTES_AT_ONCE
        while wire.more and self.phase.listens and (self._turn > 0 or self._may_go_on()):
            data = wire.receive()
            if self.phase is HELLO and wire.greeted:
                self._wait(RESTING, self._reception.limits.head_s)
            if data is None:
                return
            if not data:
                self.close()
            elif self.phase is LINGERING:
                self._skip(len(data))
            else:
                self._reader.feed(data)
                self._read_requests()
                room -= len(data)
                if room <= 0:
                    self._turn = min(self._turn, 0)

    def _may_go_on(self) -> bool:
        """Whether this turn has requests left; if not, another one is asked for, once."""
        if self._turn == 0:
            self._turn = -1
            self._reception.unfinished(self)
        return self._turn > 0

    def _read_requests(self) -> None:
        """Have complete requests answered until bytes are missing or an answer is due."""
        try:
            while self.phase.reads and (self._turn > 0 or self._may_go_on()):
                request = self._next_request()
                if request is None:
                    return
                self._turn -= 1
                self._have_answered(request)
        except RequestError as error:
            self._refuse(error)

    def _next_request(self) -> Request | None:
        """A complete request; None if bytes of it are missing or it is handed over. Raises RequestError."""
        reader, reception = self._reader, self._reception
        head = reader.head
        if head is None:
            head = reader.next_head()
            if head is None:
                if not reader.empty:
                    self._await_head()
                return None
            reception.counters.requests += 1
            if not reception.is_ingest(head.method, head.path):
                self._hand_over(head)
                return None
        body = reader.arrived(reception.limits.body_max)
        if body is None:
            body = self._awaited_body(head)
            if body is None:
                return None
        if self.permit.held:
            reception.admission.hold(self.permit, 0)
        self._pending = head
        client = self._client(head) if self._proxied else self._peer
        return Request(head.method, head.path, head.query, head.headers, body, client)

    def _await_head(self) -> None:
        if self.phase is not IN_HEAD:
            self._wait(IN_HEAD, self._reception.limits.head_s)
        self._reception.admission.hold(self.permit, self._reader.held)

    def _awaited_body(self, head: RequestHead) -> bytes | None:
        """A body that did not come with its head; None while bytes of it are missing.

        Before the first wait the head decides whether the body is read at all.
        """
        reader, reception = self._reader, self._reception
        begins = self.phase is not IN_BODY
        allowance = reception.allow(head, self._client(head)) if begins else None
        if allowance is not None and not allowance.reads:
            reader.forget()
            return b""
        body = reader.body(allowance)
        if body is not None:
            return body
        if begins:
            self._wait(IN_BODY, reception.limits.body_s)
            if head.expects_continue:
                self.wire.send(CONTINUE)
        reception.admission.hold(self.permit, reader.held)
        if reader.paused:
            self._turn = 0
            self._may_go_on()
        return None

    def _client(self, head: RequestHead) -> str:
        """The address of a request's client, also through a proxy."""
        return self._reception.proxies.client(self._peer, head.headers)

    def _hand_over(self, head: RequestHead) -> None:
        """Give the connection away: this request is for the web application."""
        reception = self._reception
        self.phase = GONE
        if self.permit.stranger and reception.allow(head, self._client(head)).known:
            reception.admission.prove(self.permit)
        reception.admission.hand_over(self.permit)
        reception.give_away(self, self._reader.unread())

    def _have_answered(self, request: Request) -> None:
        reception = self._reception
        self.phase = TAKEN
        self.deadline = reception.time + reception.limits.answer_s
        try:
            reception.take(request, self.answer)
        except RequestError as error:
            if error.status not in NO_KEY:
                self._prove()
            self.answer(error_reply(error))
        except Exception as error:
            reception.counters.failed += 1
            reception.log.error(
                "edge.request_failed", error=type(error).__name__, path=request.path, client=request.peer
            )
            self.answer(SERVER_ERROR)
        else:
            if self.phase is TAKEN:
                self.phase = ANSWERING
            if self.permit.stranger:
                self._prove()

    def _prove(self) -> None:
        if self.permit.stranger:
            self._reception.admission.prove(self.permit)

    # ---- answers, and the end ----

    def _send(self, data: bytes, *, last: bool) -> None:
        """Send a reply, with which no answer is due any more."""
        self._pending = None
        if not self.wire.send(data):
            self._wait(SENDING_LAST if last else SENDING, self._reception.limits.write_s)
        elif last:
            self._linger()
        else:
            self._rest()

    def _flushed(self) -> None:
        """A reply that was longer than the socket's buffer is in it whole."""
        if self.phase is SENDING:
            self._rest()
            self._read_requests()
        elif self.phase is SENDING_LAST:
            self._linger()

    def _rest(self) -> None:
        """Wait for the next request."""
        self.phase = RESTING
        self.deadline = self._reception.time + self._reception.limits.idle_s
        if self.permit.stranger:
            self._reception.admission.answered(self.permit)

    def _refuse(self, error: RequestError) -> None:
        """The last words to a connection whose bytes can be trusted no more, or are late."""
        self._reception.counters.refused += 1
        self._send(render(error_reply(error), keep_alive=False), last=True)

    def _linger(self) -> None:
        """Half-close and skip further bytes; else the kernel answers them with a reset, which discards the reply."""
        self._wait(LINGERING, self._reception.limits.linger_s)
        self.wire.end()

    def _skip(self, count: int) -> None:
        self._skips -= count
        if self._skips < 0:
            self.close()

    def _fail(self, error: Exception) -> None:
        """Close the connection after an exception, which must not leave it."""
        if isinstance(error, OSError):
            self._reception.counters.broken += 1  # the client went away, or speaks no TLS
        else:
            self._reception.counters.failed += 1
            self._reception.log.error("edge.connection_failed", errors=[type(error).__name__], peer=self._peer)
        self.close()
