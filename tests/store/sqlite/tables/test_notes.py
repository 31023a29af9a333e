"""Vehicles' logs and modems in the store: each entry once, the newest of each, in whatever order they come."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from builders import NOW, ROOMY, arrival, rows

from evd.model.operations import Modem, Note
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables import notes

Opener = Callable[..., SqliteDatabase]

VEHICLE = "386625"


def note(name: str, *, vehicle: str = VEHICLE, time: int = NOW, document: bytes = b'{"a":1}') -> Note:
    return Note(name, vehicle, "error", "warn", time, f"{name} happened.", document, NOW + 5)


def modem(time: int, battery: float | None, temperature: float | None = None, *, vehicle: str = VEHICLE) -> Modem:
    return Modem(vehicle, time, battery, temperature, NOW + 5)


def kept(database: Path, vehicle: str = VEHICLE) -> list[str]:
    return [name for (name,) in rows(database, "SELECT id FROM notes WHERE vehicle = ? ORDER BY time, number", vehicle)]


def modems(database: Path) -> list[tuple[object, ...]]:
    return rows(database, "SELECT vehicle, time, battery_v, temperature_c FROM modems ORDER BY vehicle")


def test_an_entry_is_kept_once_however_often_it_comes(open_store: Opener, database: Path) -> None:
    store = open_store()
    assert store.write([note("a"), note("a"), note("b")]) == [True, False, True]
    assert store.write([note("a", time=NOW + 1, document=b"{}")]) == [False]
    assert rows(database, "SELECT * FROM notes ORDER BY number") == [
        (1, "a", VEHICLE, "error", "warn", NOW, NOW + 5, "a happened.", '{"a":1}'),
        (2, "b", VEHICLE, "error", "warn", NOW, NOW + 5, "b happened.", '{"a":1}'),
    ]


def test_a_log_keeps_its_newest_entries_by_their_times(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(notes_per_vehicle=3))
    store.write([note(f"n{offset}", time=NOW + offset) for offset in (5, 1, 4, 2, 3)])
    assert kept(database) == ["n3", "n4", "n5"]


def test_of_entries_of_one_time_the_last_ones_stay(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(notes_per_vehicle=2))
    store.write([note(name) for name in "abcd"])
    assert kept(database) == ["c", "d"]


def test_logs_of_vehicles_and_of_groups_do_not_push_each_other_out(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(notes_per_vehicle=1))
    store.write([note("a"), note("b", vehicle="OTHER"), note("c", vehicle="")])
    assert (kept(database), kept(database, "OTHER"), kept(database, "")) == (["a"], ["b"], ["c"])


def test_all_logs_together_are_bounded(open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For vehicles that were never heard have logs too."""
    monkeypatch.setattr(notes, "NOTES_MAX", 3)
    open_store().write([note(f"n{number}", vehicle=f"V{number}") for number in range(5)])
    assert rows(database, "SELECT id FROM notes ORDER BY number") == [("n2",), ("n3",), ("n4",)]


def test_what_is_no_utf_8_is_kept_readable(open_store: Opener, database: Path) -> None:
    open_store().write([note("a", document=b"\xff\x00{")])
    assert rows(database, "SELECT document FROM notes") == [("�\0{",)]


def test_the_view_shows_times_that_people_can_read(open_store: Opener, database: Path) -> None:
    open_store().write([note("b", time=NOW + 60_000), note("a")])
    assert rows(database, "SELECT time, vehicle, kind, severity, text FROM log") == [
        ("2023-11-14 22:13:20", VEHICLE, "error", "warn", "a happened."),
        ("2023-11-14 22:14:20", VEHICLE, "error", "warn", "b happened."),
    ]


REPORTS = (
    modem(NOW, 3.1, 20.0),
    modem(NOW + 1000, 3.0, None),
    modem(NOW + 1000, 2.9, 21.0),
    modem(NOW + 500, 3.3, 25.0),
)


@pytest.mark.parametrize("order", list(permutations(range(len(REPORTS)))))
def test_the_newest_report_of_a_modem_stands_in_whatever_order_they_come(
    open_store: Opener, database: Path, order: tuple[int, ...]
) -> None:
    store = open_store()
    assert store.write([REPORTS[index] for index in order for _ in range(2)]) == [None] * 2 * len(REPORTS)
    assert modems(database) == [(VEHICLE, NOW + 1000, 3.0, None)]


def test_a_repeated_report_changes_nothing(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([modem(NOW, 3.1)])
    store.write([Modem(VEHICLE, NOW, 3.1, None, NOW + 999)])
    assert rows(database, "SELECT received FROM modems") == [(NOW + 5,)]


def test_modems_are_bounded_and_the_known_ones_are_followed(
    open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "MODEMS_MAX", 2)
    first = open_store()
    first.write([modem(NOW, 3.1, vehicle=name) for name in "AB"])
    first.close()
    open_store().write([modem(NOW, 3.1, vehicle="C"), modem(NOW + 1, 3.0, vehicle="B")])
    assert modems(database) == [("A", NOW, 3.1, None), ("B", NOW + 1, 3.0, None)]


def test_the_fleet_shows_each_modem_s_battery_and_temperature(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    store = open_store()
    store.write([arrival("A1"), Modem("A1", NOW, 3.5, 21.0, NOW), arrival("B2")])
    found = rows(database, "SELECT vehicle, modem_battery_v, modem_temperature_c FROM fleet ORDER BY vehicle")
    assert found == [("A1", 3.5, 21.0), ("B2", None, None)]
