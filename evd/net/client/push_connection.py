"""One HTTP/1.1 connection to a push provider, and the answer that it is reading. No method waits."""

from __future__ import annotations

import httptools

from evd.errors import HttpBroken
from evd.net.client.response import Response
from evd.net.socket import PlainSocket

HEAD_MAX = 65_536
"""Bytes of an answer's head (FCM's are 400 bytes, nginx and Apache send at most 8 KiB)."""

KEPT_HEADERS = {b"retry-after"}
"""Headers that a provider's sender reads; httptools itself reads the framing."""


class NoAnswer(HttpBroken):
    """The server closed the connection before the first byte of an answer."""


class _PartialAnswer:
    """The answer that is being read."""

    __slots__ = ("body", "body_size", "complete", "headers", "status", "too_big")

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.body_size = 0
        self.complete = False
        self.too_big = False


class PushConnection:
    """Sends a request, then reads its answer; the `on_…` methods are httptools' callbacks.

    An answer's head may have HEAD_MAX bytes and its body `body_max`. The answer must have a length or chunks: one that
    ends with its connection cannot be distinguished from a truncated one.
    """

    def __init__(self, wire: PlainSocket, peer: str, body_max: int) -> None:
        self.wire = wire
        self.peer = peer
        self.answered = 0
        """How many requests it has served."""
        self.reusable = True
        self._body_max = body_max
        # The framing of a chunked body counts too; a body whose framing outweighs its content is refused.
        self._wire_max = HEAD_MAX + 2 * body_max
        self._parser = httptools.HttpResponseParser(self)
        self._received = 0
        self._answer = _PartialAnswer()

    def send(self, request: bytes) -> bool:
        """Send; False if the socket did not take everything: `wire.flush` when it is writable. Raises OSError."""
        self._received = 0
        self._answer = _PartialAnswer()
        return self.wire.send(request)

    def receive(self) -> Response | None:
        """Read from the readable socket; returns the answer once it is complete.

        Raises OSError, NoAnswer or HttpBroken; the connection must then be closed.
        """
        while (data := self.wire.receive()) is not None:
            if not data:
                raise self.cut_off()
            self._received += len(data)
            if self._received > self._wire_max:
                raise HttpBroken(f"{self.peer} sent an answer of more than {self._wire_max} bytes.")
            self._feed(data)
            if not self.wire.more:
                break
        if not self._answer.complete:
            return None
        self.answered += 1
        return Response(self._answer.status, self._answer.headers, b"".join(self._answer.body))

    def cut_off(self) -> HttpBroken:
        """The error for the request in flight when the connection is lost."""
        if not self._received:
            return NoAnswer(f"{self.peer} closed the connection without an answer.")
        return HttpBroken(f"{self.peer} closed the connection in the middle of its answer.")

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._answer.too_big:
                raise HttpBroken(f"{self.peer} answered with a body of more than {self._body_max} bytes.") from None
            if not self._answer.complete:
                raise HttpBroken(f"{self.peer} answered with something that is not HTTP/1.1.") from error
            self.reusable = False  # the answer was complete, but more bytes came after it

    def on_message_begin(self) -> None:
        if self._answer.complete:
            self.reusable = False  # an answer without a request: no later one can be assigned

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in KEPT_HEADERS and not self._answer.complete:
            self._answer.headers[name.decode("ascii").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        if self._answer.complete:
            return
        self._answer.body_size += len(data)
        if self._answer.body_size > self._body_max:
            self._answer.too_big = True
            raise ValueError("too big")  # the only way to stop the parser
        self._answer.body.append(data)

    def on_message_complete(self) -> None:
        if self._answer.complete:
            return
        status = self._parser.get_status_code()
        if status < 200:  # RFC 9110 §15.2: an interim answer; the real one follows
            self._answer = _PartialAnswer()
            return
        self._answer.status = status
        self._answer.complete = True
        self.reusable = self.reusable and self._parser.should_keep_alive()
