"""Decompress gzip bodies (RFC 1952) up to a limit, because a small body may expand to gigabytes."""

from __future__ import annotations

import zlib

from evd.errors import BadRequest, TooLarge

GZIP = frozenset({b"gzip", b"x-gzip"})
"""Values of Content-Encoding that mean gzip; x-gzip is a synonym (RFC 9110, section 8.4.1.3)."""

MEMBERS_MAX = 16
"""Members of one gzip body; a sender that flushes now and then makes several, and each costs a decoder."""

_WITH_GZIP_HEAD = 16 + zlib.MAX_WBITS


def unzipped(body: bytes, limit: int) -> bytes:
    """The decompressed body; no more than `limit` bytes are ever produced. Raises TooLarge, BadRequest."""
    parts: list[bytes] = []
    left = limit
    for _ in range(MEMBERS_MAX):
        member = zlib.decompressobj(_WITH_GZIP_HEAD)
        try:
            parts.append(member.decompress(body, left + 1))
        except zlib.error:
            raise BadRequest("the body is not gzip, although its Content-Encoding says so", error=_ERROR) from None
        left -= len(parts[-1])
        if left < 0:
            raise TooLarge(f"The body has more than {limit} bytes after decompression; send less in one request.")
        if not member.eof:
            raise BadRequest("the gzip body is incomplete", error=_ERROR)
        body = member.unused_data
        if not body:
            return b"".join(parts)
    raise BadRequest(f"the body has more than {MEMBERS_MAX} gzip members: send it as one", error=_ERROR)


_ERROR = "Body parsing error"
