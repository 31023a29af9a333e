"""Parse HTTP/1.1 requests strictly, and write replies (RFC 9112, RFC 9110).

Pure: bytes go in, and a head, a body or a RequestError comes out, however the bytes were divided. Whatever two readers
of one connection could interpret differently (a bare line feed, two lengths, a folded line) is refused, because it
enables request smuggling. `RequestReader` serves ingest; `evd.net.server.http1_guard` uses it for the ASGI server.
"""

from __future__ import annotations

from http import HTTPStatus

import orjson

from evd.errors import BadRequest, HeadTooLarge, RequestError, RequestTimeout, TooManyRequests, Unavailable
from evd.net.server.http1_body import Allowance, BodyWalk
from evd.net.server.http1_head import (
    RequestHead,
    check_field_line,
    check_request_line,
    method_byte,
    understand,
    whole_head,
)
from evd.request.http import Reply

BLANK_LINES_MAX = 4  # before a request line, left over from an earlier body (RFC 9112, section 2.2)

# The refusals for bytes that are late; the callers set the deadlines.
HEAD_LATE = RequestTimeout("The head of the request did not arrive in time; send it at once.")
BODY_LATE = RequestTimeout("The body of the request did not arrive in time; send it at once.")


#: Most fields allowed → bytes → parsed head. The callbacks of a device type differ only in their bodies, so nearly
#: every head has come before. Refused heads are not kept.
_seen: dict[int, dict[bytes, RequestHead]] = {}
SEEN_MAX = 512  # some hundred callers with a few body lengths each; about 3 KiB apiece
SEEN_BYTES_MAX = 2048


class _Heads:
    """The unused bytes of a connection, and the parser of the heads in them."""

    def __init__(self, *, head_max: int, fields_max: int) -> None:
        self._head_max = head_max
        self._fields_max = fields_max
        self._seen = _seen.setdefault(fields_max, {})
        self.head: RequestHead | None = None
        """The last head, until its body is taken."""
        self._buffer = b""
        self._head_end = 0
        self._line = 0  # where the first unchecked line of an incomplete head starts
        self._lines = 0
        self._blank_lines = 0

    def next_head(self) -> RequestHead | None:
        """The head of the next request; its bytes stay until its body is taken. None while it is incomplete.

        Raises BadRequest, HeadTooLarge or UnsupportedMedia.
        """
        buffer, seen = self._buffer, self._seen
        end = 0 if self._line else buffer.find(b"\r\n\r\n", 0, self._head_max) + 4
        if not 4 <= end <= SEEN_BYTES_MAX:
            self.head = self._read_head()
            return self.head
        head = seen.get(buffer[:end])
        if head is not None:
            self._head_end = end
            self._blank_lines = 0
        else:
            head = self._read_head()
            if head is not None and self._head_end == end:  # otherwise blank lines were before it
                if len(seen) >= SEEN_MAX:
                    seen.clear()
                seen[buffer[:end]] = head
        self.head = head
        return head

    def _read_head(self) -> RequestHead | None:
        if self._buffer[:1] == b"\r" and not self._line:
            self._skip_blank_lines()
        buffer = self._buffer
        fields: list[bytes] = []
        match = None
        if not self._line and b"\r\n\r\n" in buffer and (match := whole_head.match(buffer, 0, self._head_max)):
            fields = match[4].split(b"\r\n")
        if match is None or len(fields) > self._fields_max + 1:  # incomplete or invalid: check line by line
            end = self._check_lines()
            if not end:
                return None
            match = whole_head.match(buffer, 0, end)
            assert match is not None, "lines that pass one by one make a head"
            fields = match[4].split(b"\r\n")
        fields.pop()  # the rest that split leaves after the last line end
        self._line = self._lines = self._blank_lines = 0
        self._head_end = match.end()
        return understand(match, fields)

    def _skip_blank_lines(self) -> None:
        while self._buffer.startswith(b"\r\n"):
            self._blank_lines += 1
            if self._blank_lines > BLANK_LINES_MAX:
                raise BadRequest("The connection sends blank lines in place of a request; send the request line.")
            self._buffer = self._buffer[2:]

    def _check_lines(self) -> int:
        """Check the complete lines; returns the end of the head if its blank line is there, else 0."""
        buffer = self._buffer
        if buffer in (b"", b"\r"):
            return 0
        if not method_byte.match(buffer):
            raise BadRequest("The connection does not start with an HTTP request; speak HTTP/1.1 on this port.")
        while (end := buffer.find(b"\n", self._line, self._head_max) + 1) > 0:
            line = buffer[self._line : end]
            if line == b"\r\n":
                return end
            if not self._lines:
                check_request_line(line)
            elif self._lines > self._fields_max:
                raise HeadTooLarge(f"The request has more than {self._fields_max} header fields; send fewer.")
            else:
                check_field_line(line)
            self._line = end
            self._lines += 1
        if len(buffer) >= self._head_max:
            raise HeadTooLarge(f"The head of the request is over {self._head_max} bytes; send shorter header fields.")
        return 0


class RequestReader(_Heads):
    """Reads the requests of one connection one after the other: `next_head`, then `body`, then the next head.

    Both return None while bytes are missing (`feed` them), and raise a RequestError as soon as the request cannot be
    accepted; the connection must then be closed. `head_max` counts bytes from the method to the blank line.
    """

    def __init__(self, *, head_max: int, fields_max: int) -> None:
        super().__init__(head_max=head_max, fields_max=fields_max)
        self.ended = False
        """Whether bytes were dropped, so that no further request can be read."""
        self._walk: BodyWalk | None = None

    def feed(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    @property
    def empty(self) -> bool:
        """Whether no byte of a further request has come."""
        return not self._buffer and self.head is None

    @property
    def held(self) -> int:
        """Bytes of an unfinished request."""
        return len(self._buffer) + (len(self._walk.content) if self._walk is not None else 0)

    @property
    def paused(self) -> bool:
        """Whether `body` returned None to give others a turn, not because bytes are missing."""
        return self._walk is not None and self._walk.paused

    def at_hand(self, size: int) -> bool:
        """Whether the last head's body has come in one piece with it and has at most `size` bytes."""
        length = self.head.length if self.head is not None else None
        here = len(self._buffer) - self._head_end
        return self._walk is None and length is not None and length <= size and length <= here

    def arrived(self, size: int) -> bytes | None:
        """That body, as nearly every callback has it; None for any other."""
        head = self.head
        if head is None or self._walk is not None:
            return None
        length, start = head.length, self._head_end
        if length is None or length > size or length > len(self._buffer) - start:
            return None
        body = self._buffer[start : start + length]
        self._buffer = self._buffer[start + length :]
        self.head = None
        return body

    def unread(self) -> bytes:
        """All bytes from the start of the last head, for another reader of this connection."""
        assert self._walk is None, "a request whose body is being read cannot be given away"
        return self._buffer

    def forget(self) -> None:
        """Drop all bytes and parse no more."""
        self._buffer = b""
        self.head = self._walk = None
        self.ended = True

    def body(self, allowance: Allowance | None) -> bytes | None:
        """The complete body of the request whose head was returned last.

        The first call for a request needs its allowance, with which further ones go on. Raises TooLarge as soon as the
        request states more than is allowed, and BadRequest if its chunks are malformed or too many.
        """
        walk = self._walk
        if walk is None:
            assert self.head is not None and allowance is not None, "a body comes after a head, with an allowance"
            body = self.arrived(allowance.size)
            if body is not None:
                return body
            walk = self._walk = BodyWalk(self.head.length, allowance)
            self._buffer = self._buffer[self._head_end :]
        walk.step(self._buffer)
        self._buffer = self._buffer[walk.used :]
        if not walk.done:
            return None
        self.head = self._walk = None
        return bytes(walk.content)


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
JSON = (b"Content-Type", b"application/json")
ANY_ORIGIN = (b"Access-Control-Allow-Origin", b"*")
BODILESS = (204, 304)  # RFC 9110, section 8.6
EMPTY = b"Content-Length: 0\r\n"
NO_SNIFF = b"X-Content-Type-Options: nosniff\r\n"  # without a body a browser has nothing to sniff
_status_line = {status.value: b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode()) for status in HTTPStatus}


def render(reply: Reply, *, head_only: bool = False, minor: int = 1, keep_alive: bool = True) -> bytes:
    """The bytes of a reply to a request of HTTP/1.`minor`; `head_only` answers HEAD, without the body."""
    parts = [_status_line[reply.status]]
    for name, value in reply.headers:
        parts += (name, b": ", value, b"\r\n")
    body = reply.body
    if reply.status in BODILESS:
        body = b""
    elif body:
        parts += (b"Content-Length: %d\r\n" % len(body), NO_SNIFF)
    else:
        parts.append(EMPTY)
    if not keep_alive:
        parts.append(b"Connection: close\r\n")
    elif not minor:
        parts.append(b"Connection: keep-alive\r\n")
    parts.append(b"\r\n")
    if not head_only:
        parts.append(body)
    return b"".join(parts)


def error_reply(error: RequestError) -> Reply:
    """The JSON answer {"Error": short text, "detail": sentence}, with Retry-After in seconds if a retry may succeed.

    Any web page may read it, as every JSON answer of the original's routes.
    """
    headers: tuple[tuple[bytes, bytes], ...] = (JSON, ANY_ORIGIN)
    if isinstance(error, Unavailable | TooManyRequests):
        headers += ((b"Retry-After", b"%d" % error.retry_after_s),)
    return Reply(error.status, orjson.dumps({"Error": error.error, "detail": error.detail}), headers)


SERVER_ERROR = Reply(
    500,
    orjson.dumps({"Error": "Internal server error", "detail": "The request met a fault of the server; see its log."}),
    (JSON,),
)
