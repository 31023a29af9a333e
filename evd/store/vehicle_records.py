"""The records of vehicles as their users see them: searches of a fleet, its rows, profiles, buckets.

All times are epoch ms.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypedDict, get_args

import msgspec

from evd.model.coarse import CoarseFor
from evd.model.operations import Relation
from evd.model.status import Status
from evd.store.records import NUMBER_MAX

Staleness = Literal["fresh", "silent", "never"]
"""`silent`: for longer than usual, as the event of this name says, or than the search says. `never`: no last status."""

STALENESS: tuple[Staleness, ...] = get_args(Staleness)

FleetOrder = Literal["id", "-id", "age", "-age", "charge", "-charge", "attention", "-attention"]
"""What a fleet is sorted by; with a hyphen from the greatest to the least. `attention`: silent
vehicles, then those whose last status has flags, then the others, then those that were never heard of."""

FLEET_ORDERS: tuple[FleetOrder, ...] = get_args(FleetOrder)


def first_key(order: FleetOrder) -> tuple[Any, ...]:
    """Before each vehicle in this order, as the `key` of a FleetRow."""
    down = order.startswith("-")
    if order.endswith("charge"):
        return (1e9, "\U0010ffff") if down else (-2.0, "")
    if order.endswith("attention"):
        return (9, "\U0010ffff") if down else (-1, "")
    if order.endswith("age"):
        return (NUMBER_MAX, "\U0010ffff") if down else (-NUMBER_MAX, "")
    return ("\U0010ffff",) if down else ("",)


class FleetSearch(NamedTuple):
    """Which vehicles, in which order. Conditions that are None hold for each."""

    uid: str | None = None
    """Whose relation to each vehicle is read; unless `everyones`, only vehicles to which this user has one."""
    everyones: bool = True
    vehicles: frozenset[str] | None = None
    """Only these."""
    state: int | None = None
    """The state of its last status."""
    staleness: Staleness | None = None
    text: str | None = None
    """A part of its id, name or licence plate, in letters of either case."""
    order: FleetOrder = "id"
    stale_before: int = 0
    """A vehicle whose last status was received before this (epoch ms) counts as silent."""


WHOLE_FLEET = FleetSearch()


class FleetRow(msgspec.Struct, frozen=True, gc=False):
    """A vehicle with its last status; unknown values are None."""

    vehicle: str
    relation: Relation | None
    """What the asking user is to it."""
    name: str | None
    """Its owner's name for it, else the administrator's."""
    reg_number: str | None
    type: str | None
    staleness: Staleness
    kept: int
    keep: int | None
    """None for a vehicle that has an owner and was never heard of."""
    too_old: int
    format: str | None
    created: int | None
    modem_battery_v: float | None
    modem_temperature_c: float | None
    last: Status | None
    key: tuple[Any, ...]
    """Its place in the order of the search: the cursor behind it."""


class Bucket(NamedTuple):
    """The statuses of a span of time."""

    start: int
    statuses: int
    last_time: int
    """Of the newest of them."""
    values: dict[str, BucketValues]


class BucketValues(NamedTuple):
    """What the statuses of a bucket have of one field. Only numbers have `low`, `mean` and `high`."""

    low: float | None
    mean: float | None
    high: float | None
    last: Any
    """Of the newest status that has the field."""


class ImageRow(TypedDict):
    """A vehicle's picture; `file` and `thumbnail` are names of files."""

    vehicle: str
    media: str
    file: str
    bytes: int
    width: int
    height: int
    thumbnail: str
    thumbnail_bytes: int
    changed: int


class ProfileRow(TypedDict):
    """What a vehicle's owner says of it, under the names of `evd.model.profile.Profile`."""

    name: str | None
    regNumber: str | None
    type: str | None
    battery: float | None
    maxVoltage: float | None
    phases: int | None
    zone: str | None
    coarseLocation: CoarseFor | None
