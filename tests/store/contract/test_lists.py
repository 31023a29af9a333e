"""The lists of the API: the rows have the keys of their records, and pages together are the whole list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY, arrival

from evd.auth.api_keys import Key
from evd.model.operations import (
    AddFormat,
    AddKey,
    AddOwner,
    CancelDownlink,
    CloseDownlink,
    ForeignPhone,
    ForgetRejected,
    FormatInUse,
    Frame,
    ImportOwner,
    ImportRegistration,
    LimitReached,
    Note,
    OfferDownlink,
    QueueDownlink,
    Register,
    Reject,
    RemoveFormat,
    RemoveOwner,
    RevokeKey,
    SetDeviceType,
    SetVehicle,
    Unregister,
)
from evd.model.units import HOUR_MS
from evd.store import records
from evd.store.queries import Queries
from evd.store.records import FLEET_KEYS, NUMBER_MAX, Listing

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
    "fleet": List([arrival(one) for one in VEHICLES], lambda q, *a: q.fleet(*a, limit=2), FLEET_KEYS, "vehicle"),
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
    assert all(case.keys <= row.keys() if case.keys == FLEET_KEYS else case.keys == row.keys() for row in found)
    sorted_by = [row[case.by] for row in found]
    assert sorted_by == sorted(sorted_by, reverse=name == "log")
    assert len(set(sorted_by)) == 5


def ask_rows(database: AnyDatabase, question: Callable[[Queries], Awaitable[Listing[Any]]]) -> list[Any]:
    return database.ask(question).rows


# Keys and owners


def test_keys_are_kept_once_and_revoked_once(database: AnyDatabase) -> None:
    assert database.write(key(1), key(1), RevokeKey("k1", NOW), RevokeKey("k1", NOW)) == [True, False, True, False]
    assert database.write(key(1), key(2)) == [False, True], "a revoked key does not come back to life"
    database.open()
    assert database.store.living_keys() == [Key("k2", "device", bytes([2]) * 32)]


def test_owners_are_added_and_removed_and_bounded(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(owners=1))
    assert isinstance(database.write(AddOwner("anna", "A", NOW), AddOwner("ben", "A", NOW))[1], LimitReached)
    assert database.ask(lambda queries: queries.relation("anna", "A")) == "owner"
    assert database.write(RemoveOwner("anna", "A"), RemoveOwner("anna", "A")) == [True, False]
    assert database.ask(lambda queries: queries.relation("anna", "A")) is None


def test_a_viewer_becomes_an_owner_and_no_owner_a_viewer(database: AnyDatabase) -> None:
    for relation, then in (("viewer", "viewer"), ("owner", "owner"), ("viewer", "owner")):
        database.write(AddOwner("anna", "A", NOW, relation))
        assert database.ask(lambda queries: queries.relation("anna", "A")) == then
    assert database.ask(lambda queries: queries.relation("ben", "A")) is None


# Registrations


def test_registrations_are_narrowed_down_and_removed_by_whom_they_belong_to(database: AnyDatabase) -> None:
    database.write(*(Register("A", "a", f"t-{uid}", uid, NOW) for uid in ("anna", "ben")))
    asked = {"kinds": ["token"], "vehicle": "A", "uid": "ben", "limit": 9}
    assert [row["token"] for row in ask_rows(database, lambda queries: queries.registrations(**asked))] == ["t-ben"]
    assert not ask_rows(database, lambda queries: queries.registrations(kinds=["webhook"], limit=9))
    assert database.write(Unregister("A", "t-ben", "anna"), Unregister("A", "t-ben", "ben")) == [False, True]


# Moving


def test_what_moves_in_stays_as_it_is_until_its_phone_registers_again(database: AnyDatabase) -> None:
    owner = ImportOwner("anna", "A", NOW, imported=b'{"note":{"S":"x"}}')
    phone = ImportRegistration("A", "000a", "t", "anna", NOW, displaces=False, imported=b'{"renewTimestamp":{"N":"9"}}')
    assert database.write(owner, owner, phone, phone) == [True, False, True, False]
    assert database.write(msgspec.structs.replace(owner, imported=None)) == [False], "the first import counts"
    (row,) = ask_rows(database, lambda queries: queries.moved_owners(vehicle="A", limit=9))
    assert (row["imported"], row["created"]) == ('{"note":{"S":"x"}}', NOW)
    (row,) = ask_rows(database, lambda queries: queries.moved_registrations(vehicle="A", kinds=["token"], limit=9))
    assert (row["spelling"], row["imported"]) == ("000a", '{"renewTimestamp":{"N":"9"}}')
    assert not ask_rows(database, lambda queries: queries.moved_owners(vehicle="B", limit=9))
    database.write(Register("A", "A", "t", "anna", NOW + 1))
    (row,) = ask_rows(database, lambda queries: queries.moved_registrations(kinds=["token"], limit=9))
    assert (row["imported"], row["renewed"]) == (None, NOW + 1)


def test_an_older_system_takes_no_phone_from_the_user_who_has_it(database: AnyDatabase) -> None:
    phone = ImportRegistration("B", "B", "t", "ben", NOW, displaces=False)
    result = database.write(Register("A", "A", "t", "anna", NOW), phone)[1]
    assert isinstance(result, ForeignPhone)
    rows = ask_rows(database, lambda queries: queries.moved_registrations(kinds=["token"], limit=9))
    assert [(row["vehicle"], row["uid"]) for row in rows] == [("A", "anna")]


# Vehicles


def test_a_vehicle_has_what_was_set_and_what_it_said(database: AnyDatabase) -> None:
    database.write(arrival("A"), SetVehicle("A", NOW, keep=5, name="Anna's"), SetVehicle("A", NOW, format="ev"))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None
    assert (found["name"], found["keep"], found["kept"], found["format"]) == ("Anna's", 5, 1, "ev")
    assert found["status_id"] == arrival("A").status_id
    database.write(SetVehicle("A", NOW, keep=None))
    found = database.ask(lambda queries: queries.vehicle("A"))
    assert found is not None and (found["name"], found["keep"]) == ("Anna's", 10), "a setting not given stays"
    assert database.ask(lambda queries: queries.vehicle("B")) is None
    assert database.ask(lambda queries: queries.vehicles_from("A", 9)) == ["A"]


def test_frames_that_are_no_messages_fill_gaps_of_the_count(database: AnyDatabase) -> None:
    database.write(arrival("A", seq=1), Frame("A", NOW + 1, 2, NOW), arrival("A", time=NOW + 2, seq=4))
    (day,) = ask_rows(database, lambda queries: queries.days("A"))
    assert (day["received"], day["lost"], day["used"]) == (3, 1, 4)


def test_a_note_is_kept_once(database: AnyDatabase) -> None:
    assert database.write(note(1), note(1))[1] is False
    assert len(ask_rows(database, lambda queries: queries.logs(limit=9))) == 1


# Formats


def test_formats_are_there_at_the_next_start_and_not_removed_while_they_are_used(database: AnyDatabase) -> None:
    database.write(AddFormat("ev2", "a::uint:8", b"{}", NOW), SetVehicle("A", NOW, format="ev2"))
    database.write(SetDeviceType("t", "ev2", NOW))
    database.open()
    assert database.store.named_formats() == [("ev2", "a::uint:8", "{}")]
    assert (database.store.own_formats(), database.store.type_formats()) == ([("A", "ev2")], [("t", "ev2")])
    uses = database.ask(lambda queries: queries.format_uses())
    assert uses == [{"format": "ev2", "vehicles": 1, "device_types": 1}]
    assert database.ask(lambda queries: queries.format_types("ev2")) == ["t"]
    assert isinstance(database.write(RemoveFormat("ev2"))[0], FormatInUse)
    database.write(SetVehicle("A", NOW, format=None), SetDeviceType("t", None, NOW))
    assert database.write(RemoveFormat("ev2"), RemoveFormat("ev2")) == [True, False]


# Rejected requests


def test_the_same_body_at_another_route_is_another_refusal(database: AnyDatabase) -> None:
    database.write(reject(1), Reject(NOW, "POST /sigfox/uplink", "Body parsing error", "why 1", b"{}", b"\1"))
    found = ask_rows(database, lambda queries: queries.rejections(limit=9, text=""))
    assert [row["route"] for row in found] == ["POST /sigfox/uplink", "POST /wlan"]


def test_the_same_refusal_is_kept_once_and_counted_and_the_oldest_go_first(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(rejected=3))
    database.write(*(reject(number) for number in (1, 2, 3, 3, 4)))
    found = ask_rows(database, lambda queries: queries.rejections(limit=9, text=""))
    assert [(row["detail"], row["times"]) for row in found] == [("why 4", 1), ("why 3", 2), ("why 2", 1)]
    asked = {"after": 0, "through": NUMBER_MAX, "limit": 9}
    numbers = database.ask(lambda queries: queries.rejected_numbers(**asked))
    assert numbers == [row["number"] for row in reversed(found)]
    assert database.ask(lambda queries: queries.rejected_numbers(**asked, error="Time ahead")) == []
    whole = database.ask(lambda queries: queries.rejection(numbers[0]))
    assert whole is not None and whole.keys() == keys_of(records.Rejection) and whole["body"] == b"\2"
    assert database.write(ForgetRejected(numbers[0]), ForgetRejected(numbers[0])) == [True, False]
    assert database.ask(lambda queries: queries.rejection(numbers[0])) is None


# Downlinks


def test_a_message_that_asks_gets_what_waits_and_its_redelivery_the_same(database: AnyDatabase) -> None:
    ask = OfferDownlink("A", "s1", NOW, NOW)
    assert database.write(ask, QueueDownlink("A", b"12345678", NOW, NOW + HOUR_MS), ask, ask) == [
        *(None, 1),
        *[b"12345678"] * 2,
    ]
    database.open()
    assert database.write(ask, OfferDownlink("A", "s2", NOW, NOW)) == [b"12345678", None]


@pytest.mark.parametrize(
    ("operations", "now", "state"),
    [
        ((), NOW, "queued"),
        ((), NOW + 2 * HOUR_MS, "expired"),
        ((CancelDownlink(1, NOW),), NOW, "cancelled"),
        ((OfferDownlink("A", "s", NOW, NOW),), NOW, "offered"),
        ((OfferDownlink("A", "s", NOW, NOW), CloseDownlink("A", NOW, 0, "ACKED", NOW)), NOW, "acknowledged"),
        ((OfferDownlink("A", "s", NOW, NOW), CloseDownlink("A", NOW, 4, "NETWORK_ERROR", NOW)), NOW, "failed"),
    ],
)
def test_a_downlink_has_a_state(database: AnyDatabase, operations: tuple[Any, ...], now: int, state: str) -> None:
    database.write(QueueDownlink("A", bytes(8), NOW, NOW + HOUR_MS), *operations)
    (row,) = ask_rows(database, lambda queries: queries.downlinks(now, number=1, limit=1))
    assert (row["state"], row["payload"]) == (state, "00" * 8)
    assert ask_rows(database, lambda queries: queries.downlinks(now, state=state, vehicle="A", limit=9)) == [row]


# Counts


def test_everything_is_counted(database: AnyDatabase) -> None:
    database.write(*(arrival("A", time=NOW + n) for n in range(12)), arrival("B"), reject(1), AddOwner("anna", "A", 1))
    counts = database.ask(lambda queries: queries.counts())
    assert counts.keys() == keys_of(records.StoredCounts)
    assert (counts["vehicles"], counts["statuses"], counts["owners"], counts["rejected"]) == (2, 11, 1, 1)
