"""What is derived of a vehicle's statuses, `/api/v1`: charge sessions, trips, roll-ups; and the tariff of its charging.

Times are asked for as RFC 3339 or epoch ms. Energy and cost are computed by what is set for the vehicle now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypedDict

import msgspec
import orjson
from quart import Blueprint, Response, request

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.forms import read_form
from evd.api.pages import asked_page, page
from evd.api.replies import V1, v1_json
from evd.api.shown_places import hides_own_places, is_coarse
from evd.api.times import asked_time, rfc3339, shown_time
from evd.api.v1.sharing import require_no_body
from evd.derived import energy
from evd.derived.activities import KINDS, VehicleActivity
from evd.derived.calendar import day_numbered
from evd.derived.energy import Energy
from evd.derived.samples import CHARGING, DRIVING
from evd.derived.tariff import Tariff, cost, faults
from evd.errors import BadRequest, NotFound
from evd.model.coarse import coarse_place
from evd.model.operations import PriceCharging, UnknownVehicle
from evd.model.status import TIME_MAX_MS
from evd.model.units import HOUR_MS
from evd.store.derived_rows import ActivityRow, DerivedFacts, RollupRow
from evd.store.records import TimeSpan

USUAL, MOST = 100, 1_000
"""Entries of a page."""

Unit = Literal["hour", "day"]
UNITS: tuple[Unit, ...] = ("hour", "day")
FIRST = (-1, -1, "")


class SpanQuery(msgspec.Struct):
    """The query's times: RFC 3339, or epoch ms."""

    from_: str = msgspec.field(name="from", default="1970-01-01T00:00:00Z")
    until: str = "9999-12-31T23:59:59Z"


class RollupQuery(SpanQuery):
    unit: Unit = "hour"


class ShownActivity(TypedDict):
    """Charges are % of the battery. `inferred`: no status shows it, or its beginning."""

    state: Literal["open", "closed", "inferred"]
    start: str
    start_ms: int
    end: str
    """Of an open one, its last status so far."""
    end_ms: int
    from_percent: float | None
    to_percent: float | None
    energy_kwh: float | None
    energy_by: energy.Source | None
    """What the energy is computed by."""
    messages: int
    """Statuses that show it."""


class ShownChargeSession(ShownActivity):
    peak_current_a: float | None
    cost: float | None
    """By the vehicle's tariff; null without one, or if some of it has no price."""
    currency: str | None
    place: str | None
    """`LAT,LNG` in degrees."""


class ShownTrip(ShownActivity):
    km_by_range: float | None
    """By how much the vehicle's range fell."""
    km_by_places: float | None
    """In straight lines between the places on the way."""
    from_place: str | None
    to_place: str | None


class ShownSpread(TypedDict):
    count: int
    min: float
    mean: float
    max: float
    first: float
    last: float


class ShownRollup(TypedDict):
    """Of an hour or a day; `until` is not included."""

    start: str
    start_ms: int
    until: str
    until_ms: int
    messages: int
    km: float
    """By how much the range fell while the vehicle drove."""
    charged_percent: float
    used_percent: float
    charged_kwh: float | None
    charged_by: energy.Source | None
    used_kwh: float | None
    used_by: energy.Source | None
    measures: dict[str, ShownSpread]
    """Each measure that had a value, and `full_range`: km that a full battery would give."""


class RemovedTariff(TypedDict):
    vehicle: str
    removed: bool


_TIMES = {
    "start": "2021-12-13T13:10:00.000Z",
    "start_ms": 1639401000000,
    "end": "2021-12-13T13:40:00.000Z",
    "end_ms": 1639402800000,
}
_SESSION = {
    "state": "closed",
    **_TIMES,
    "from_percent": 40,
    "to_percent": 51,
    "peak_current_a": 32,
    "energy_kwh": 5.5,
    "energy_by": "battery",
    "cost": 1.1,
    "currency": "EUR",
    "place": "48.1486,17.1077",
    "messages": 3,
}
_TRIP = {
    "state": "closed",
    **_TIMES,
    "from_percent": 51,
    "to_percent": 45,
    "km_by_range": 24,
    "km_by_places": 21.4,
    "energy_kwh": 3,
    "energy_by": "battery",
    "from_place": "48.1486,17.1077",
    "to_place": "48.2,17.2",
    "messages": 4,
}
_ROLLUP = {
    "start": "2021-12-13T13:00:00.000Z",
    "start_ms": 1639400400000,
    "until": "2021-12-13T14:00:00.000Z",
    "until_ms": 1639404000000,
    "messages": 4,
    "km": 0,
    "charged_percent": 11,
    "used_percent": 0,
    "charged_kwh": 5.5,
    "charged_by": "battery",
    "used_kwh": None,
    "used_by": None,
    "measures": {"current_charge": {"count": 4, "min": 40, "mean": 45.75, "max": 51, "first": 40, "last": 51}},
}
_TARIFF = {
    "currency": "EUR",
    "per_kwh": 0.3,
    "prices": [{"per_kwh": 0.1, "begin": "22:00", "end": "06:00"}, {"per_kwh": 0, "place": "48.2,17.2"}],
}

routes = Blueprint("derived", __name__, url_prefix=V1)


@routes.get("/vehicles/<given>/sessions")
@described(answer=list[ShownChargeSession], query=SpanQuery, listed=MOST, example=[_SESSION])
async def sessions(given: str) -> Response:
    """Charge sessions that overlap the time asked for, the oldest first; the open one last."""
    return await _activities(given, CHARGING, _session)


@routes.get("/vehicles/<given>/trips")
@described(answer=list[ShownTrip], query=SpanQuery, listed=MOST, example=[_TRIP])
async def trips(given: str) -> Response:
    """Trips that overlap the time asked for, the oldest first; the open one last."""
    return await _activities(given, DRIVING, _trip)


@routes.get("/vehicles/<given>/rollups")
@described(answer=list[ShownRollup], query=RollupQuery, listed=MOST, example=[_ROLLUP])
async def rollups(given: str) -> Response:
    """Roll-ups of hours (UTC) or days (of the vehicle's zone) that had statuses, the oldest first."""
    vehicle = vehicle_named(given)
    unit = request.args.get("unit", "hour")
    if unit not in UNITS:
        raise BadRequest(f"unit is {unit[:40]!r}: use hour or day")
    facts = await _facts(vehicle)
    span, queries = _span(vehicle), here().queries
    (after,), limit = await asked_page((-1,), USUAL, MOST)
    if unit == "day":
        found = await queries.day_rollups(span, after, limit=limit)
        return page(found, [_day(one, facts) for one in found.rows])
    found = await queries.hours(span, after, limit=limit)
    return page(found, [_rollup(one, one.counts.start, one.counts.start + HOUR_MS, facts) for one in found.rows])


@routes.get("/vehicles/<given>/tariff")
@described(answer=Tariff | None, example=_TARIFF)
async def show_tariff(given: str) -> Response:
    """Prices of a kWh; null if none are set."""
    vehicle = vehicle_named(given)
    shown: Any = msgspec.to_builtins((await _facts(vehicle)).tariff)
    if shown is not None and await hides_own_places(vehicle):
        for price in shown.get("prices", ()):
            price |= {"place": coarse_place(price["place"])} if "place" in price else {}
    return v1_json(shown)


@routes.put("/vehicles/<given>/tariff")
@described(answer=Tariff, example=_TARIFF, body=Tariff, body_example=_TARIFF)
async def set_tariff(given: str) -> Response:
    """Set the prices of a kWh by which the cost of charge sessions is computed."""
    tariff: Tariff = await read_form(Tariff)
    wrong = faults(tariff)
    if wrong is not None:
        raise BadRequest(f"the tariff cannot be kept: {wrong}")
    vehicle = vehicle_named(given)
    try:
        await here().writer.write(PriceCharging(vehicle, msgspec.json.encode(tariff)))
    except UnknownVehicle as error:
        raise NotFound(str(error)) from None
    return v1_json(msgspec.to_builtins(tariff))


@routes.delete("/vehicles/<given>/tariff")
@described(answer=RemovedTariff, example={"vehicle": "386625", "removed": True})
async def remove_tariff(given: str) -> Response:
    """Remove the prices of a kWh: charge sessions have no cost then."""
    await require_no_body()
    vehicle = vehicle_named(given)
    try:
        await here().writer.write(PriceCharging(vehicle, None))
    except UnknownVehicle as error:
        raise NotFound(str(error)) from None
    return v1_json({"vehicle": vehicle, "removed": True})


async def _activities(given: str, kind: int, shown: Callable[[ActivityRow, DerivedFacts], dict[str, Any]]) -> Response:
    vehicle = vehicle_named(given)
    facts = await _facts(vehicle)
    span = _span(vehicle)
    after, limit = await asked_page(FIRST, USUAL, MOST)
    found = await here().queries.activities(span, kind, after, limit=limit)
    rows = [shown(row, facts) for row in found.rows]
    if await is_coarse(vehicle):
        rows = [{**row, **{name: coarse_place(row[name]) for name in _PLACES if name in row}} for row in rows]
    return page(found, rows)


_PLACES = ("place", "from_place", "to_place")


async def _facts(vehicle: str) -> DerivedFacts:
    facts = await here().queries.derived_facts(vehicle)
    if facts is None:
        raise NotFound(f"vehicle {vehicle} is unknown: it has sent no status and was not set up")
    return facts


def _span(vehicle: str) -> TimeSpan:
    first, last = asked_time("from", 0), asked_time("until", TIME_MAX_MS)
    if last < first:
        raise BadRequest("until is before from: exchange them")
    return TimeSpan(vehicle, first, last)


def _session(row: ActivityRow, facts: DerivedFacts) -> dict[str, Any]:
    one = row.activity
    charged = energy.charged(one.current, _change(one), facts.electricity)
    place = one.start_place or one.end_place
    price = None
    if facts.tariff is not None and charged.kwh is not None:
        price = cost(facts.tariff, charged.kwh, one.start, one.end, place, facts.zone)
    return {
        **_times(row),
        "from_percent": one.start_charge,
        "to_percent": one.end_charge,
        "peak_current_a": one.peak,
        **_energy(charged),
        "cost": price,
        "currency": None if price is None or facts.tariff is None else facts.tariff.currency,
        "place": place,
        "messages": one.messages,
    }


def _trip(row: ActivityRow, facts: DerivedFacts) -> dict[str, Any]:
    one = row.activity
    ranges = one.start_range, one.end_range
    by_range = None if None in ranges else max(0.0, round((ranges[0] or 0) - (ranges[1] or 0), 1))
    rise = _change(one)
    return {
        **_times(row),
        "from_percent": one.start_charge,
        "to_percent": one.end_charge,
        "km_by_range": by_range,
        "km_by_places": round(one.way / 1000, 1) if one.way else None,
        **_energy(energy.used(None if rise is None else -rise, facts.electricity)),
        "from_place": one.start_place,
        "to_place": one.end_place,
        "messages": one.messages,
    }


def _times(row: ActivityRow) -> dict[str, Any]:
    one = row.activity
    # A pause that has lasted too long is an end that no status has shown yet.
    over = one.paused and here().clock() - one.end > KINDS[one.kind].pause_ms
    state = "open" if row.live and not over else "inferred" if one.inferred else "closed"
    return {"state": state, **shown_time("start", one.start), **shown_time("end", one.end)}


def _change(one: VehicleActivity) -> float | None:
    return None if one.start_charge is None or one.end_charge is None else one.end_charge - one.start_charge


def _energy(found: Energy) -> dict[str, Any]:
    return {"energy_kwh": found.kwh, "energy_by": found.source}


def _day(one: RollupRow, facts: DerivedFacts) -> dict[str, Any]:
    span = day_numbered(one.counts.day, facts.zone)
    return _rollup(one, span.start, span.until, facts)


def _rollup(one: RollupRow, start: int, until: int, facts: DerivedFacts) -> dict[str, Any]:
    counts = one.counts
    charged = energy.charged(counts.current, counts.charged / 1000, facts.electricity)
    used = energy.used(counts.used / 1000, facts.electricity)
    return {
        "start": rfc3339(start),
        "start_ms": start,
        "until": rfc3339(until),
        "until_ms": until,
        "messages": counts.messages,
        "km": counts.driven / 1000,
        "charged_percent": counts.charged / 1000,
        "used_percent": counts.used / 1000,
        "charged_kwh": charged.kwh,
        "charged_by": charged.source,
        "used_kwh": used.kwh,
        "used_by": used.source,
        "measures": orjson.Fragment(one.measures),
    }
