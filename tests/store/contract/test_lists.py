"""The lists of the API: the rows have the keys of their records, and pages together are the whole list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import (
    AddKey,
    AddOwner,
    ImportOwner,
    ImportRegistration,
    Note,
    QueueDownlink,
    Register,
    Reject,
    SetDeviceType,
    SetVehicle,
)
from evd.model.units import HOUR_MS
from evd.store import records
from evd.store.records import Listing

VEHICLES = ("A", "B", "C", "D", "E")


class List(NamedTuple):
    """`fill` makes five rows; `ask` gives a page behind a cursor, or the first one."""

    fill: list[Any]
    ask: Callable[..., Awaitable[Listing[Any]]]
    keys: frozenset[str]
    by: str


def keys_of(record: Any) -> frozenset[str]:
    return frozenset(record.__annotations__)


def key(number: int) -> AddKey:
    return AddKey(f"k{number}", "device", bytes([number]) * 32, "", None, NOW + number // 2)


def reject(number: int) -> Reject:
    return Reject(NOW + number, "POST /wlan", "Body parsing error", f"why {number}", b'{"a":"b"}', bytes([number]))


def note(number: int, vehicle: str = "A") -> Note:
    return Note(f"n{number}", vehicle, "error", "warn", NOW + number // 2, "It happened.", b"{}", NOW)


LISTS = {
    "keys": List([key(n) for n in range(5)], lambda q, *a: q.keys(*a, limit=2), keys_of(records.KeyRow), "id"),
    "owners": List(
        [AddOwner("anna", vehicle, NOW) for vehicle in VEHICLES],
        lambda q, *a: q.owners(*a, limit=2),
        keys_of(records.OwnerRow),
        "vehicle",
    ),
    "registrations": List(
        [Register("A", "a", f"token{number}", "anna", NOW) for number in range(5)],
        lambda q, *a: q.registrations(kinds=["token"], limit=2, **({"after": a[0]} if a else {})),
        keys_of(records.RegistrationRow),
        "token",
    ),
    "owners to move": List(
        [ImportOwner("anna", vehicle, NOW, imported=b'{"note":{"S":"x"}}') for vehicle in VEHICLES],
        lambda q, *a: q.moved_owners(limit=2, **({"after": a[0]} if a else {})),
        keys_of(records.MovedOwnerRow),
        "vehicle",
    ),
    "phones to move": List(
        [ImportRegistration("A", "a", f"token{number}", "anna", NOW) for number in range(5)],
        lambda q, *a: q.moved_registrations(kinds=["token"], limit=2, **({"after": a[0]} if a else {})),
        keys_of(records.MovedRegistrationRow),
        "token",
    ),
    "downlinks": List(
        [QueueDownlink(one, bytes(8), NOW, NOW + HOUR_MS) for one in reversed(VEHICLES)],
        lambda q, *a: q.downlinks(NOW, limit=2, **({"after": a[0]} if a else {})),
        keys_of(records.DownlinkRow),
        "vehicle",
    ),
    "log": List(
        [note(number) for number in range(5)],
        lambda q, *a: q.log("A", *a, limit=2),
        keys_of(records.NoteRow),
        "number",
    ),
    "logs": List(
        [note(number, one) for number, one in enumerate(reversed(VEHICLES))],
        lambda q, *a: q.logs(*a, limit=2),
        keys_of(records.NoteRow),
        "vehicle",
    ),
    "rejections": List(
        [reject(4 - number) for number in range(5)],
        lambda q, *a: q.rejections(*a, limit=2, text="WHY"),
        keys_of(records.RejectionSummary),
        "detail",
    ),
    "format's vehicles": List(
        [SetVehicle(one, NOW, format="ev") for one in VEHICLES],
        lambda q, *a: q.format_vehicles("ev", *a, limit=2),
        keys_of(records.VehicleName),
        "vehicle",
    ),
    "device types": List(
        [SetDeviceType(one, "ev", NOW) for one in VEHICLES],
        lambda q, *a: q.device_types(*a, limit=2),
        keys_of(records.DeviceTypeRow),
        "device_type",
    ),
    "days": List(
        [arrival("A", time=NOW + 24 * HOUR_MS * day, seq=day, now=NOW + 24 * HOUR_MS * day) for day in range(5)],
        lambda q, *a: q.days("A", *a, limit=2),
        keys_of(records.DayRow),
        "day",
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_pages_together_are_the_list_in_its_order(database: AnyDatabase, name: str) -> None:
    case = LISTS[name]
    database.write(*case.fill)
    pages = [database.ask(case.ask)]
    while pages[-1].following is not None:
        cursor = pages[-1].following
        pages.append(database.ask(lambda queries, at=cursor: case.ask(queries, at)))
    found = [row for page in pages for row in page.rows]
    assert [len(page.rows) for page in pages] == [2, 2, 1]
    assert all(case.keys == row.keys() for row in found)
    sorted_by = [row[case.by] for row in found]
    assert sorted_by == sorted(sorted_by, reverse=name == "log")
    assert len(set(sorted_by)) == 5
