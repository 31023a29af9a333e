"""Bytes of a connection as no client in order would send them, and cut anywhere; the limits of who reads them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

HEAD_MAX, FIELDS_MAX, BODY_MAX = 16 * 1024, 64, 1000


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)] or [b""]


PIECES = (
    *(b"GET", b"POST", b"OPTIONS", b" ", b"/", b"/a?b", b"*", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"),
    *(b"\r\n", b"\n", b"\r", b"\t", b":", b"\x00", b"\xff", b"abc", b"Host: x\r\n", b"X-Y: z\r\n"),
    *(b"Content-Length: 3\r\n", b"Content-Length: +3\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"Upgrade: h2c\r\n"),
    *(b"3\r\nabc\r\n", b"3;x\r\n", b"ffffffff\r\n", b"0\r\n\r\n"),
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /l HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
)


WIRES = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


PLACES = st.lists(st.integers(0, 400), max_size=12)
