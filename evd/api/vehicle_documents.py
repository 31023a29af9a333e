"""The documents and queries of vehicles and statuses under `/api/v1`, as /openapi.json has them; examples."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from evd.model.measures import MEASURES, AppType
from evd.model.operations import Relation
from evd.store.vehicle_records import FleetOrder, ProfileRow, Staleness


class StatusDocument(TypedDict, total=False):
    """A status; further members are the measures, and with `fields` any field that is asked for."""

    vehicle: str
    id: str
    time: str
    time_ms: int
    received: str
    received_ms: int
    channel: Literal["sigfox", "wlan"]
    seqNumber: int
    rawdata: str
    """The payload as hex digits."""
    flags: str
    other: dict[str, Any]
    """Fields that are no measures."""


#: A class cannot name members that a table has.
StatusDocument.__annotations__.update(
    {name: {AppType.LOCATION: str, AppType.FLAG: bool}.get(measure.app, float) for name, measure in MEASURES.items()}
)


class BucketPart(TypedDict, total=False):
    """Only numbers have min, mean and max."""

    min: float
    mean: float
    max: float
    last: float | str | bool


class StatusOrBucket(StatusDocument, total=False):
    """With `bucket` these members instead of a status's."""

    start: str
    start_ms: int
    statuses: int
    last_time: str
    last_time_ms: int
    fields: dict[str, BucketPart]


FleetMeasures = TypedDict(  # type: ignore[misc]  # mypy wants a literal; the table of measures has the names
    "FleetMeasures",
    {name: (str | float if one.words else float) | None for name, one in MEASURES.items() if "fleet" in one.views},
)
"""The measures that a vehicle's row in a list has: those of the SQL view `fleet`."""


class FramesToday(TypedDict):
    received: int
    lost: int


class VehicleDocument(FleetMeasures):
    vehicle: str
    name: str | None
    regNumber: str | None
    type: str | None
    relation: Relation | None
    staleness: Staleness
    last_time: str | None
    last_time_ms: int | None
    age_s: int | None
    channel: Literal["sigfox", "wlan"] | None
    kept: int
    keep: int | None
    too_old: int
    status_id: str | None
    today: NotRequired[FramesToday | None]
    """With `today=1`: its frames with a seqNumber of the day (UTC) so far; null without any."""
    modem_battery_v: float | None
    modem_temperature_c: float | None
    last: StatusDocument | None


class WholeVehicle(VehicleDocument):
    format: str | None
    created: str | None
    created_ms: int | None
    profile: ProfileRow


class ProfileDocument(ProfileRow):
    vehicle: str


class FieldsQuery(msgspec.Struct):
    fields: str | None = None
    """Names, separated by commas."""


class FleetQuery(msgspec.Struct):
    """Which vehicles, and in which order."""

    state: str | None = None
    """The word or the number of its last status's state."""
    staleness: Staleness | None = None
    tag: str | None = None
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """A part of the id, the name or the licence plate."""
    sort: FleetOrder | None = None
    today: Annotated[int, msgspec.Meta(ge=0, le=1)] | None = None
    """1: with the frames of today."""


class StatusSpanQuery(msgspec.Struct, rename={"from_": "from"}):
    """Which statuses. Times are RFC 3339 or epoch ms."""

    from_: str | None = None
    until: str | None = None
    order: Literal["asc", "desc"] | None = None
    fields: str | None = None
    format: Literal["json", "csv", "ndjson"] | None = None


class StatusesQuery(StatusSpanQuery, rename={"from_": "from"}):
    bucket: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,8}[smhd]$")] | None = None
    """The width of a bucket, as 15m. Of whole hours it also counts statuses that only roll-ups have."""


class FleetStatusesQuery(StatusSpanQuery, rename={"from_": "from"}):
    state: str | None = None
    staleness: Staleness | None = None
    tag: str | None = None
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    sort: FleetOrder | None = None
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Statuses of each vehicle."""


STATUS: dict[str, Any] = {
    "vehicle": "386625",
    "id": "349fb66a4d26df19",
    "time": "2021-12-13T12:53:20.000Z",
    "time_ms": 1639400000000,
    "state": 0,
    "current_charge": 76,
    "range": 638,
    "flags": "",
}
PROFILE: dict[str, Any] = {
    "name": "Zoe",
    "regNumber": "1AB 2345",
    "type": None,
    "battery": 52.0,
    "maxVoltage": 230.0,
    "phases": 3,
    "zone": "Europe/Prague",
    "coarseLocation": "viewers",
}
VEHICLE: dict[str, Any] = {
    "vehicle": "386625",
    "name": "Zoe",
    "regNumber": "1AB 2345",
    "type": None,
    "relation": "owner",
    "staleness": "fresh",
    "last_time": "2021-12-13T12:53:20.000Z",
    "last_time_ms": 1639400000000,
    "age_s": 42,
    "channel": "sigfox",
    "state": "off",
    "current_charge": 76,
    "target_charge": 20,
    "range": 638,
    "kept": 1000,
    "keep": 1000,
    "too_old": 0,
    "status_id": "349fb66a4d26df19",
    "modem_battery_v": 3.1,
    "modem_temperature_c": 21.5,
    "last": STATUS,
}
WHOLE_VEHICLE: dict[str, Any] = {
    **VEHICLE,
    "format": None,
    "created": "2021-12-13T12:53:21.000Z",
    "created_ms": 1639400001000,
    "profile": PROFILE,
}
