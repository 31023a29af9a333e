"""The way in: a request with a key becomes a status on disk, or a reason why not.

`accept` is one function for both doors, the edge's and quart's, so an ingest request gets the same answer at either.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import orjson

from evd.auth import Key
from evd.clock import Clock, now_ms
from evd.decoding import decode
from evd.directory import Directory
from evd.errors import BadRequest, ConfigError, Forbidden, RequestError
from evd.formats import Format, Formats
from evd.http1 import Reply, Request, error_reply
from evd.ring import Verdict
from evd.sigfox import Message, read_json, read_message
from evd.status import AHEAD_MS, SIGFOX, WLAN, canonical, identity
from evd.store import Arrive, LimitReached, Reject, Stored, UnknownVehicle
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
    """Everything `accept` needs. `clock` gives the server's time in epoch ms."""

    def __init__(self, writer: Writer, directory: Directory, formats: Formats, *, clock: Clock = now_ms) -> None:
        self._writer = writer
        self._directory = directory
        self._formats = formats
        self._clock = clock
        self.outcomes: Counter[str] = Counter()
        """Verdicts and refusals since the start, for statistics."""

    async def accept(self, request: Request) -> Reply:
        """The answer to an ingest request, given once its status is on disk.

        A request that fails with a valid key is kept in `rejected`. Cancelling is safe: what was handed to the writer
        is written. Raises RequestError for a wrong key and for overload.
        """
        route = ROUTES[request.path]
        key = self._directory.keys.require(request.headers, route.roles)
        try:
            return await self._take(request, route, key)
        except BadRequest as refusal:
            self.outcomes["rejected"] += 1
            await self._writer.write(self._rejection(request, refusal))
            return error_reply(refusal)

    async def _take(self, request: Request, route: Route, key: Key) -> Reply:
        message = read_message(read_json(request.body))
        if key.vehicle is not None and key.vehicle != message.vehicle:
            raise Forbidden(f"this key speaks for vehicle {key.vehicle} only")
        method = request.headers.get(b"connectivitymethod", b"").lower()
        arrival = self._arrival(message, CHANNELS.get(method, route.connectivity), request.body)
        try:
            stored: Stored = await self._writer.write(arrival)
        except UnknownVehicle as error:
            raise BadRequest(str(error), error="Unknown vehicle") from None
        except LimitReached as error:
            raise BadRequest(str(error), error="Too many vehicles") from None
        self._count(stored.verdict)
        return Reply(201, headers=((b"x-status-id", arrival.status_id.encode()),))

    def _arrival(self, message: Message, connectivity: int, document: bytes) -> Arrive:
        decoded = decode(message, self._format_of(message.vehicle), self._formats.default, connectivity)
        content = message.payload if message.payload is not None else canonical(message.fields)
        # Sigfox knows seconds; its REST API gives ms, and the same message must be the same by either way.
        time = message.time - message.time % 1000 if connectivity == SIGFOX else message.time
        now = self._clock()
        timely = time <= now + AHEAD_MS
        flags = " ".join(flag for flag in ("" if timely else "ahead", decoded.flag) if flag)
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

    def _count(self, verdict: Verdict) -> None:
        self.outcomes[verdict.value] += 1

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
