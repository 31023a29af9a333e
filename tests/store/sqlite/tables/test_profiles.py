"""The table of profiles: each member has its column, nothing is added for a stranger, an import overwrites nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from builders import arrival, rows

from evd.model.operations import ImportProfile, SetProfile, UnknownVehicle
from evd.model.profile import MEMBERS, Profile
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables.profiles import _IMPORTED, _SET

Opener = Callable[..., SqliteDatabase]


def test_every_member_of_a_profile_has_its_column(open_store: Opener, database: Path) -> None:
    assert set(_SET) == set(MEMBERS) == set(Profile.__struct_fields__)
    assert set(MEMBERS) - set(_IMPORTED) == {"coarseLocation"}, "for whom places are coarse is said in evd only"
    store = open_store()
    store.write([arrival("A"), SetProfile("A", Profile(zone="UTC", coarseLocation="viewers"))])
    assert rows(database, "SELECT zone, coarse_location, name FROM vehicle_profiles") == [("UTC", "viewers", None)]


def test_a_stranger_gets_no_row(open_store: Opener, database: Path) -> None:
    results = open_store().write([SetProfile("X", Profile(name="Zoe")), ImportProfile("X", Profile(name="Zoe"))])
    assert [type(result) for result in results] == [UnknownVehicle, UnknownVehicle]
    assert rows(database, "SELECT count(*) FROM vehicle_profiles") == [(0,)]


def test_an_import_fills_what_is_missing_and_says_whether_it_did(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival("A"), SetProfile("A", Profile(name="Zoe", phases=3)), SetProfile("A", Profile(phases=None))])
    imports = [Profile(name="Renault"), Profile(name="Renault", phases=1), Profile(phases=2), Profile()]
    assert store.write([ImportProfile("A", one) for one in imports]) == [False, True, False, False]
    assert rows(database, "SELECT name, phases FROM vehicle_profiles") == [("Zoe", 1)]
