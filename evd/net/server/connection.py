"""One connection at the edge: a state machine that events move on, without a task of its own.

The events are: bytes arrive, the socket takes more, an answer is ready, a deadline passes. Each is one method, which
does all that is possible without waiting. So a request costs no switch of tasks, which would be most of its cost.
"""

from __future__ import annotations

import select
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from evd.errors import RequestError, Unavailable
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission, Slot
from evd.net.server.counters import EdgeCounters
from evd.net.server.http1 import BODY_LATE, CONTINUE, HEAD_LATE, SERVER_ERROR, RequestReader, error_reply, render
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead
from evd.net.socket import PlainSocket
from evd.request.http import Reply, Request

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

CROWDED = Unavailable("Too many requests are on their way at once; send it again later, with the key in its head.")
ANSWER_LATE = Unavailable("The request could not be answered in time; send it again later.")
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


class Phase(Enum):
    HELLO = auto()  # of TLS
    READING = auto()  # a head, a body, or nothing yet
    ANSWERING = auto()  # a request was taken and its answer is due
    SENDING = auto()  # a reply is longer than the socket's buffer
    LINGERING = auto()  # the last reply is sent: further bytes are skipped
    GONE = auto()  # closed, or handed over


_LISTENS = frozenset({Phase.HELLO, Phase.READING, Phase.LINGERING})


class Connection:
    """Reads requests, has them answered one after the other, and closes itself. Its methods do not raise."""

    __slots__ = (
        *("_allowance", "_conversing", "_ending", "_head", "_last", "_left", "_peer", "_reader", "_reception", "_room"),
        *("_turn", "_unread"),
        *("deadline", "late", "phase", "place", "wire"),
    )

    def __init__(self, reception: Reception, wire: PlainSocket, peer: str, place: Slot) -> None:
        limits = reception.limits
        self.place = place
        place.holder = self
        self.wire = wire
        self.phase = Phase.READING if wire.greeted else Phase.HELLO
        # A fresh connection has something to say; an old one may rest.
        self.deadline = reception.time + (limits.head_s if wire.greeted else limits.tls_hello_s)
        self.late: RequestError | None = None
        """The refusal that is sent if the deadline passes; None if the connection is just closed."""
        self._reception = reception
        self._reader = RequestReader(head_max=limits.head_max, fields_max=limits.fields_max)
        self._peer = peer
        self._head: RequestHead | None = None  # of the request that is being read or answered
        self._allowance: Allowance | None = None  # of that request, once its body has to be waited for
        self._conversing = False
        self._turn = REQUESTS_AT_ONCE  # requests that may still be taken in this turn
        self._room = BYTES_AT_ONCE  # and bytes
        self._unread = False  # bytes may wait in the socket
        self._ending = False  # and after them its end
        self._last = False  # the reply on its way is the last one
        self._left = limits.linger_max

    @property
    def idle(self) -> bool:
        """Whether no byte of a request is here, so that it may be closed at any time."""
        return self.phase is Phase.HELLO or (
            self.phase is Phase.READING and self._head is None and self._reader.empty and not self.wire.unsent
        )

    # ---- events ----

    def on_ready(self, events: int) -> None:
        """The socket is readable, or writable, or has ended."""
        unfinished = self._turn < 0
        self._begin_turn()
        try:
            if events & _WRITABLE and self.wire.unsent and self.wire.flush() and self.phase is Phase.SENDING:
                self._sent()
                self._process_requests()
            if events & _READABLE:
                self._unread = True
                if events & _ENDING:
                    self._ending = True
            if unfinished:
                self._process_requests()
            self._listen()
            if self._reception.stopping and self.idle:
                self.close()
        except Exception as error:
            self._fail(error)

    def answer(self, reply: Reply) -> None:
        """The answer to the request in progress; ignored if the connection is closed or was refused meanwhile."""
        head = self._head
        if self.phase is not Phase.ANSWERING or head is None:
            return
        try:
            unread = self._allowance is not None and not self._allowance.reads
            last = not head.keep_alive or unread or reply is SERVER_ERROR or self._reception.stopping
            self._head = self._allowance = None
            self._send(render(reply, head_only=head.method == "HEAD", minor=head.minor, keep_alive=not last), last=last)
            if not self._conversing:
                self._begin_turn()
                self._process_requests()
                self._listen()
        except Exception as error:
            self._fail(error)

    def on_timeout(self) -> None:
        """Its deadline has passed."""
        try:
            if self.late is None:
                self.close()
            else:
                self._reception.counters.timed_out += 1
                self._refuse(self.late)
                self._listen()
        except Exception as error:
            self._fail(error)

    def shut_down(self) -> None:
        """The server stops: close, unless a request has begun, even if it is still in the socket."""
        if self.idle:
            self._unread = True
            self._begin_turn()
            try:
                self._listen()
            except Exception as error:
                self._fail(error)
        if self.idle:
            self.close()

    def give_way(self) -> None:
        """Close: its place is needed."""
        self.close()

    def let_go(self) -> None:
        """Refuse the request: unfinished requests hold too many bytes."""
        self._reader.forget()
        self._head = self._allowance = None
        try:
            self._refuse(CROWDED)
        except Exception as error:
            self._fail(error)

    def close(self) -> None:
        if self.phase is not Phase.GONE:
            self.phase = Phase.GONE
            self._reader.forget()
            self._reception.ended(self)
            self.wire.close()

    # ---- reading ----

    def _listen(self) -> None:
        """Read what has arrived, within the turn's bounds, and not while a request is being answered."""
        while (self._unread or self._ending) and self.phase in _LISTENS and self._has_turn():
            data = self.wire.receive()
            self._unread = self.wire.more
            if self.phase is Phase.HELLO and self.wire.greeted:
                self._rest(self._reception.limits.head_s)
            if data is None:
                return
            if not data:
                self.close()
            elif self.phase is Phase.LINGERING:
                self._left -= len(data)
                if self._left < 0:
                    self.close()
            else:
                self._reader.feed(data)
                self._process_requests()
                self._room -= len(data)
                if self._room <= 0:
                    self._turn = min(self._turn, 0)

    def _begin_turn(self) -> None:
        self._turn, self._room = REQUESTS_AT_ONCE, BYTES_AT_ONCE

    def _has_turn(self) -> bool:
        if self._turn > 0:
            return True
        if self._turn == 0:
            self._turn = -1  # said once
            self._reception.unfinished(self)
        return False

    def _process_requests(self) -> None:
        """Have complete requests answered until bytes are missing or an answer is due."""
        self._conversing = True
        try:
            while self.phase is Phase.READING and self._has_turn() and self._next_request():
                self._turn -= 1
        except RequestError as error:
            self._refuse(error)
        finally:
            self._conversing = False

    def _next_request(self) -> bool:
        """Take one request; False if bytes of it are missing. Raises RequestError if it is refused."""
        reader, reception = self._reader, self._reception
        head = self._head
        if head is None:
            head = None if reader.empty else reader.next_head()
            if head is None:
                if not reader.empty:
                    if self.late is None:
                        self._owes(HEAD_LATE, reception.limits.head_s)
                    reception.admission.hold(self.place, reader.held)
                return False
            reception.counters.requests += 1
            if not reception.is_ingest(head.method, head.path):
                self.phase = Phase.GONE
                if self.place.stranger and reception.allow(head, self._client(head)).known:
                    self._prove()
                reception.admission.hand_over(self.place)
                reception.give_away(self, reader.unread())
                return False
            self._head = head
        body = reader.arrived(reception.limits.body_max) if self._allowance is None else None
        if body is None:
            body = self._awaited(head)
        if body is None:
            if self.late is not BODY_LATE:
                self._owes(BODY_LATE, reception.limits.body_s)
                if head.expects_continue:
                    self.wire.send(CONTINUE)
            reception.admission.hold(self.place, reader.held)
            if reader.paused:
                self._turn = 0
                self._has_turn()
            return False
        if self.place.held:
            reception.admission.hold(self.place, 0)
        self._owes(ANSWER_LATE, reception.limits.answer_s)
        self.phase = Phase.ANSWERING
        self._have_answered(Request(head.method, head.path, head.query, head.headers, body, self._client(head)))
        return True

    def _awaited(self, head: RequestHead) -> bytes | None:
        """A body that did not come with its head; None while bytes of it are missing.

        Before the first wait the head decides whether the body is read at all.
        """
        reader, allowance = self._reader, self._allowance
        if allowance is None:
            allowance = self._allowance = self._reception.allow(head, self._client(head))
            if not allowance.reads:
                reader.forget()
        return reader.body(allowance) if allowance.reads else b""

    def _client(self, head: RequestHead) -> str:
        """The address of a request's client, also through a proxy."""
        return self._reception.proxies.client(self._peer, head.headers)

    def _have_answered(self, request: Request) -> None:
        try:
            self._reception.take(request, self.answer)
        except RequestError as error:
            if error.status not in NO_KEY:
                self._prove()
            self.answer(error_reply(error))
        except Exception as error:
            self._reception.counters.failed += 1
            self._reception.log.error(
                "edge.request_failed", error=type(error).__name__, path=request.path, client=request.peer
            )
            self.answer(SERVER_ERROR)
        else:
            if self.place.stranger:
                self._prove()

    def _prove(self) -> None:
        if self.place.stranger:
            self._reception.admission.prove(self.place)

    def _owes(self, late: RequestError, within_s: float) -> None:
        self.late = late
        self.deadline = self._reception.time + within_s

    # ---- answers, and the end ----

    def _send(self, data: bytes, *, last: bool) -> None:
        self.late = None
        self._last = last
        if self.wire.send(data):
            self._sent()
        else:
            self.phase = Phase.SENDING
            self.deadline = self._reception.time + self._reception.limits.write_s

    def _sent(self) -> None:
        if self._last:
            self._linger()
        else:
            self._rest(self._reception.limits.idle_s)
            if self.place.stranger:
                self._reception.admission.answered(self.place)

    def _rest(self, for_s: float) -> None:
        self.phase = Phase.READING
        self.late = None
        self.deadline = self._reception.time + for_s

    def _refuse(self, error: RequestError) -> None:
        """The last words to a connection whose bytes can be trusted no more, or are late."""
        self._reception.counters.refused += 1
        self._send(render(error_reply(error), keep_alive=False), last=True)

    def _linger(self) -> None:
        """Half-close and skip further bytes; else the kernel answers them with a reset, which discards the reply."""
        self.phase = Phase.LINGERING
        self.deadline = self._reception.time + self._reception.limits.linger_s
        self.wire.end()

    def _fail(self, error: Exception) -> None:
        """Close the connection after an exception, which must not leave it."""
        if isinstance(error, OSError):
            self._reception.counters.broken += 1  # the client went away, or speaks no TLS
        else:
            self._reception.counters.failed += 1
            self._reception.log.error("edge.connection_failed", errors=[type(error).__name__], peer=self._peer)
        self.close()
