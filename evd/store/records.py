"""What a store gives to read: positions in a ring, pages of it, and a record for each list of the API.

Every time is epoch ms, every `number` counts from 1 in the order in which rows came. A TypedDict is a JSON object as it
leaves evd, or nearly: an engine gives exactly these keys.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec

NUMBER_MAX = (1 << 63) - 1
"""The highest number of a row."""

LISTED_MAX = 10_000
"""Rows of a list's page."""

GAPS_OF = 20
"""Statuses by whose times it is told what is usual for a vehicle."""

Place = tuple[int, int, str]
"""Where a status stands in its ring: time (epoch ms), seqNumber or -1, id."""

Turn = tuple[int, int]
"""When a waiting push is tried next, and which of those that are tried then: rows have it as `at` and `place`."""

FIRST_TURN: Turn = (-NUMBER_MAX, 0)

Row = TypeVar("Row")


class Listing(NamedTuple, Generic[Row]):
    """A page of a list; `following` is the cursor that the next one goes on from, None where there is none."""

    rows: list[Row]
    following: tuple[Any, ...] | None


# ---- statuses ----


class TimeSpan(NamedTuple):
    """Times are epoch ms, both included."""

    vehicle: str
    first: int
    last: int


class PageLimit(NamedTuple):
    """What fits into a page; it always has one status."""

    rows: int
    size_bytes: int


class WaitingRow(msgspec.Struct, frozen=True, gc=False):
    """What DATA_ADVANCED or GEOLOC said of a message that did not come; times are epoch ms."""

    number: int
    vehicle: str
    time: int
    seq: int | None
    source: str
    """`advanced` or `geoloc`."""
    payload: bytes | None
    radio: bytes
    """What it says of the radio, a JSON object."""
    location: str | None
    received: int
    document: bytes | None
    """The callback, a JSON object; None: an older evd did not keep it."""


class TracedStatus(TypedDict):
    """A status of a ring, and which one that ranks above it came first."""

    vehicle: str
    id: str
    time: int
    received: int
    timely: int
    newer: str | None
    newer_received: int | None


# ---- vehicles ----

FleetRow = dict[str, Any]
"""A vehicle: FLEET_KEYS, and its main measures under the app's names. One by itself has `format` and `created`, too.

`last_time` is a text in UTC; what is not known, or was said by no status, is None.
"""

FLEET_KEYS = frozenset(
    {
        "vehicle",
        "name",
        "last_time",
        "age_s",
        "channel",
        "state",
        "kept",
        "keep",
        "too_old",
        "status_id",
        "modem_battery_v",
        "modem_temperature_c",
    }
)
"""What each row of the fleet has, whatever measures there are."""


class DayRow(TypedDict):
    """What came of a vehicle's frames with a seqNumber on a day (UTC) and what was lost."""

    vehicle: str
    day: str
    received: int
    lost: int
    resets: int
    share: float
    """Received, in %."""
    used: int
    """What the device sent."""


class NoteRow(TypedDict):
    number: int
    time: int
    vehicle: str
    kind: str
    severity: str
    text: str
    received: int
    document: str


class StoredFormat(NamedTuple):
    """A payload format of the database; `fields` is its table of field options, a JSON object."""

    name: str
    grammar: str
    fields: str


class FormatUse(TypedDict):
    """Of a format that has a name."""

    format: str
    vehicles: int
    device_types: int


class VehicleName(TypedDict):
    vehicle: str


class DeviceTypeRow(TypedDict):
    device_type: str
    format: str
    created: int


class DownlinkRow(TypedDict):
    number: int
    vehicle: str
    payload: str
    """16 hex digits."""
    state: str
    """See `evd.sigfox.downlinks.STATES`."""
    created: int
    expires: int
    offered: int | None
    asked_by: str | None
    asked_time: int | None
    closed: int | None
    info_code: int | None
    info: str | None


# ---- access ----


class KeyRow(TypedDict):
    id: str
    role: str
    name: str
    vehicle: str | None
    created: int
    revoked: int | None


class OwnerRow(TypedDict):
    uid: str
    vehicle: str
    created: int


class RegistrationRow(TypedDict):
    """With the whole token, which must leave the process only as `evd.push.trace.short` shows it."""

    number: int
    vehicle: str
    token: str
    kind: str
    uid: str
    created: int
    renewed: int
    given_at: int | None
    attempts: int | None
    outcome: str | None


# ---- rejected requests ----


class RejectionSummary(TypedDict):
    number: int
    received: int
    times: int
    route: str
    error: str
    detail: str
    body_bytes: int
    client: str
    """The address that it came from the last time, "" where that was none."""


class Rejection(TypedDict):
    number: int
    received: int
    times: int
    route: str
    error: str
    detail: str
    headers: str
    """A JSON object."""
    body: bytes
    client: str


# ---- events ----


class EventRow(TypedDict):
    number: int
    vehicle: str
    kind: str
    time: int
    status_id: str
    created: int
    details: Any
    samples: Any


# ---- pushes: tokens are whole, and must leave the process only as `evd.push.trace.short` shows them ----


class FinishedPush(TypedDict):
    """A push that was taken or given up."""

    number: int
    vehicle: str
    status_id: str
    what: str
    kind: str
    token: str
    committed: int | None
    sent: int
    finished: int
    taken: int
    outcome: str


class WaitingPush(TypedDict):
    """A last status, or an event, that a registration was not given yet; (`at`, `place`) is its turn."""

    vehicle: str
    status_id: str
    what: str
    kind: str
    token: str
    attempts: int
    due: int | None
    outcome: str
    since: int
    at: int
    place: int


class TracedPhone(TypedDict):
    """A registration of one vehicle, and how far the deliveries to it are."""

    token: str
    kind: str
    goes_stale: int
    created: int
    renewed: int
    given: str
    given_at: int | None
    due: int | None
    attempts: int
    outcome: str


class PushFacts(TypedDict):
    paused_since: int
    """0: the operator did not stop pushes."""
    registrations: int
    stale: int


class PushedLately(NamedTuple):
    """Of which phones that stopped it is asked; times are epoch ms."""

    since: int
    """A provider took a push later."""
    unseen_since: int
    """Those that were not renewed since are stale, unless they are the original app's."""
    received_after: int
    """Others were missed that were not given a status of this time or later,"""
    received_before: int
    """which is worth no push any more."""


class StoppedPhones(TypedDict):
    """Of a page of registrations: how many, the last one's number, and how many stopped for which reason."""

    registered: int
    last: int | None
    stale: int
    missed: int


class StoredCounts(TypedDict):
    """Row counts, and when the oldest event that waits was created."""

    vehicles: int
    statuses: int
    too_old: int
    registrations: int
    owners: int
    events_waiting: int
    oldest_event: int | None
    states_put_off: int
    rejected: int
