"""Vehicles' logs and modems: each entry once, the newest of each, in whatever order they come."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.model.operations import Modem, Note
from evd.store.records import NoteRow

VEHICLE = "386625"


def note(name: str, *, vehicle: str = VEHICLE, time: int = NOW, document: bytes = b'{"a":1}') -> Note:
    return Note(name, vehicle, "error", "warn", time, f"{name} happened.", document, NOW + 5)


def modem(time: int, battery: float | None, temperature: float | None = None, *, vehicle: str = VEHICLE) -> Modem:
    return Modem(vehicle, time, battery, temperature, NOW + 5)


def log(database: AnyDatabase, vehicle: str = VEHICLE) -> list[NoteRow]:
    return database.ask(lambda queries: queries.log(vehicle, limit=100)).rows


def kept(database: AnyDatabase, vehicle: str = VEHICLE) -> list[str]:
    """The names, the newest first."""
    return [row["text"].split()[0] for row in log(database, vehicle)]


def modems(database: AnyDatabase) -> list[tuple[Any, ...]]:
    rows = database.ask(lambda queries: queries.fleet()).rows
    return [(row.vehicle, row.modem_battery_v, row.modem_temperature_c) for row in rows]


def test_an_entry_is_kept_once_however_often_it_comes(database: AnyDatabase) -> None:
    assert database.write(note("a"), note("a"), note("b")) == [True, False, True]
    assert database.write(note("a", time=NOW + 1, document=b"{}")) == [False]
    said = {"vehicle": VEHICLE, "kind": "error", "severity": "warn", "time": NOW, "received": NOW + 5}
    said |= {"document": '{"a":1}'}
    assert log(database) == [
        {"number": 2, "text": "b happened.", **said},
        {"number": 1, "text": "a happened.", **said},
    ]


def test_a_log_keeps_its_newest_entries_by_their_times(database: AnyDatabase) -> None:
    database.limit(notes_per_vehicle=3)
    database.write(*(note(f"n{offset}", time=NOW + offset) for offset in (5, 1, 4, 2, 3)))
    assert kept(database) == ["n5", "n4", "n3"]


def test_of_entries_of_one_time_the_last_ones_stay(database: AnyDatabase) -> None:
    database.limit(notes_per_vehicle=2)
    database.write(*(note(name) for name in "abcd"))
    assert kept(database) == ["d", "c"]


def test_logs_of_vehicles_and_of_groups_do_not_push_each_other_out(database: AnyDatabase) -> None:
    database.limit(notes_per_vehicle=1)
    database.write(note("a"), note("b", vehicle="OTHER"), note("c", vehicle=""))
    assert (kept(database), kept(database, "OTHER"), kept(database, "")) == (["a"], ["b"], ["c"])
    assert kept(database, "NOBODY") == []


def test_all_logs_together_are_bounded(database: AnyDatabase) -> None:
    """For vehicles that were never heard have logs too."""
    database.limit(notes=3)
    database.write(*(note(f"n{number}", vehicle=f"V{number}") for number in range(5)))
    rows = database.ask(lambda queries: queries.logs(limit=9)).rows
    assert [row["vehicle"] for row in rows] == ["V4", "V3", "V2"], "the latest first"


def test_what_is_no_utf_8_is_kept_readable(database: AnyDatabase) -> None:
    database.write(note("a", document=b"\xff{"))
    assert log(database)[0]["document"] == "�{"


REPORTS = (
    modem(NOW, 3.1, 20.0),
    modem(NOW + 1000, 3.0, None),
    modem(NOW + 1000, 2.9, 21.0),
    modem(NOW + 500, 3.3, 25.0),
)


@pytest.mark.parametrize("order", list(permutations(range(len(REPORTS)))))
def test_the_newest_report_of_a_modem_stands_in_whatever_order_they_come(
    database: AnyDatabase, order: tuple[int, ...]
) -> None:
    database.write(arrival())
    results = database.write(*(REPORTS[index] for index in order for _ in range(2)))
    assert results == [None] * 2 * len(REPORTS)
    assert modems(database) == [(VEHICLE, 3.0, None)]


def test_modems_are_bounded_and_the_known_ones_are_followed(database: AnyDatabase) -> None:
    database.limit(modems=2)
    database.write(*(arrival(name) for name in "ABC"), *(modem(NOW, 3.5, vehicle=name) for name in "AB"))
    database.open()
    database.write(modem(NOW, 3.5, vehicle="C"), modem(NOW + 1, 3.0, 21.0, vehicle="B"))
    assert modems(database) == [("A", 3.5, None), ("B", 3.0, 21.0), ("C", None, None)]
