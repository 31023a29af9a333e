"""The queries of a store, by subject, for the API and for maintenance.

Every method raises Unavailable if the database does not answer within some seconds. The queries of users and of all
other requesters (`evd.concurrency.current_requester`) do not wait for each other, and small queries, which read a few
rows, do not wait for large ones. Each class is bounded in connections and in the number of queries that wait.

A list's `after` is the cursor of the page before. A page has at most `limit` rows, and fewer if its rows are long.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from evd.model.kept_status import KeptStatus
from evd.model.operations import Relation
from evd.model.status import Status
from evd.store.derived_rows import ActivityRow, DerivedFacts, RollupRow
from evd.store.records import (
    FIRST_POSITION,
    LISTED_MAX,
    NUMBER_MAX,
    AccessTokenRow,
    DayRow,
    DeviceTypeRow,
    DownlinkRow,
    EventRow,
    FinishedPush,
    FirestoreRow,
    FormatUse,
    IgnoredRow,
    InvitationRow,
    KeyRow,
    Listing,
    MovedOwnerRow,
    MovedRegistrationRow,
    NoteRow,
    OwnerRow,
    PageLimit,
    PushedLately,
    PushFacts,
    QueuePosition,
    RegistrationRow,
    Rejection,
    RejectionSummary,
    SessionRow,
    SortKey,
    StoppedPhones,
    StoredCounts,
    TimeSpan,
    TracedPhone,
    TracedStatus,
    UserRow,
    VehicleName,
    WaitingPush,
)
from evd.store.vehicle_records import WHOLE_FLEET, Bucket, FleetRow, FleetSearch, ImageRow, ProfileRow


class StatusQueries(Protocol):
    """Statuses in the rings."""

    async def last(self, vehicle: str) -> Status | None:
        """The vehicle's newest status that is not ahead of the server's clock. Small."""

    async def range_page(
        self, span: TimeSpan, after: SortKey | None, room: PageLimit, *, down: bool = False
    ) -> tuple[list[Status], bool]:
        """Statuses of the span after the sort key `after`, the oldest first, and whether more follow.

        `down`: those before it, the newest first. If the status at `after` is no longer in the ring, none with its time
        and seqNumber is left out.
        """

    async def buckets(self, span: TimeSpan, width: int, limit: int, *, down: bool = False) -> tuple[list[Bucket], bool]:
        """The first buckets of the span that have statuses, `limit` at most, and whether more follow.

        A bucket begins at a multiple of `width` ms since 1970. `down`: the last ones, the latest first. If `width` is a
        multiple of an hour, statuses that the ring no longer has count by their roll-ups, with their numbers.
        """

    async def kept(self, span: TimeSpan, after: SortKey | None, room: PageLimit) -> tuple[list[KeptStatus], bool]:
        """As `range_page`, with everything that is kept of each status."""

    async def at(self, vehicle: str, sort_key: SortKey) -> Status | None:
        """The status with this sort key, if the ring still has it."""

    async def since(self, vehicle: str, sort_key: SortKey, limit: int) -> list[SortKey]:
        """Sort keys of the vehicle's statuses after this one: the newest `limit`, the oldest first.

        Statuses ahead of the server's clock are left out. If the status with `sort_key` is no longer in the ring,
        none with its time and seqNumber is left out.
        """

    async def lasts(self, limit: int) -> list[tuple[str, SortKey]]:
        """The sort key of the last status of each vehicle that has one, by vehicle id."""

    async def flagged(self, vehicle: str) -> dict[str, int]:
        """Flag → how many of the vehicle's kept statuses have it."""

    async def last_flagged(self, vehicle: str, flag: str) -> KeptStatus | None:
        """The vehicle's newest status that has the flag."""


class VehicleQueries(Protocol):
    """Vehicles, and what is known of each besides its statuses."""

    async def fleet(
        self, search: FleetSearch = WHOLE_FLEET, after: tuple[Any, ...] | None = None, limit: int = LISTED_MAX
    ) -> Listing[FleetRow]:
        """The vehicles that the search is for, in its order; `after` is the `key` of a row."""

    async def vehicle(self, vehicle: str, uid: str | None = None, stale_before: int = 0) -> FleetRow | None:
        """One vehicle that has a ring, or to which the user has a relation; see FleetSearch. Small."""

    async def profile(self, vehicle: str) -> ProfileRow:
        """The vehicle's profile; all is None for a vehicle without one. Small."""

    async def image(self, vehicle: str) -> ImageRow | None:
        """The vehicle's picture. Small."""

    async def image_files(self, names: Collection[str]) -> set[str]:
        """Those of these files that belong to the picture of a vehicle."""

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        """The ids of known vehicles in their order, from `first` on. Small."""

    async def days(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DayRow]:
        """Received and lost frames of the vehicle that had a seqNumber, by day (UTC), the oldest first."""

    async def day_of(self, day: str, vehicles: Collection[str]) -> list[DayRow]:
        """As `days`, of one day (YYYY-MM-DD), of those of the vehicles that have frames of it."""

    async def log(
        self, vehicle: str, after: tuple[int, int] = (NUMBER_MAX, NUMBER_MAX), *, limit: int
    ) -> Listing[NoteRow]:
        """The vehicle's log, the newest first, by (time, number)."""

    async def logs(self, after: tuple[int] = (NUMBER_MAX,), *, limit: int) -> Listing[NoteRow]:
        """The log entries of all vehicles, groups and device types, the latest first."""

    async def downlinks(
        self,
        now: int,
        *,
        number: int | None = None,
        vehicle: str | None = None,
        state: str | None = None,
        after: tuple[int] = (NUMBER_MAX,),
        limit: int,
    ) -> Listing[DownlinkRow]:
        """Downlinks that match all given conditions, the newest first, with their states at `now`."""


class FormatQueries(Protocol):
    """Payload formats, and the vehicles and device types that use them."""

    async def format_uses(self) -> list[FormatUse]:
        """Each named format, with how many vehicles and device types are assigned to it."""

    async def format_vehicles(self, name: str, after: tuple[str] = ("",), *, limit: int) -> Listing[VehicleName]:
        """Vehicles that are assigned to the format."""

    async def format_types(self, name: str) -> list[str]:
        """Device types that are assigned to the format."""

    async def device_types(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DeviceTypeRow]:
        """Device types with a format, by id."""


class AccessQueries(Protocol):
    """Keys, owners and registrations."""

    async def relation(self, uid: str, vehicle: str) -> Relation | None:
        """What the user is to the vehicle; None for a foreign or an unknown one. Small."""

    async def keys(self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX) -> Listing[KeyRow]:
        """All keys, by (created, id)."""

    async def owners(self, after: tuple[str, str] = ("", ""), limit: int = LISTED_MAX) -> Listing[OwnerRow]:
        """All owners, by (uid, vehicle)."""

    async def registrations(
        self,
        *,
        vehicle: str | None = None,
        uid: str | None = None,
        token: str | None = None,
        kinds: Collection[str],
        after: tuple[int] = (0,),
        limit: int,
    ) -> Listing[RegistrationRow]:
        """Registrations of these kinds that match all given conditions, by number."""


class SharingQueries(Protocol):
    """Invitations, those who may see a vehicle, and tags."""

    async def invitations(
        self, vehicle: str, now: int, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX
    ) -> Listing[InvitationRow]:
        """The vehicle's invitations that have not expired, by (created, id)."""

    async def owners_of(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[OwnerRow]:
        """Owners and viewers of the vehicle, by uid."""

    async def tags_of(self, vehicle: str) -> list[str]:
        """In their order. Small."""

    async def tagged(self, tag: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[VehicleName]:
        """Vehicles that have the tag, by id."""

    async def ignored(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[IgnoredRow]:
        """Vehicles whose callbacks are not kept, by id."""

    async def vehicles_of(self, uid: str) -> frozenset[str]:
        """Vehicles that the user owns or may see."""


class MovingQueries(Protocol):
    """Owners and phones, to move out."""

    async def moved_owners(
        self, *, vehicle: str | None = None, after: tuple[str, str] = ("", ""), limit: int
    ) -> Listing[MovedOwnerRow]:
        """Owners and viewers of the vehicle, or all, by (uid, vehicle)."""

    async def moved_registrations(
        self, *, vehicle: str | None = None, kinds: Collection[str], after: tuple[int] = (0,), limit: int
    ) -> Listing[MovedRegistrationRow]:
        """Registrations of these kinds for the vehicle, or for all, by number."""


class FirestoreQueries(Protocol):
    """What evd read and wrote in Firestore."""

    async def firestore_rows(
        self, vehicles: Collection[str] | None = None, after: tuple[str, str] = ("", ""), *, limit: int
    ) -> Listing[FirestoreRow]:
        """Owners of these vehicles, or of all, and statuses that are to be deleted there, by (uid, vehicle)."""

    async def firestore_users(self, after: str = "", *, limit: int) -> list[str]:
        """Users in whose documents a sync found vehicles, by uid."""


class IdentityQueries(Protocol):
    """Local users, sessions and access tokens."""

    async def password_of(self, uid: str) -> tuple[str, bool] | None:
        """The hash of a local user's password, and whether the user is an administrator. Small."""

    async def users(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[UserRow]:
        """Local users, by uid."""

    async def sessions(
        self, uid: str, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX
    ) -> Listing[SessionRow]:
        """A user's sessions, by (created, id); also those that have ended by time alone."""

    async def access_tokens(
        self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX, *, uid: str | None = None
    ) -> Listing[AccessTokenRow]:
        """Access tokens, of one user or all, by (created, id)."""


class RejectionQueries(Protocol):
    """Rejected requests."""

    async def rejections(
        self, after: tuple[int] = (NUMBER_MAX,), *, limit: int, text: str
    ) -> Listing[RejectionSummary]:
        """Rejections with a number below `before`, and `text` in their reason if it is given, the newest first."""

    async def rejection(self, number: int) -> Rejection | None:
        """One rejection. Small."""

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str = "") -> list[int]:
        """Numbers of rejections, the oldest first; with `error`, only of those with this error."""


class EventQueries(Protocol):
    """Events, event settings, and users' preferences."""

    async def events(
        self,
        *,
        before: int,
        limit: int,
        kind: str | None = None,
        vehicle: str | None = None,
        uid: str | None = None,
    ) -> Listing[EventRow]:
        """Events with a number below `before`, the newest first: of one vehicle, of a user's vehicles, or of all."""

    async def event_settings_of(self, vehicle: str) -> tuple[bool, bytes | None]:
        """Whether the vehicle is known or owned, and its event settings (JSON). Small."""

    async def preferences_of(self, uid: str) -> bytes | None:
        """A user's preferences (JSON). Small."""


class PushQueries(Protocol):
    """Finished and waiting pushes, and the trace of one status."""

    async def finished_pushes(
        self, *, vehicle: str | None = None, status_id: str | None = None, before: int = NUMBER_MAX, limit: int
    ) -> list[FinishedPush]:
        """Pushes that were taken or given up, the newest first."""

    async def states_waiting(
        self,
        *,
        unseen_since: int,
        received_after: int,
        vehicle: str | None = None,
        after: QueuePosition = FIRST_POSITION,
        limit: int,
    ) -> list[WaitingPush]:
        """Last statuses that phones were not given yet, the next to be tried first.

        Only of targets that are not stale (renewed since `unseen_since`, or of a kind that never becomes stale, or the
        original app's), and only statuses received after `received_after`: no others are pushed.
        """

    async def count_states_waiting(self, *, unseen_since: int, received_after: int) -> int:
        """The number of these (see `states_waiting`)."""

    async def events_waiting(
        self,
        *,
        vehicle: str | None = None,
        status_id: str | None = None,
        after: QueuePosition = FIRST_POSITION,
        limit: int,
    ) -> list[WaitingPush]:
        """Events that phones were not given yet, the next to be tried first."""

    async def traced_phones(self, vehicle: str) -> list[TracedPhone]:
        """The vehicle's registrations, and the state of the deliveries to each; at most 1,000."""

    async def push_facts(self, unseen_since: int) -> PushFacts:
        """Whether pushes are paused, the number of registrations, and of phones not renewed since `unseen_since`."""

    async def stopped_after(self, number: int, limit: int, lately: PushedLately) -> StoppedPhones:
        """Counts over the next `limit` registrations after this number."""

    async def push_log_from(self) -> int:
        """The time since which all finished pushes are in the push log; 0 if it has the first push."""

    async def traced_status(self, vehicle: str, status_id: str) -> TracedStatus | None:
        """A status in the vehicle's ring; `newer` is the first arrival of those that rank above it, or None."""

    async def vehicle_of(self, status_id: str) -> str | None:
        """The vehicle of a status, searched in no class of queries.

        Raises NotFound if the search was not complete in time.
        """


class DerivedQueries(Protocol):
    """Charge sessions, trips and roll-ups. Unknown vehicles have none."""

    async def derived_facts(self, vehicle: str) -> DerivedFacts | None:
        """What is set for a known vehicle. Small."""

    async def activities(self, span: TimeSpan, kind: int, after: SortKey, *, limit: int) -> Listing[ActivityRow]:
        """Those of a kind (CHARGING, DRIVING) that overlap the span, by the status that showed the end."""

    async def hours(self, span: TimeSpan, after: int, *, limit: int) -> Listing[RollupRow]:
        """Hours (UTC) with statuses that begin in the span, and after the hour `after` (epoch ms, or -1)."""

    async def day_rollups(self, span: TimeSpan, after: int, *, limit: int) -> Listing[RollupRow]:
        """The vehicle's days with statuses, from the one that has the span's beginning, and after day `after`."""


class Queries(
    StatusQueries,
    VehicleQueries,
    FormatQueries,
    AccessQueries,
    SharingQueries,
    MovingQueries,
    FirestoreQueries,
    IdentityQueries,
    RejectionQueries,
    EventQueries,
    PushQueries,
    DerivedQueries,
    Protocol,
):
    """All queries."""

    async def counts(self) -> StoredCounts:
        """Row counts of the small tables, and of the rings by their vehicles' own counts."""

    async def heard_after(self, time: int) -> bool:
        """Whether any vehicle's last status has a time after this one; a vehicle's clock is independent of evd's."""
