"""Items of the original system's three DynamoDB tables, as what evd keeps, and back.

The tables and their attributes are those of github.com/m4rtin195/EV-IoT-Kit, branch cloud. A status's document is its
item as plain values; under `REST` it has the descriptors that these values would not give again (evd.transfer.
descriptors), and by that name an export knows that the status came from DynamoDB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from evd.model.connectivity import SIGFOX, WLAN
from evd.model.kept_status import KeptStatus
from evd.model.measures import IMPLAUSIBLE
from evd.model.status import TIME_MAX_MS, vehicle_id
from evd.sigfox.message import DYNAMODB as REST
from evd.sigfox.message import read_time
from evd.store.records import MovedOwnerRow, MovedRegistrationRow
from evd.transfer.descriptors import Descriptor, Item, item_of, plain_and_rest

VEHICLE, STATUS_TIME, TOKEN, RENEWED, USER = "vehicleId", "timestamp", "fcmToken", "renewTimestamp", "userId"

DECODED_BY_ORIGINAL = ("indoor_temperature", "outdoor_temperature", "desired_temperature")
"""The original stored these as numbers, not as the bits of half floats; it knew no other name of them."""


class MovedStatus(msgspec.Struct, frozen=True):
    """A status that moves in: the document that evd keeps, and the channel by which it came."""

    document: dict[str, Any]
    connectivity: int


class MovedOwner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rest`: descriptors of its further attributes."""

    uid: str
    vehicle: str
    rest: dict[str, Any] = {}


class MovedRegistration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone. Its table does not say whose: `uid` does, if its vehicle has several owners. `rest`: see MovedOwner."""

    vehicle: str
    token: str
    rest: dict[str, Any] = {}
    uid: str = ""


Moved = MovedStatus | MovedOwner | MovedRegistration


def status_in(item: Mapping[str, Any]) -> MovedStatus:
    """Raises BadDescriptor.

    The original multiplied each `timestamp` whose `connectivity` is 1 by 1000, also those of posts over WLAN, which
    had ms and the same `connectivity` by mistake: such a time is divided again.
    """
    values, rest = plain_and_rest(item)
    connectivity = _channel(values)
    time = values.get(STATUS_TIME)
    if type(time) is int and TIME_MAX_MS < time <= TIME_MAX_MS * 1000:
        rest[STATUS_TIME] = item[STATUS_TIME]
        values[STATUS_TIME] = time // 1000
        connectivity = WLAN
    for name in DECODED_BY_ORIGINAL:
        if type(values.get(name)) is int:
            rest[name] = item[name]
            values[name] = float(values[name])
    if REST in item:
        rest[REST] = item[REST]
    return MovedStatus({**values, REST: rest}, connectivity)


def _channel(values: Mapping[str, Any]) -> int:
    said = values.get("connectivity")
    if said in (SIGFOX, WLAN):
        return int(said)
    return SIGFOX if "rawdata" in values or "seqNumber" in values else WLAN


def status_out(kept: KeptStatus) -> Item:
    """The item that it came from; or, of a status that did not come from DynamoDB, one as the original would have it.

    The latter has the decoded values and says so by `encoded`.
    """
    document = _object(kept.document)
    rest = document.pop(REST, None)
    if type(rest) is dict:
        return item_of(document, rest)
    values = {name: value for name, value in kept.values().items() if value is not None and name != IMPLAUSIBLE}
    head: dict[str, Any] = {
        "id": kept.status_id,
        VEHICLE: kept.vehicle,
        STATUS_TIME: kept.time,
        "connectivity": kept.connectivity,
        **({} if kept.seq is None else {"seqNumber": kept.seq}),
        **({"encoded": False} if kept.payload is None else {"rawdata": kept.payload.hex()}),
    }
    return item_of({**values, **head}, {})


def _object(text: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return document if type(document) is dict else {}


def _rest(text: str | None) -> Item:
    return _object(text.encode()) if text else {}


def owner_in(item: Mapping[str, Any]) -> MovedOwner:
    """Raises BadDescriptor, or ValidationError for an attribute that is missing or no text."""
    values, rest = plain_and_rest(item)
    more = _more(item, values, rest, (USER, VEHICLE))
    return msgspec.convert({"uid": values.get(USER), "vehicle": values.get(VEHICLE), "rest": more}, MovedOwner)


def owner_out(row: MovedOwnerRow) -> Item:
    return {**item_of({USER: row["uid"], VEHICLE: row["vehicle"]}, {}), **_rest(row["imported"])}


def registration_in(item: Mapping[str, Any]) -> MovedRegistration:
    """Raises BadDescriptor, or ValidationError for an attribute that is missing or no text."""
    values, rest = plain_and_rest(item)
    more = _more(item, values, rest, (VEHICLE, TOKEN))
    return msgspec.convert(
        {"vehicle": values.get(VEHICLE), "token": values.get(TOKEN), "rest": more}, MovedRegistration
    )


def registration_out(row: MovedRegistrationRow) -> Item:
    """`renewTimestamp` is the imported one, until the phone registers again."""
    values = {VEHICLE: row["spelling"], TOKEN: row["token"], RENEWED: row["renewed"] // 1000}
    return {**item_of(values, {}), **_rest(row["imported"])}


def _more(
    item: Mapping[str, Descriptor], values: Mapping[str, Any], rest: Mapping[str, Descriptor], known: tuple[str, ...]
) -> Item:
    """The descriptors of what the columns of a table would not give again."""
    more = {name: descriptor for name, descriptor in item.items() if name not in known or name in rest}
    given = values.get(VEHICLE)
    if USER in known and type(given) is str and vehicle_id(given) != given:
        more[VEHICLE] = item[VEHICLE]  # owners have the normal form of a vehicle's id only
    return more


def sort_key(moved: Moved) -> str:
    """Its place in the order of an import: statuses of a vehicle by time; phones with the latest renewal first.

    A phone belongs to one user at a time, and the one who registered it last has it. Raises BadRequest.
    """
    if isinstance(moved, MovedStatus):
        document = moved.document
        seq = document.get("seqNumber")
        place = seq if type(seq) is int and 0 <= seq <= 10**12 else 0
        return f"{vehicle_id(str(document.get(VEHICLE, '')))}\0{read_time(document):015d}{place:013d}"
    renewed = moved.rest.get(RENEWED) if isinstance(moved, MovedRegistration) else None
    text = renewed.get("N") if type(renewed) is dict else None
    time = int(text) if type(text) is str and text.isdigit() and len(text) <= 15 else 0
    return f"{10**15 - time:016d}"


class Table(NamedTuple):
    """A table of the original system: how its items are recognized and read."""

    name: str
    original: str
    marks: frozenset[str]
    """Attributes that an item of it has."""
    read: Callable[[Mapping[str, Any]], Moved]


TABLES: tuple[Table, ...] = (
    Table("registrations", "fcm-registrations", frozenset({VEHICLE, TOKEN}), registration_in),
    Table("statuses", "vehicle-statuses", frozenset({VEHICLE, STATUS_TIME}), status_in),
    Table("owners", "vehicle-registrations", frozenset({VEHICLE, USER}), owner_in),
)
"""In the order in which an item is compared with them: the first one whose marks it has."""

BY_NAME = {name: table for table in TABLES for name in (table.name, table.original)}


def table_of(item: Mapping[str, Any]) -> Table | None:
    """The table of an item, by its attributes."""
    return next((table for table in TABLES if table.marks <= item.keys()), None)
