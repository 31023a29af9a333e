"""The parameters of an engine: how much it keeps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from evd.config.settings import Config
from evd.model.target_kinds import TargetKind


class Limits(NamedTuple):
    """Row caps of the tables that belong to no ring (docs/design.md, promise 9); no setting changes the last ones."""

    rejected: int
    owners: int
    owners_per_vehicle: int
    invitations: int
    invitations_per_vehicle: int
    tags_per_vehicle: int
    registrations: int
    registrations_per_vehicle: int
    outbox: int
    notes_per_vehicle: int
    downlinks_per_vehicle: int
    downlinks: int
    registrations_per_user: int
    pushed: int
    events_per_vehicle: int
    event_tries_s: int
    users: int
    sessions: int
    sessions_per_user: int
    tokens: int
    tokens_per_user: int
    images: int
    keys: int = 10_000
    """All are held in memory, as are the formats (compiled, a few kB each) and the device types' formats."""
    formats: int = 1_000
    device_types: int = 10_000
    """Sigfox's largest customers have hundreds."""
    notes: int = 1_000_000
    """Of all vehicles' logs: a log may be of a device that never sent, so the number of vehicles is no bound."""
    modems: int = 1_000_000
    """About 50 bytes each. At the bound, known modems are updated and none are added."""
    annotations_waiting: int = 20_000
    """About 1 KiB each. Those beyond `sigfox.advanced_waiting_max` become statuses at once, so this bound is reached
    only if that cannot keep up; further annotations are then refused."""


class StoreSettings(NamedTuple):
    """`capacity` is the number of statuses that a vehicle keeps unless it has a number of its own."""

    capacity: int
    limits: Limits
    target_kinds: Iterable[TargetKind]
    """A registration is of one of these kinds, or of one that the database knows from an earlier start."""
    give_up_after_s: int
    """How long a state is worth pushing."""
    stale_after_days: int
    """How long a phone that does not renew its registration is sent pushes."""
    create_unknown: bool
    """Whether a vehicle becomes known by its first status; if not, its statuses are refused."""
    vehicles_max: int
    contract: int
    """Messages a day that a device may send, by which a gap in its seqNumbers is judged (evd.model.frame_counter)."""
    rollup_days: int
    """How long what is derived from statuses is kept; 0: nothing is derived."""


def store_settings(config: Config, target_kinds: Iterable[TargetKind]) -> StoreSettings:
    """The defaults are the configuration's, and stand nowhere else."""
    return StoreSettings(
        capacity=config.retention.statuses_per_vehicle,
        limits=Limits(
            rejected=config.ingest.rejected_rows_max,
            owners=config.app.owners_max,
            owners_per_vehicle=config.app.owners_per_vehicle,
            invitations=config.app.invitations_max,
            invitations_per_vehicle=config.app.invitations_per_vehicle,
            tags_per_vehicle=config.app.tags_per_vehicle,
            registrations=config.app.registrations_max,
            registrations_per_vehicle=config.app.registrations_per_vehicle,
            registrations_per_user=config.app.registrations_per_user,
            outbox=config.push.outbox_rows_max,
            pushed=config.push.log_rows_max,
            notes_per_vehicle=config.sigfox.notes_per_vehicle,
            downlinks_per_vehicle=config.sigfox.downlinks_per_vehicle,
            downlinks=config.sigfox.downlinks_max,
            events_per_vehicle=config.events.per_vehicle,
            event_tries_s=min(config.push.event_ttl_s, config.push.give_up_after_s),
            users=config.auth.users_max,
            sessions=config.auth.sessions_max,
            sessions_per_user=config.auth.sessions_per_user,
            tokens=config.auth.tokens_max,
            tokens_per_user=config.auth.tokens_per_user,
            images=config.images.vehicles_max,
        ),
        target_kinds=target_kinds,
        give_up_after_s=config.push.give_up_after_s,
        stale_after_days=config.push.stale_after_days,
        create_unknown=config.ingest.unknown_vehicle == "create",
        vehicles_max=config.ingest.vehicles_max,
        contract=config.sigfox.daily_budget,
        rollup_days=config.retention.rollup_days,
    )
