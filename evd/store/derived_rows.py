"""Rows of what is derived of a vehicle, as queries answer them."""

from __future__ import annotations

from typing import NamedTuple

from evd.derived.activities import VehicleActivity
from evd.derived.energy import VehicleFacts
from evd.derived.open_part import Counts
from evd.derived.tariff import Tariff
from evd.store.records import SortKey


class ActivityRow(NamedTuple):
    """A charge session or a trip, and the status that showed its end; while it is `live`, the vehicle's last one."""

    activity: VehicleActivity
    ended_by: SortKey
    live: bool


class RollupRow(NamedTuple):
    """A roll-up of an hour or a day, which is shown as it is."""

    counts: Counts
    measures: bytes
    """JSON for people: each measure's `count`, `min`, `mean`, `max`, `first`, `last`."""


class DerivedFacts(NamedTuple):
    """What is set for a vehicle and bears on what is derived."""

    zone: str
    electricity: VehicleFacts
    tariff: Tariff | None
