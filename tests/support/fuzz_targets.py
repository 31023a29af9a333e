"""What is fuzzed: functions of bytes that may refuse them with evd's own errors, and must do nothing else.

Where there are two ways to the same result (a head in one piece or two, the codec's twins), both must give it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from evd import _codec
from evd.auth.api_keys import new_key
from evd.config.settings import SigfoxSettings
from evd.errors import CodecError, FormatError, RequestError
from evd.ingest.cache import IngestCache
from evd.ingest.parser import Parser
from evd.model.operations import Arrive, Several
from evd.net.server.http1 import RequestReader
from evd.net.server.http1_body import Allowance
from evd.payload import _codec_py
from evd.payload.formats import Formats
from evd.payload.grammar import parse
from evd.request.http import Request
from evd.sigfox.routes import BATCH, route_of

NOW = 1_700_000_000_000
BODY_MAX = 4096
KEPT_MAX = 64
"""Steps of one reader or generator: inputs are short, so more would be no end."""

PATHS = (
    "/sigfox/uplink",
    "/sigfox/callback",
    "/sigfox/advanced",
    "/sigfox/batch",
    "/sigfox/status",
    "/sigfox/geoloc",
    "/sigfox/bidir",
    "/sigfox/error",
    "/wlan",
)
ROUTES = [(path, route) for path in PATHS if (route := route_of(path)) is not None]
TYPES = (b"application/json", b"application/x-www-form-urlencoded", b"text/plain", b"")
PARSER = Parser(IngestCache([new_key("sigfox")[1]], []), Formats({}, "ev"), SigfoxSettings(), Counter())


def edge(data: bytes) -> None:
    """A connection's bytes, whole and cut in two: the same requests, and the same refusal."""
    whole = _requests([data])
    cut = data[0] % (len(data) + 1) if data else 0
    assert _requests([data[:cut], data[cut:]]) == whole


def _requests(pieces: list[bytes]) -> list[object]:
    reader, found = RequestReader(head_max=BODY_MAX, fields_max=32), list[object]()
    awaits_body = False
    for piece in pieces:
        reader.feed(piece)
        for _ in range(KEPT_MAX):
            try:
                if not awaits_body:
                    head = reader.next_head()
                    if head is None:
                        break
                    found.append((head.method, head.target, head.keep_alive))
                    awaits_body = True
                body = reader.body(Allowance(BODY_MAX))
            except RequestError as refusal:
                return [*found, (refusal.status, refusal.detail)]
            if body is not None:
                found.append(body)
                awaits_body = False
            elif not reader.paused:
                break
    return found


def sigfox(data: bytes) -> None:
    """A callback's body on any route, the fast path first; what is read can be stored."""
    path, route = ROUTES[(data[0] if data else 0) % len(ROUTES)]
    kind = TYPES[(data[1] if len(data) > 1 else 0) % len(TYPES)]
    request = Request("POST", path, b"", {b"content-type": kind}, data[2:], "192.0.2.1")
    quickly = PARSER.ordinary(request, route, NOW)
    try:
        request = PARSER.without_secrets(request, route)
        if route.kind == BATCH:
            _, operation = _finished(PARSER.batch(request, NOW))
        else:
            operation = PARSER.work(request, route, NOW).operation
    except RequestError:
        assert quickly is None, "the fast path takes what the readable way refuses"
        return
    for one in operation.operations if isinstance(operation, Several) else (operation,):
        if isinstance(one, Arrive):
            one.vehicle.encode()
            one.status_id.encode("ascii")
            assert -(1 << 63) <= one.time < 1 << 63
    if quickly is not None:
        one = operation.operations[0] if isinstance(operation, Several) else operation
        assert isinstance(one, Arrive)
        assert (one.status_id, one.time, one.fields) == (quickly.status_id, quickly.time, quickly.fields)


def status(data: bytes) -> None:
    """A list of statuses as a vehicle posts it after it was off line."""
    route = route_of("/wlan")
    assert route is not None
    request = Request("POST", "/wlan", b"", {b"content-type": b"application/json"}, data, "192.0.2.1")
    try:
        _finished(PARSER.statuses(PARSER.without_secrets(request, route), route, NOW))
    except RequestError:
        return


def _finished(steps: object) -> tuple[int, object]:
    """A generator's number of pauses, and its result's operation."""
    pauses = 0
    while True:
        try:
            next(steps)  # type: ignore[call-overload]
            pauses += 1
        except StopIteration as end:
            return pauses, end.value.operation


def grammar(data: bytes) -> None:
    """A format's text: refused with a sentence, or compiled by both codecs, and the same after it is written out."""
    text = data.decode("utf-8", "replace")
    try:
        plan = parse(text)
    except FormatError as refusal:
        assert str(refusal)
        return
    assert parse(plan.text).steps == plan.steps
    _codec_py.Decoder(plan).decode(b"\x00" * 12)


GRAMMARS = [
    parse(text)
    for text in (
        "a::uint:8 b::int:16:little-endian c::float:32 d::bool:7 e::char:3",
        "a::uint:1 b::uint:64 c::int:64 d::uint:7",
        "a::float:64 b:0:char:12 c:3:int:24:little-endian:0",
        "a::bool:0 b:0:bool:1 c:0:uint:5:big-endian:3 d::int:33",
    )
]


def codec(data: bytes) -> None:
    """A payload and a text of hex digits: the twins decode or refuse alike."""
    plan = GRAMMARS[(data[0] if data else 0) % len(GRAMMARS)]
    payload = data[1:]
    python, cython = _codec_py.Decoder(plan), _codec.Decoder(plan)
    for name in ("decode", "json", "plausible_json", "decode_hex", "json_hex"):
        given: bytes = payload if "hex" not in name or (data[:1] or b"a") < b"\x80" else payload.hex().encode()
        assert _outcome(getattr(cython, name), given) == _outcome(getattr(python, name), given), name
    assert _outcome(cython.json_many, [payload, payload]) == _outcome(python.json_many, [payload, payload])


def _outcome(function: Callable[[object], object], given: object) -> str:
    try:
        return repr(function(given))
    except CodecError as refusal:
        return f"refused: {refusal}"


class Target(NamedTuple):
    """`seeds` are what mutations begin with."""

    test: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


UPLINK = b'{"device":"386625","time":1639400000,"data":"130a4c0f594e427e4bb45088","seqNumber":118}'
FULL = b'{"timestamp":1639400000,"vehicleId":"386625","seqNumber":1,"connectivity":1,"state":0,"current_charge":76}'
POST = b"POST /sigfox/uplink HTTP/1.1\r\nHost: evd\r\nx-api-key: k\r\n"

TARGETS = {
    "edge": Target(
        edge,
        (
            POST + b"Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: x\r\n\r\n",
            POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        ),
    ),
    "sigfox": Target(
        sigfox,
        (
            *[bytes([number, 0]) + UPLINK for number in range(len(ROUTES))],
            b"\x00\x00" + FULL,
            b"\x01\x01device=386625&time=1639400000&data=00&seqNumber=1",
            b"\x03\x02386625;1639400000;00;1;\n386625;1639400001;01;2;",
        ),
    ),
    "status": Target(status, (b"[" + FULL + b"," + FULL + b"]", b"[]", FULL)),
    "grammar": Target(
        grammar, (b"a::uint:8 b::int:16:little-endian c::float:32 d::bool:7 e::char:3", b"a:0:uint:5:big-endian:3")
    ),
    "codec": Target(codec, (b"\x00" + bytes(range(12)), b"\x01130a4c0f594e427e4bb45088", b"\x83" + b"\xff" * 12)),
}
