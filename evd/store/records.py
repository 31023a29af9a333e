"""The records that a store returns: places in a ring, pages, and one record for each list of the API.

All times are epoch ms; each `number` counts from 1 in the order in which rows were added. A TypedDict is a JSON object
nearly as the API sends it: an engine must return exactly these keys.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypedDict, TypeVar

import msgspec

from evd.model.operations import Relation

NUMBER_MAX = (1 << 63) - 1
"""The highest possible number of a row."""

LISTED_MAX = 10_000
"""Rows of one page of a list."""

GAPS_OF = 20
"""Newest statuses whose times show a vehicle's usual interval."""

SortKey = tuple[int, int, str]
"""The order of a vehicle's statuses: time (epoch ms), seqNumber or -1, id."""

QueuePosition = tuple[int, int]
"""A waiting push's position in the queue: the time of its next attempt, and a number; in rows `at` and `place`."""

FIRST_POSITION: QueuePosition = (-NUMBER_MAX, 0)

Row = TypeVar("Row")


class Listing(NamedTuple, Generic[Row]):
    """A page of a list; `following` is the cursor for the next page, None if there is none."""

    rows: list[Row]
    following: tuple[Any, ...] | None


# ---- statuses ----


class TimeSpan(NamedTuple):
    """A span of time; both ends are epoch ms and included."""

    vehicle: str
    first: int
    last: int


class PageLimit(NamedTuple):
    """The limits of a page, which has at least one status."""

    rows: int
    size_bytes: int


class WaitingRow(msgspec.Struct, frozen=True, gc=False):
    """A DATA_ADVANCED or GEOLOC whose message has not come; times are epoch ms."""

    number: int
    vehicle: str
    time: int
    seq: int | None
    source: str
    """`advanced` or `geoloc`."""
    payload: bytes | None
    radio: bytes
    """The radio metadata, a JSON object."""
    location: str | None
    received: int
    document: bytes | None
    """The callback, a JSON object; None if an older evd did not keep it."""


class TracedStatus(TypedDict):
    """A status of a ring, and the first arrival of those that rank above it."""

    vehicle: str
    id: str
    time: int
    received: int
    timely: int
    newer: str | None
    newer_received: int | None


# ---- vehicles ----


class DayRow(TypedDict):
    """Received and lost frames of a vehicle on one day (UTC); only frames with a seqNumber count."""

    vehicle: str
    day: str
    received: int
    lost: int
    resets: int
    share: float
    """Received frames in %."""
    used: int
    """Frames that the device sent."""


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
    """A payload format of the database; `fields` is the table of field options, a JSON object."""

    name: str
    grammar: str
    fields: str


class FormatUse(TypedDict):
    """How many vehicles and device types are assigned to a named format."""

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
    relation: Relation
    created: int


class FirestoreRow(TypedDict):
    """A user's vehicle that Firestore has, or is to have: what evd says of it, and what it wrote there last."""

    uid: str
    vehicle: str
    owns: int
    """0: the user owns it no longer, and its status is to be deleted there."""
    status: str | None
    """The id of the status that was written; None: none is there."""
    known: str | None
    """JSON: what the document says of it, as evd read or wrote it last."""
    name: str | None
    regNumber: str | None
    maxVoltage: float | None


class IgnoredRow(TypedDict):
    vehicle: str
    since: int
    callbacks: int
    """How many came since."""


class InvitationRow(TypedDict):
    id: str
    vehicle: str
    relation: Relation
    invited_by: str | None
    """None: an administrator, whose code is a claim code."""
    created: int
    expires: int


class MovedOwnerRow(TypedDict):
    """An owner or a viewer, to move out."""

    uid: str
    vehicle: str
    created: int
    relation: str
    imported: str | None
    """What no other key has of the DynamoDB item that it came from: a JSON object of type descriptors."""


class MovedRegistrationRow(TypedDict):
    """A phone, to move out, with its whole token: it may stand in a file for DynamoDB, else it is shortened."""

    number: int
    vehicle: str
    spelling: str
    token: str
    kind: str
    uid: str
    created: int
    renewed: int
    imported: str | None


class RegistrationRow(TypedDict):
    """A registration with its whole token, which may leave the process only shortened by `evd.push.trace.short`."""

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


# ---- identity ----


class UserRow(TypedDict):
    uid: str
    admin: bool
    created: int
    changed: int
    """When the password was set."""


class SessionRow(TypedDict):
    id: str
    client: str
    address: str
    created: int
    seen: int


class AccessTokenRow(TypedDict):
    id: str
    uid: str
    name: str
    scopes: list[str]
    vehicles: list[str] | None
    """Those that it is good for, besides those with one of its tags; None: all of its user's, unless it has tags."""
    tags: list[str]
    created: int
    expires: int | None
    used: int | None


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
    """The client's address at the last attempt; "" if there was none."""


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


# ---- pushes: tokens are whole, and may leave the process only shortened by `evd.push.trace.short` ----


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
    """A last status or an event that a registration was not given yet; (`at`, `place`) is its QueuePosition."""

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
    """A registration of one vehicle, and the state of the deliveries to it."""

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
    """0 if the operator did not stop pushes."""
    registrations: int
    stale: int


class PushedLately(NamedTuple):
    """Selects the phones that count as stopped; times are epoch ms."""

    since: int
    """A provider took a push for the phone after this time."""
    unseen_since: int
    """Phones not renewed since are stale, unless they are the original app's."""
    received_after: int
    """The vehicle's last status, which the phone was not given, was received at this time or later,"""
    received_before: int
    """and not later than this: such a status is too old to be pushed."""


class StoppedPhones(TypedDict):
    """Of a page of registrations: how many, the last one's number, and how many stopped, by reason."""

    registered: int
    last: int | None
    stale: int
    missed: int


class StoredCounts(TypedDict):
    """Row counts, and the time at which the oldest waiting event was created."""

    vehicles: int
    statuses: int
    too_old: int
    registrations: int
    owners: int
    events_waiting: int
    oldest_event: int | None
    states_put_off: int
    rejected: int
