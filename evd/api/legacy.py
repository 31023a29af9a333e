"""The original system's routes, under `/`, `/v2` and `/v3`, for its app, its vehicles and Sigfox's callbacks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, NamedTuple, NotRequired, TypedDict

import msgspec
import orjson
from quart import Quart, Response, request

from evd.api import ranges
from evd.api.callbacks import described_callback
from evd.api.context import admitted, client_address, here, request_body, request_headers, vehicle_named
from evd.api.described import described
from evd.api.replies import bare, from_reply, legacy_empty, legacy_json, teapot
from evd.api.shown_places import shown_places
from evd.api.v1.registrations import Target, checked_target, register_phone
from evd.errors import BadRequest
from evd.model.operations import ORIGINAL, Unregister
from evd.model.status import TIME_MAX_MS, Status
from evd.request.http import Request
from evd.sigfox.routes import CALLBACK_METHODS, PREFIXES, ROUTES, is_ingest, may_name_vehicle
from evd.store.records import TimeSpan


class AppStatus(TypedDict):
    """A status as the original's app reads it, with its measures under the app's names beside these."""

    id: str
    vehicleId: str
    timestamp: int
    """Epoch ms."""
    connectivity: int
    """1: Sigfox, 2: WLAN."""
    seqNumber: NotRequired[int]
    rawdata: NotRequired[str]
    """The payload, in hex."""


class Phone(TypedDict):
    """One of `fcmToken` and `fid`."""

    vehicleId: str
    register: bool
    fcmToken: NotRequired[str]
    fid: NotRequired[str]


class VehicleQuery(msgspec.Struct):
    vehicle: str = msgspec.field(name="vehicleId")


class RangeQuery(msgspec.Struct):
    vehicle: str = msgspec.field(name="vehicleId")
    first: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="timeFrom")
    until: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="timeTo")


_STATUS = {
    "id": "9f86d081884c7d65",
    "vehicleId": "386625",
    "timestamp": 1764277200000,
    "connectivity": 1,
    "seqNumber": 118,
    "current_charge": 76,
}
_PHONE = {"vehicleId": "386625", "fcmToken": "c2Fs…", "register": True}


@described(query=VehicleQuery, answer=AppStatus, also={204: "There is none."}, example=_STATUS, original=True)
async def last() -> Response:
    """The newest status of a vehicle: 200, or 204 if there is none."""
    spelling, _ = await _own_vehicle()
    vehicle = vehicle_named(spelling)
    row = await here().queries.last(vehicle)
    return legacy_json(_shown((await shown_places(vehicle))(row), spelling)) if row else legacy_empty(204)


@described(query=RangeQuery, answer=list[AppStatus], also={204: "There is none."}, example=[_STATUS], original=True)
async def range_() -> Response:
    """A vehicle's statuses between two times (epoch ms, both included), oldest first: 200, or 204 without any."""
    spelling, _ = await _own_vehicle()
    first, until = _time("timeFrom"), _time("timeTo")
    vehicle = vehicle_named(spelling)
    return await ranges.answer(TimeSpan(vehicle, first, until), spelling, await shown_places(vehicle))


@described(query=VehicleQuery, body=Phone, body_example=_PHONE, original=True)
async def fcm_register() -> Response:
    """Register a phone for a vehicle's pushes, or unregister it (`"register": false`)."""
    return await _registration(await _wish())


@described(query=VehicleQuery, body=Phone, body_example=_PHONE, original=True)
async def fcm_unregister() -> Response:
    """Deprecated by the original in favour of `"register": false`."""
    return await _registration((await _wish())._replace(register=False))


async def ingest(vehicle: str = "") -> Response:
    """The ingest routes at the ASGI server: the same function as at the edge, which reads the path itself."""
    if not is_ingest(request.method, request.path):  # quart accepts HEAD for each GET
        return teapot()
    return from_reply(await here().ingest.accept(await _as_taken()))


async def unserved() -> Response:
    """A path that evd does not serve; a callback to it is kept as a rejection, because Sigfox sends each four times."""
    if request.method in CALLBACK_METHODS:
        await here().ingest.keep_unserved(await _as_taken())
    return teapot()


async def _as_taken() -> Request:
    return Request(
        method=request.method,
        path=request.path,
        query=request.query_string,
        headers=request_headers(),
        body=await request_body(),
        peer=client_address(),
    )


@described(original=True)
async def downlink() -> Response:
    """Reserved by the original; answered 200, so that a callback that is configured there does not fail."""
    return legacy_empty(200)


@described(original=True)
async def online() -> Response:
    """Whether evd can be reached."""
    return bare(200)


@described(original=True)
async def test() -> Response:
    """Whether a key works."""
    return legacy_empty(200)


_TABLE: tuple[tuple[str, str, Callable[[], Awaitable[Response]]], ...] = (
    ("GET", "/android/last", last),
    ("GET", "/android/range", range_),
    ("POST", "/android/fcm-register", fcm_register),
    ("POST", "/android/fcm-unregister", fcm_unregister),
    ("POST", "/sigfox/downlink", downlink),
    ("HEAD", "/online", online),
    ("POST", "/test", test),
)


INGEST = "ingest "
"""Begins the endpoint names of the ingest routes, for which evd.ingest.service checks the key."""

ENDPOINTS = ("legacy ", INGEST)
"""The prefixes of these routes' endpoint names."""


def add_routes(app: Quart) -> None:
    for prefix in PREFIXES:
        for method, path, view in _TABLE:
            for end in ("", "/"):
                full = f"{prefix}{path}{end}"
                app.add_url_rule(full, f"legacy {full}", view, methods=[method], provide_automatic_options=False)
    for path, route in ROUTES.items():
        named = f"{path.removesuffix('/')}/<vehicle>{path[len(path.removesuffix('/')) :]}"
        for rule in (path, named) if may_name_vehicle(route) else (path,):
            methods = sorted(route.methods)
            view = described_callback(ingest, route, named=rule is named)
            app.add_url_rule(rule, f"ingest {rule}", view, methods=methods, provide_automatic_options=False)


class LegacyRegistration(NamedTuple):
    """The request of a phone to register or unregister."""

    spelling: str
    uid: str
    target: Target
    register: bool


async def _own_vehicle() -> tuple[str, str | None]:
    """The vehicle of the query, in its spelling, and the user, to whom it must belong; None for an administrator."""
    spelling = request.args.get("vehicleId", "")
    if not spelling:
        raise BadRequest("the query lacks vehicleId", error="Missing basic attributes")
    return spelling, (await admitted(vehicle_named(spelling))).uid


def _time(name: str) -> int:
    text = request.args.get(name, "")
    if not text:
        raise BadRequest(f"the query lacks {name}", error="Missing basic attributes")
    try:
        value = int(text) if len(text) <= 20 else -1
    except ValueError:
        value = -1
    if value < 0:
        raise BadRequest(f"{name} is not a time: use milliseconds since 1970")
    return min(value, TIME_MAX_MS)


def _shown(row: Status, spelling: str) -> dict[str, Any]:
    return row.for_app(spelling, whole_numbers=here().config.app.whole_numbers)


async def _wish() -> LegacyRegistration:
    """The body of a registration, by a user of its vehicle. A newer app has `fid` in place of `fcmToken`."""
    spelling, uid = await _own_vehicle()
    assert uid is not None, "no administrator is admitted to registrations"
    try:
        body = orjson.loads(await request_body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object", error="Body parsing error")
    named, register = body.get("vehicleId"), body.get("register")
    if not isinstance(named, str) or not isinstance(register, bool):
        raise BadRequest(
            "the body needs vehicleId, fcmToken or fid (texts), and register (true or false)",
            error="Missing basic attributes",
        )
    if vehicle_named(named) != vehicle_named(spelling):
        raise BadRequest("the vehicleId of the body differs from that of the query")
    return LegacyRegistration(
        named, uid, checked_target(body.get("fcmToken"), body.get("fid"), called="fcmToken"), register
    )


async def _registration(wish: LegacyRegistration) -> Response:
    """Register or unregister; an owner changes only that owner's registrations."""
    if wish.register:
        await register_phone(wish.spelling, wish.target, wish.uid, ORIGINAL)
    else:
        await here().writer.write(Unregister(vehicle_named(wish.spelling), wish.target.text, wish.uid))
    return legacy_empty(200)
