"""The parameters of an engine: how much it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from evd.model.target_kinds import TargetKind


class Limits(NamedTuple):
    """Row caps of the tables that belong to no ring (docs/design.md, promise 9)."""

    rejected: int
    owners: int
    registrations: int
    registrations_per_vehicle: int
    outbox: int
    notes_per_vehicle: int = 200
    downlinks_per_vehicle: int = 16
    downlinks: int = 100_000
    registrations_per_user: int = 200
    pushed: int = 100_000
    events_per_vehicle: int = 200
    event_tries_s: int = 3600


class StoreSettings(NamedTuple):
    """`capacity` is the number of statuses that a vehicle keeps unless it has a number of its own."""

    capacity: int
    limits: Limits
    target_kinds: Iterable[TargetKind]
    """A registration is of one of these kinds, or of one that the database knows from an earlier start."""
    give_up_after_s: int = 3600
    """How long a state is worth pushing."""
    stale_after_days: int = 30
    """How long a phone that does not renew its registration is sent pushes."""
    create_unknown: bool = True
    """Whether a vehicle becomes known by its first status; if not, its statuses are refused."""
    vehicles_max: int = 1_000_000
