"""Payload formats: known at the next start, bounded, kept while they are used; and statuses that are decoded anew."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import (
    AddFormat,
    Annotate,
    FormatInUse,
    LimitReached,
    Redecode,
    RemoveFormat,
    SetDeviceType,
    SetVehicle,
    Several,
)


def add(name: str, grammar: str = "a::uint:8") -> AddFormat:
    return AddFormat(name, grammar, b"{}", NOW)


def test_formats_are_there_at_the_next_start_as_they_were_set_last(database: AnyDatabase) -> None:
    database.write(add("ev2"), SetVehicle("A", NOW, format="ev2"), SetDeviceType("t", "ev2", NOW))
    assert database.write(add("ev2", "b::uint:8"), SetVehicle("B", NOW, format="a::bool")) == [None, None]
    database.open()
    assert database.store.named_formats() == [("ev2", "b::uint:8", "{}")]
    assert sorted(database.store.own_formats()) == [("A", "ev2"), ("B", "a::bool")]
    assert database.store.type_formats() == [("t", "ev2")]


def test_a_new_database_has_none(database: AnyDatabase) -> None:
    store = database.open()
    assert (store.living_keys(), store.own_formats(), store.type_formats(), store.named_formats()) == ([], [], [], [])


def test_the_uses_of_a_format_are_counted_and_a_grammar_is_no_name(database: AnyDatabase) -> None:
    database.write(*(SetVehicle(vehicle, NOW, format="ev2") for vehicle in "AB"), SetDeviceType("t", "ev2", NOW))
    database.write(SetVehicle("C", NOW, format="a::uint:8"), SetDeviceType("u", "other", NOW))
    assert database.ask(lambda queries: queries.format_uses()) == [
        {"format": "ev2", "vehicles": 2, "device_types": 1},
        {"format": "other", "vehicles": 0, "device_types": 1},
    ]
    assert database.ask(lambda queries: queries.format_types("ev2")) == ["t"]
    assert database.ask(lambda queries: queries.format_types("none")) == []
    assert database.ask(lambda queries: queries.format_vehicles("none", limit=9)).rows == []


@pytest.mark.parametrize(
    ("user", "says", "takes_back"),
    [
        (SetDeviceType("t", "ev2", NOW), "by 0 vehicle(s) and 1 device type(s)", SetDeviceType("t", None, NOW)),
        (SetVehicle("A", NOW, format="ev2"), "by 1 vehicle(s) and 0 device type(s)", SetVehicle("A", NOW, format=None)),
    ],
)
def test_a_format_in_use_is_not_removed(database: AnyDatabase, user: Any, says: str, takes_back: Any) -> None:
    _, _, refused = database.write(add("ev2"), user, RemoveFormat("ev2"))
    assert isinstance(refused, FormatInUse)
    assert says in str(refused)
    assert database.write(takes_back, RemoveFormat("ev2"), RemoveFormat("ev2")) == [None, True, False]


def test_formats_and_device_types_are_bounded_and_the_known_ones_may_change(database: AnyDatabase) -> None:
    database.limit(formats=2, device_types=2)
    added = database.write(*(add(name) for name in ("a", "b", "c", "b")))
    types = database.write(*(SetDeviceType(name, "ev", NOW) for name in ("a", "b", "c", "b")))
    for results in (added, types):
        assert [type(result) for result in results] == [type(None), type(None), LimitReached, type(None)]
    assert str(added[2]) == "there are 2 formats: remove some with `evd format remove`"
    assert str(types[2]) == "2 device types have a format: take some back with `evd format assign -`"
    assert database.write(
        RemoveFormat("a"), add("c"), SetDeviceType("a", None, NOW), SetDeviceType("c", "ev", NOW)
    ) == [*(True, None, None, None)]


# Decoded anew


def redecoded(seq: int = 0, *, status_id: str = "", fields: bytes = b'{"load":9}', flags: str = "") -> Redecode:
    status = arrival(seq=seq, time=NOW + seq)
    return Redecode(status.vehicle, status_id or status.status_id, status.time, seq, fields, flags)


def test_a_redecoded_status_has_its_new_fields_and_flags_and_nothing_else_changes(database: AnyDatabase) -> None:
    database.write(*(arrival(seq=seq, time=NOW + seq) for seq in range(3)))
    before = database.kept()
    assert database.write(redecoded(1, flags="disagrees")) == [True]
    changed = msgspec.structs.replace(before[1], fields=b'{"load":9}', flags="disagrees")
    assert database.kept() == [before[0], changed, before[2]]


def test_a_status_that_left_its_ring_or_was_never_there_is_not_redecoded(database: AnyDatabase) -> None:
    database.open(capacity=3)
    database.write(*(arrival(seq=seq, time=NOW + seq) for seq in range(4)))
    before = database.kept()
    asked = [redecoded(0), redecoded(1, status_id="another"), redecoded(7)]
    nobody = msgspec.structs.replace(redecoded(1), vehicle="NOBODY")
    assert database.write(*asked, nobody) == [False] * 4
    assert database.kept() == before


def test_late_ones_and_those_of_the_same_group_are_found(database: AnyDatabase) -> None:
    database.write(*(arrival(seq=seq, time=NOW + seq) for seq in (0, 2, 4)))
    database.write(*(arrival(seq=seq, time=NOW + seq) for seq in (1, 3)))
    results = database.write(
        *(redecoded(seq, fields=b'{"load":%d}' % seq) for seq in range(5)),
        Several((arrival(seq=5, time=NOW + 5), redecoded(5, fields=b'{"load":5}'))),
    )
    assert (results[:5], results[5][1]) == ([True] * 5, True)
    assert [one.values() for one in database.kept()] == [{"load": seq} for seq in range(6)]


def test_a_location_by_the_network_outlives_redecoding(database: AnyDatabase) -> None:
    found = Annotate("386625", NOW, 0, None, "advanced", b'{"lqi":"GOOD"}', "50.1,14.4", NOW)
    assert database.write(arrival(), found, redecoded(0))[1:] == [True, True]
    assert database.kept()[0].values() == {"load": 9, "location": "50.1,14.4"}
    database.write(msgspec.structs.replace(found, location="50.2,14.5"))
    assert database.kept()[0].values()["location"] == "50.2,14.5", "it is the network's still"
