"""What moves in is added once and changes nothing that is there: an owner, a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from builders import NOW, rows

from evd.model.operations import AddOwner, ForeignPhone, ImportOwner, ImportRegistration, Register
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]


def test_who_is_an_owner_or_a_viewer_stays_so(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([AddOwner("anna", "A", NOW, "viewer")])
    imported = [ImportOwner("anna", "A", NOW + 1, imported=b"{}"), ImportOwner("anna", "B", NOW + 1, imported=b"{}")]
    assert store.write(imported) == [False, True]
    assert rows(database, "SELECT vehicle, relation, imported FROM owners ORDER BY vehicle") == [
        ("A", "viewer", None),
        ("B", "owner", "{}"),
    ]


def test_a_phone_is_added_for_its_user_only_and_for_each_vehicle_once(open_store: Opener, database: Path) -> None:
    def phone(vehicle: str, uid: str) -> ImportRegistration:
        return ImportRegistration(vehicle, vehicle, "t", uid, NOW, displaces=False, imported=b"{}")

    store = open_store()
    store.write([Register("A", "A", "t", "anna", NOW)])
    same, other, foreign = store.write([phone("A", "anna"), phone("B", "anna"), phone("C", "ben")])
    assert (same, other) == (False, True)
    assert isinstance(foreign, ForeignPhone) and "one user at a time" in str(foreign)
    found = rows(database, "SELECT vehicle, uid, imported FROM registrations ORDER BY vehicle")
    assert found == [("A", "anna", None), ("B", "anna", "{}")]
