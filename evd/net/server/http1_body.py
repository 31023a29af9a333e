"""The body of an HTTP/1.1 request: how many bytes are missing, by its length or chunk by chunk (RFC 9112, 6 and 7.1).

Pure. Chunks may have one byte and are cheap all the same: chunks of equal size are taken together, and only a bounded
number of others at once.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import NamedTuple

from evd.errors import BadRequest, TooLarge
from evd.net.server.http1_head import check_field_line

_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")  # no chunk extensions
CHUNK_LINE_MAX = 10  # eight digits and CR LF
TRAILERS_MAX = 1024  # bytes; trailers are skipped
CHUNKS_WRONG = "The chunks of the body are malformed; send size in hex, CR LF, content, CR LF, without extensions."
CHUNKS_MANY = "The body comes in too many chunks; send larger ones, or a Content-Length."


TINY = 16
"""Bytes of content up to which chunks of equal size are taken together."""

STEPS_AT_ONCE = 128
"""Chunks, or runs of tiny ones, before other connections have their turn: a fifth of a millisecond."""


@lru_cache(maxsize=128)
def _alike(line: bytes, size: int) -> re.Pattern[bytes]:
    """One or more chunks with this size line."""
    return re.compile(rb"(?s:%b.{%d}\r\n)+" % (re.escape(line), size))


class Allowance(NamedTuple):
    """How much of a body a request may send, by what its head shows of its sender."""

    size: int
    """Bytes."""
    chunks: int = sys.maxsize
    reads: bool = True
    """False if the request is answered without its body, because no body could change the answer."""
    known: bool = True
    """Whether the head has a valid key."""
    seconds: float | None = None
    """Within which the body must arrive; None: as long as any."""


class BodyWalk:
    """The progress of one body.

    Raises TooLarge, on construction or in `step`, as soon as the body states more than `allowance.size` bytes.
    """

    def __init__(self, length: int | None, allowance: Allowance) -> None:
        self.used = 0
        """How many bytes of the buffer last given to `step` belong to the body."""
        self.paused = False
        """Whether the buffer has more of the body: after others had their turn, call `step` again."""
        self.content = bytearray()
        self._limit = allowance.size
        self._chunks_left = allowance.chunks
        self._size = 0
        self._owed = 0
        self._line = self._size_line if length is None else None
        self._trailers_left = TRAILERS_MAX
        self._owe(length or 0)
        self.done = length == 0

    def step(self, buffer: bytes) -> None:
        """Go on through `buffer`, which starts where the last step ended; bytes of the body are added to `content`."""
        self.used = 0
        self.paused = False
        while not self.done:
            if self._owed:
                content = buffer[self.used : self.used + self._owed]
                if not content:
                    return
                self.content += content
                self.used += len(content)
                self._owed -= len(content)
                self.done = self._line is None and not self._owed
            elif not (self._line and self._line(buffer)):
                return

    def _owe(self, count: int) -> None:
        self._size += count
        self._owed = count
        if self._size > self._limit:
            raise TooLarge(f"The body is over {self._limit} bytes; send less in one request.")

    def _whole_chunks(self, buffer: bytes) -> None:
        """Take complete, well-formed chunks; the first other one is left to the line-by-line path."""
        at, match_size = self.used, _chunk_size.match
        for _ in range(STEPS_AT_ONCE):
            match = match_size(buffer, at)
            if match is None:
                break
            size = int(match[1], 16)
            head = len(match[0])
            stride = head + size + 2
            room = min(self._chunks_left, (self._limit - self._size) // size) if size else 0
            if room < 1 or buffer[at + stride - 2 : at + stride] != b"\r\n":
                break
            count = 1
            if size <= TINY:  # equal ones that follow are taken with it
                alike = _alike(match[0], size).match(buffer, at)
                assert alike is not None, "it has passed the same looks"
                count = min(room, (alike.end() - at) // stride)
            end = at + count * stride
            if count == 1:
                self.content += buffer[at + head : end - 2]
            else:
                joined = bytearray(count * size)
                for place in range(size):
                    joined[place::size] = buffer[at + head + place : end : stride]
                self.content += joined
            self._size += count * size
            self._chunks_left -= count
            at = end
        else:
            self.paused = True
        self.used = at

    def _take_line(self, buffer: bytes, room: int) -> bytes | None:
        """The next line of the framing with its line end; None while it is incomplete."""
        end = buffer.find(b"\n", self.used, self.used + room) + 1
        if end:
            return buffer[self.used : end]
        if len(buffer) - self.used >= room:
            raise BadRequest(CHUNKS_WRONG)
        return None

    def _size_line(self, buffer: bytes) -> bool:
        self._whole_chunks(buffer)
        if self.paused:
            return False
        line = self._take_line(buffer, CHUNK_LINE_MAX)
        if line is None:
            return False
        match = _chunk_size.fullmatch(line)
        if match is None:
            raise BadRequest(CHUNKS_WRONG)
        self._owe(int(match[1], 16))
        if self._owed:
            self._chunks_left -= 1
            if self._chunks_left < 0:
                raise BadRequest(CHUNKS_MANY)
        self.used += len(line)
        self._line = self._content_end if self._owed else self._trailer
        return True

    def _content_end(self, buffer: bytes) -> bool:
        line = self._take_line(buffer, 2)
        if line is None:
            return False
        if line != b"\r\n":
            raise BadRequest(CHUNKS_WRONG)
        self.used += 2
        self._line = self._size_line
        return True

    def _trailer(self, buffer: bytes) -> bool:
        line = self._take_line(buffer, self._trailers_left)
        if line is None:
            return False
        self.done = line == b"\r\n"
        if not self.done:
            check_field_line(line)
        self._trailers_left -= len(line)
        self.used += len(line)
        return True
