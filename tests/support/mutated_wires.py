"""Bytes of connections that are odd requests, or nearly: rows of the tables, changed in one to three places."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from odd_requests import ODD_REQUESTS
from raw_http import FAULTS, get

WIRES = [
    get(),
    *(odd.data for odd in ODD_REQUESTS if isinstance(odd.data, bytes) and not odd.why),
    *(fault.data for fault in FAULTS),
]
PIECES = (
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"0", b"1", b",", b";", b"\0", b"\xff", b"/", b"%2f", b"HTTP/1.1"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"Connection: close\r\n",
        b"Host: y\r\n",
        b" chunked",
    ),
    *(b"x-api-key: @sigfox@\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
)
WIRE_MAX = 8 * 1024
"""A wire comes in one piece, whichever server reads it."""


def wires(chance: random.Random, filled: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Without end, each of the seed and all before it. `filled` puts keys in place of their names."""
    short = [filled(wire) for wire in WIRES if len(wire) <= WIRE_MAX]
    pieces = [filled(piece) for piece in PIECES]
    while True:
        wire = chance.choice(short)
        for _ in range(chance.choice((1, 1, 2, 3))):
            at = chance.randrange(len(wire) + 1)
            match chance.randrange(6):
                case 0:
                    wire = wire[:at] + wire[at + chance.choice((1, 2, 5)) :]
                case 1 | 2:
                    wire = wire[:at] + chance.choice(pieces) + wire[at + chance.randrange(2) :]
                case 3:
                    lines = wire.split(b"\r\n")
                    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                    wire = b"\r\n".join(lines)
                case 4:
                    wire = wire[:at]
                case 5:
                    other = chance.choice(short)
                    wire += other if chance.randrange(2) else other[chance.randrange(len(other) + 1) :]
        if wire and len(wire) <= WIRE_MAX and b"1.0" not in wire:  # h11 keeps no connection of HTTP/1.0
            yield wire
