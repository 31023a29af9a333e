"""What may be asked of a store, by subject: for the API, for maintenance, for whoever looks at more than his own row.

Every method raises Unavailable where the database does not answer within some seconds. Two classes of questions do not
wait for each other: those of users and those of everyone else (`evd.concurrency.requester`); and small ones, which look
at a few rows, wait for no large one. Each class is bounded, in connections and in how many wait.

A list's `after` is the cursor of the page before; its page has `limit` rows at most and may end sooner, where its rows
are long.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from evd.model.kept_status import KeptStatus
from evd.model.status import Status
from evd.store.records import (
    FIRST_TURN,
    LISTED_MAX,
    NUMBER_MAX,
    DayRow,
    DeviceTypeRow,
    DownlinkRow,
    EventRow,
    FinishedPush,
    FleetRow,
    FormatUse,
    KeyRow,
    Listing,
    NoteRow,
    OwnerRow,
    PageLimit,
    Place,
    PushedLately,
    PushFacts,
    RegistrationRow,
    Rejection,
    RejectionSummary,
    StoppedPhones,
    StoredCounts,
    TimeSpan,
    TracedPhone,
    TracedStatus,
    Turn,
    VehicleName,
    WaitingPush,
)


class StatusQueries(Protocol):
    """Statuses in their rings."""

    async def last(self, vehicle: str) -> Status | None:
        """The vehicle's newest status that does not lie in the future. Small."""

    async def range_page(self, span: TimeSpan, after: Place | None, room: PageLimit) -> tuple[list[Status], bool]:
        """Statuses of the span behind `after`, the oldest first, and whether more follow.

        Where the one at `after` is not in the ring any more, nothing of its time and seqNumber is left out.
        """

    async def kept(self, span: TimeSpan, after: Place | None, room: PageLimit) -> tuple[list[KeptStatus], bool]:
        """As `range_page`, with all that is kept of each."""

    async def at(self, vehicle: str, place: Place) -> Status | None:
        """The status there, unless the ring has let it go."""

    async def since(self, vehicle: str, place: Place, limit: int) -> list[Place]:
        """Where the vehicle's statuses behind this one stand: the newest `limit`, oldest first.

        None of the future. Where that one is not in the ring any more, nothing of its time and seqNumber is left out.
        """

    async def lasts(self, limit: int) -> list[tuple[str, Place]]:
        """Where the last status of each vehicle stands that has one, by their ids."""

    async def flagged(self, vehicle: str) -> dict[str, int]:
        """Flag → how many of the vehicle's kept statuses have it."""

    async def last_flagged(self, vehicle: str, flag: str) -> KeptStatus | None:
        """The vehicle's newest status that has the flag."""


class VehicleQueries(Protocol):
    """Vehicles, and what is known of each beside its statuses."""

    async def fleet(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[FleetRow]:
        """By the vehicles' ids."""

    async def vehicle(self, vehicle: str) -> FleetRow | None:
        """Small."""

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        """The ids of known vehicles in their order, from `first` on. Small."""

    async def days(self, vehicle: str, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DayRow]:
        """What came of the vehicle's frames with a seqNumber and what was lost, by day (UTC), oldest first."""

    async def log(
        self, vehicle: str, after: tuple[int, int] = (NUMBER_MAX, NUMBER_MAX), *, limit: int
    ) -> Listing[NoteRow]:
        """The vehicle's log, the newest first, by (time, number)."""

    async def logs(self, after: tuple[int] = (NUMBER_MAX,), *, limit: int) -> Listing[NoteRow]:
        """The entries of all vehicles, groups and device types, those first that came last."""

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
        """Those that are all that is given, the newest first, with their states at `now`."""


class FormatQueries(Protocol):
    """Payload formats, and who has them."""

    async def format_uses(self) -> list[FormatUse]:
        """By format that has a name: how many vehicles and device types have it as theirs."""

    async def format_vehicles(self, name: str, after: tuple[str] = ("",), *, limit: int) -> Listing[VehicleName]:
        """Whose format it is."""

    async def format_types(self, name: str) -> list[str]:
        """The device types whose format it is."""

    async def device_types(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[DeviceTypeRow]:
        """Those with a format, by their ids."""


class AccessQueries(Protocol):
    """Keys, owners and registrations."""

    async def owns(self, uid: str, vehicle: str) -> bool:
        """Small."""

    async def keys(self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX) -> Listing[KeyRow]:
        """By (created, id)."""

    async def owners(self, after: tuple[str, str] = ("", ""), limit: int = LISTED_MAX) -> Listing[OwnerRow]:
        """By (uid, vehicle)."""

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
        """Those of these kinds of target that are all that is given, in the order they came."""


class RejectionQueries(Protocol):
    """Requests that were refused."""

    async def rejections(
        self, after: tuple[int] = (NUMBER_MAX,), *, limit: int, text: str
    ) -> Listing[RejectionSummary]:
        """Those with a number below and `text` in what was wrong with them, the newest first."""

    async def rejection(self, number: int) -> Rejection | None:
        """Small."""

    async def rejected_numbers(self, *, after: int, through: int, limit: int, error: str = "") -> list[int]:
        """The oldest first; `error` narrows it down to those with this one."""


class EventQueries(Protocol):
    """What happened to vehicles, how alerts are set, and what users prefer."""

    async def events(
        self,
        *,
        before: int,
        limit: int,
        kind: str | None = None,
        vehicle: str | None = None,
        uid: str | None = None,
    ) -> Listing[EventRow]:
        """With a number below `before`, the newest first: of one vehicle, of a user's vehicles, or of all."""

    async def alerts_of(self, vehicle: str) -> tuple[bool, bytes | None]:
        """Whether the vehicle is known, or owned, and how alerts are set for it (JSON). Small."""

    async def preferences_of(self, uid: str) -> bytes | None:
        """JSON. Small."""


class PushQueries(Protocol):
    """What was pushed, what waits, and the way of one status."""

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
        after: Turn = FIRST_TURN,
        limit: int,
    ) -> list[WaitingPush]:
        """Last statuses that phones were not given yet, those first that are tried next.

        Of targets that are not stale (renewed since `unseen_since`, of a kind that never is, or the original app's),
        and statuses received after `received_after`: no others are pushed.
        """

    async def count_states_waiting(self, *, unseen_since: int, received_after: int) -> int:
        """How many those are."""

    async def events_waiting(
        self, *, vehicle: str | None = None, status_id: str | None = None, after: Turn = FIRST_TURN, limit: int
    ) -> list[WaitingPush]:
        """Events that phones are still to hear of, those first that are tried next."""

    async def traced_phones(self, vehicle: str) -> list[TracedPhone]:
        """The vehicle's registrations, and how far the deliveries to each are; 1000 at most."""

    async def push_facts(self, unseen_since: int) -> PushFacts:
        """Whether pushes are paused, registrations, and stale ones: phones that were not renewed since."""

    async def stopped_after(self, number: int, limit: int, lately: PushedLately) -> StoppedPhones:
        """Of the next `limit` registrations after this number."""

    async def push_log_from(self) -> int:
        """From when on all finished pushes are known; 0: from the first one on."""

    async def traced_status(self, vehicle: str, status_id: str) -> TracedStatus | None:
        """A status of the vehicle's ring; `newer` is the one that came first of those that rank above it, or None."""

    async def vehicle_of(self, status_id: str) -> str | None:
        """Whose status it is, in no class of questions.

        Raises NotFound where not all could be looked through in time.
        """


class Queries(
    StatusQueries,
    VehicleQueries,
    FormatQueries,
    AccessQueries,
    RejectionQueries,
    EventQueries,
    PushQueries,
    Protocol,
):
    """All of it."""

    async def counts(self) -> StoredCounts:
        """Of what is small, and of the rings by their vehicles' own counts."""

    async def heard_after(self, time: int) -> bool:
        """Whether a vehicle's last status says a time after this one: vehicles have clocks of their own."""
