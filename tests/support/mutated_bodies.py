"""Bodies that are ordinary callbacks, or nearly: made of a seed, changed in one to three places, without end."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from evd.sigfox.kinds.advanced import RADIO
from evd.sigfox.message import NO_FIELDS, PAYLOAD_NAMES, SEQ_ALIASES, SEQ_NAMES, TIME_NAMES, VEHICLE_NAMES

NAMES = sorted({*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES, *SEQ_ALIASES, *RADIO, *NO_FIELDS})
SKIPPED = sorted(NO_FIELDS - {*VEHICLE_NAMES, *TIME_NAMES, *PAYLOAD_NAMES, *SEQ_NAMES, *SEQ_ALIASES, "encoded", "key"})
ODD_VALUES = (
    *("null", "true", "false", "0", "-0", "1", "-1", "01", "+1", "1.0", "1.5e3", "1E400", "NaN", "-", ".5", "5."),
    *("4095", "4096", "65535", "65536", "99999999999", "100000000001", "253402300799999", "253402300800000"),
    *('""', '"0"', '"00"', '"0x1"', '" 1"', '"1 "', '"٣"', '"a"', '"null"', '"\\u0031"', '"\\n"', '"\x7f"', '"é"'),
    *('"\\ud800"', '"evd_sigfox_x"', '"eyJhbGciOi"', '"ya29.x"', '"Bearer abcdefgh"', "[]", "{}", "[1]", '{"a":1}', ""),
)
PLAIN_VALUES = ("null", "true", "12.25", "-112.5", "0", '""', '"0FFF"', '"5d8cdc8fe833d938320a1ba4"')
MARKS = b'"{}[]:,\\ \t\r\n\0-+.eE0129afAFgx\x7f\x80\xc3\xff\x0b\xef'


def bodies(chance: random.Random) -> Iterator[bytes]:
    """Each depends on all before it: only the seed takes one again."""
    last = b"{}"
    while True:
        body = _ordinary(chance)
        for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 3))):
            body = chance.choice(MUTATIONS)(body, last, chance)
        yield body
        last = body


def _ordinary(chance: random.Random) -> bytes:
    def quoted(text: str) -> str:
        return f'"{text}"' if chance.random() < 0.5 else text

    digits = "0123456789abcdefABCDEF"
    time = str(chance.choice((chance.randrange(2**31), chance.randrange(10**13))))
    members = [
        f'"{chance.choice(VEHICLE_NAMES)}":"{"".join(chance.choices(digits, k=chance.randint(1, 8)))}"',
        f'"{chance.choice(TIME_NAMES)}":{quoted(time)}',
        f'"{chance.choice(PAYLOAD_NAMES)}":"{"".join(chance.choices(digits, k=2 * chance.randint(0, 12)))}"',
    ]
    if chance.random() < 0.8:
        members.append(f'"{chance.choice(SEQ_NAMES)}":{quoted(str(chance.randrange(4096)))}')
    for name in chance.sample(SKIPPED, chance.randrange(3)):
        members.append(f'"{name}":{chance.choice(ODD_VALUES if chance.random() < 0.2 else PLAIN_VALUES)}')
    chance.shuffle(members)
    space = chance.choice(("", "", " ", "\n\t"))
    return (f"{{{space}" + f"{space},{space}".join(members) + f"{space}}}").encode()


def _replace(body: bytes, last: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.choice(MARKS)]) + body[at + 1 :]


def _insert(body: bytes, last: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.choice(MARKS)]) + body[at:]


def _any_byte(body: bytes, last: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]


def _leave_out(body: bytes, last: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + body[at + chance.choice((1, 1, 2, 5)) :]


def _other_name(body: bytes, last: bytes, chance: random.Random) -> bytes:
    parts = body.split(b'"')
    at = chance.randrange(len(parts))
    parts[at] = chance.choice(NAMES).encode()
    return b'"'.join(parts)


def _other_value(body: bytes, last: bytes, chance: random.Random) -> bytes:
    head, colon, rest = body.partition(b":") if chance.random() < 0.5 else body.rpartition(b":")
    _, comma, tail = rest.partition(b",") if b"," in rest else rest.partition(b"}")
    return head + colon + chance.choice(ODD_VALUES).encode() + comma + tail


def _member_again(body: bytes, last: bytes, chance: random.Random) -> bytes:
    members = body.strip(b"{} \n\t").split(b",")
    members.insert(chance.randrange(len(members) + 1), chance.choice(members))
    return b"{" + b",".join(members) + b"}"


def _of_another(body: bytes, last: bytes, chance: random.Random) -> bytes:
    """Its beginning, and the end of the body before it."""
    return body[: chance.randrange(len(body) + 1)] + last[chance.randrange(len(last) + 1) :]


def _escaped(body: bytes, last: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(max(1, len(body)))
    return body[:at] + b"".join(b"\\u%04x" % byte for byte in body[at : at + 1]) + body[at + 1 :]


MUTATIONS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    _replace,
    _insert,
    _any_byte,
    _leave_out,
    _other_name,
    _other_value,
    _member_again,
    _of_another,
    _escaped,
)
