"""The way in: a request with a key becomes a status on disk, or a reason why not.

`take` is one function for both doors, the edge's and quart's (which awaits it as `accept`), so an ingest request gets
the same answer at either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.decoding import decode
from evd.directory import Directory
from evd.errors import BadRequest, ConfigError, Forbidden, RequestError, Unavailable
from evd.formats import Format, Formats
from evd.http1 import SERVER_ERROR, Reply, Request, error_reply
from evd.ordinary import Shortcut
from evd.sigfox import Message, read_json, read_message
from evd.status import AHEAD, AHEAD_MS, SIGFOX, WLAN, canonical, identity
from evd.store import Arrive, LimitReached, Reject, UnknownVehicle
from evd.writer import Writer


class Route(NamedTuple):
    """A path below one of PREFIXES: the channel it stands for, and who may use it."""

    connectivity: int
    roles: frozenset[str]


PREFIXES = ("", "/v2", "/v3")
_ROUTES = {
    "/sigfox/uplink": Route(SIGFOX, frozenset({"sigfox", "admin"})),
    "/wlan": Route(WLAN, frozenset({"device", "admin"})),
    "/wifi": Route(WLAN, frozenset({"device", "admin"})),
}
ROUTES = {f"{prefix}{path}{end}": route for prefix in PREFIXES for path, route in _ROUTES.items() for end in ("", "/")}

#: The header by which the original's clients name their channel; it says more than the route.
CHANNELS = {b"sigfox": SIGFOX, b"network": WLAN}

#: Never kept beside a rejected request.
SECRET_HEADERS = frozenset({b"x-api-key", b"authorization", b"proxy-authorization", b"cookie"})


def is_ingest(method: str, path: str) -> bool:
    return method == "POST" and path in ROUTES


class Ingest:
    """Everything `take` needs. `clock` gives the server's time in epoch ms."""

    def __init__(self, writer: Writer, directory: Directory, formats: Formats, *, clock: Clock = now_ms) -> None:
        self._writer = writer
        self._directory = directory
        self._formats = formats
        self._shortcut = Shortcut(formats.default, directory.formats)
        self._clock = clock
        self.outcomes: Counter[str] = Counter()
        """Verdicts and refusals since the start, for statistics."""

    def take(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Take an ingest request; `answer` is called once, when its status is on disk or cannot be.

        A request that fails with a valid key is kept in `rejected` before it is answered. Raises RequestError, in place
        of any answer, for a wrong key and for overload.
        """
        route = ROUTES[request.path]
        key = self._directory.keys.require(request.headers, route.roles)
        try:
            arrival = self._read(request, route)
            if key.vehicle is not None and key.vehicle != arrival.vehicle:
                raise Forbidden(f"this key speaks for vehicle {key.vehicle} only")
        except BadRequest as refusal:
            self._reject(request, refusal, answer)
        else:
            self._writer.submit(arrival).then(partial(self._settled, request, arrival, answer))

    async def accept(self, request: Request) -> Reply:
        """The answer that `take` gives. Cancelling is safe: what was handed to the writer is written."""
        answered = trio.Event()
        replies: list[Reply] = []

        def answer(reply: Reply) -> None:
            replies.append(reply)
            answered.set()

        self.take(request, answer)
        await answered.wait()
        return replies[0]

    def _settled(self, request: Request, arrival: Arrive, answer: Callable[[Reply], None], result: Any) -> None:
        """What became of an arrival: a Stored, or the error that came instead."""
        if isinstance(result, UnknownVehicle):
            self._reject(request, BadRequest(str(result), error="Unknown vehicle"), answer)
        elif isinstance(result, LimitReached):
            self._reject(request, BadRequest(str(result), error="Too many vehicles"), answer)
        elif isinstance(result, Exception):
            answer(_excuse(result))
        else:
            self.outcomes[result.verdict.value] += 1
            answer(Reply(201, headers=((b"x-status-id", arrival.status_id.encode()),)))

    def _reject(self, request: Request, refusal: BadRequest, answer: Callable[[Reply], None]) -> None:
        """Keep the request, then answer the refusal."""
        self.outcomes["rejected"] += 1
        try:
            receipt = self._writer.submit(self._rejection(request, refusal))
        except Unavailable as overload:
            answer(error_reply(overload))
        else:
            receipt.then(lambda result: answer(_excuse(result if isinstance(result, Exception) else refusal)))

    def _read(self, request: Request, route: Route) -> Arrive:
        channel = request.headers.get(b"connectivitymethod")
        connectivity = route.connectivity if channel is None else CHANNELS.get(channel.lower(), route.connectivity)
        now = self._clock()
        arrival = self._shortcut.read(request.body, connectivity, now)
        if arrival is not None:
            return arrival
        return self._arrival(read_message(read_json(request.body)), connectivity, request.body, now)

    def _arrival(self, message: Message, connectivity: int, document: bytes, now: int) -> Arrive:
        decoded = decode(message, self._format_of(message.vehicle), self._formats.default, connectivity)
        content = message.payload if message.payload is not None else canonical(message.fields)
        # Sigfox knows seconds; its REST API gives ms, and the same message must be the same by either way.
        time = message.time - message.time % 1000 if connectivity == SIGFOX else message.time
        timely = time <= now + AHEAD_MS
        flags = " ".join(flag for flag in ("" if timely else AHEAD, decoded.flag) if flag)
        return Arrive(
            status_id=identity(message.kind, message.vehicle, time, message.seq, content),
            vehicle=message.vehicle,
            spelling=message.spelling,
            time=time,
            seq=message.seq,
            timely=timely,
            connectivity=connectivity,
            payload=message.payload,
            fields=decoded.fields,
            document=document,
            received=now,
            flags=flags,
        )

    def _format_of(self, vehicle: str) -> Format | None:
        assigned = self._directory.format_of(vehicle)
        if assigned is None:
            return None
        try:
            return self._formats.find(assigned)
        except ConfigError:
            # Its name is gone from evd.toml: the default format is better than no status at all.
            self.outcomes["format missing"] += 1
            return None

    def _rejection(self, request: Request, refusal: RequestError) -> Reject:
        shown = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in request.headers.items()
            if name not in SECRET_HEADERS
        }
        return Reject(
            received=self._clock(),
            route=f"{request.method} {request.path}",
            error=refusal.error,
            detail=refusal.detail,
            headers=orjson.dumps(shown),
            body=request.body,
        )


def _excuse(error: Exception) -> Reply:
    """The answer to a request that met `error` on its way to the disk; what is no RequestError is a fault of evd's."""
    return error_reply(error) if isinstance(error, RequestError) else SERVER_ERROR
