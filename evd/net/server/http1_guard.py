"""The guard: what the ASGI server sees are complete requests, written again from their parsed form.

Pure. That server never waits for a byte, so it cannot answer before a request is complete, and no two readers can
interpret a request differently: it gets a length, never chunks, and no request for another protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from evd.errors import RequestError
from evd.net.server.http1 import RequestReader
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead

NOT_PASSED_ON = frozenset(
    b"connection content-length transfer-encoding te trailer expect upgrade http2-settings keep-alive".split()
)
"""Header fields about the connection, which the guard writes itself."""


class RequestGuard:
    """Parses the requests of a connection that another server answers.

    `feed` returns the requests that are complete. At the first fault `error` is set, and neither its request nor any
    later byte is passed on. `allow` decides by the head how much body a request may send; a request whose body is not
    read is passed on without it, as the last one.
    """

    def __init__(self, *, head_max: int, fields_max: int, allow: Callable[[RequestHead], Allowance]) -> None:
        self._reader = RequestReader(head_max=head_max, fields_max=fields_max)
        self._allow = allow
        self._head: RequestHead | None = None
        self._allowance = Allowance(0)
        self._last = False
        self.path = ""
        """Of the request that is being read; "" before its head is understood."""
        self.heads = 0
        """How many heads were understood."""
        self.known = False
        """Whether a head of this connection had a valid key."""
        self.error: RequestError | None = None

    @property
    def in_head(self) -> bool:
        """Whether a head has begun and is incomplete."""
        return self._head is None and not self._reader.empty

    @property
    def in_body(self) -> bool:
        """Whether a body is incomplete; with `error`, whether the fault is in it."""
        return self._head is not None

    @property
    def body_s(self) -> float | None:
        """Within how many seconds the body must arrive; None: as long as any."""
        return self._allowance.seconds

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for 100 Continue before it sends the body."""
        return self._head is not None and self._head.expects_continue

    @property
    def paused(self) -> bool:
        """Whether bytes are left to parse: after others had their turn, call `feed` with nothing."""
        return self._reader.paused

    @property
    def held(self) -> int:
        """Bytes that wait for the rest of their request."""
        return self._reader.held

    def feed(self, data: bytes) -> bytes:
        given: list[bytes] = []
        if self.error is None and not self._last:
            self._reader.feed(data)
            try:
                while not self._last and (request := self._next()) is not None:
                    given.append(request)
            except RequestError as error:
                self.error = error
        return b"".join(given)

    def _next(self) -> bytes | None:
        reader = self._reader
        head = self._head
        if head is None:
            head = None if reader.empty else reader.next_head()
            if head is None:
                return None
            self._head = head
            self.path = head.path
            self.heads += 1
            self._allowance = self._allow(head)
            self.known = self.known or self._allowance.known
        if not self._allowance.reads and not reader.at_hand(self._allowance.size):
            self.forget()
            return written(head, b"", last=True)
        body = reader.body(self._allowance)
        if body is None:
            return None
        self._head = None
        self.path = ""
        if not head.keep_alive:
            self.forget()
        return written(head, body, last=not head.keep_alive)

    def forget(self) -> None:
        """Parse no more of the connection, and drop an unfinished request."""
        self._last = True
        self._head = None
        self._reader.forget()


def written(head: RequestHead, body: bytes, *, last: bool) -> bytes:
    """A request in its parsed form; with `last` it states that no other one follows."""
    parts = [b"%s %s HTTP/1.%d\r\n" % (head.method.encode(), head.target, head.minor)]
    parts += [b"%s: %s\r\n" % field for field in head.headers.items() if field[0] not in NOT_PASSED_ON]
    if body or head.length is None or b"content-length" in head.headers:
        parts.append(b"content-length: %d\r\n" % len(body))
    if last:
        parts.append(b"connection: close\r\n")
    elif not head.minor:
        parts.append(b"connection: keep-alive\r\n")
    parts.append(b"\r\n")
    parts.append(body)
    return b"".join(parts)
