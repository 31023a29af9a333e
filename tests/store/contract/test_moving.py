"""Moving in and out: owners and phones that come from an older system, and go to another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from any_engine import AnyDatabase
from builders import NOW

from evd.model.operations import (
    AddOwner,
    ForeignPhone,
    ImportOwner,
    ImportProfile,
    ImportRegistration,
    Register,
    SetProfile,
    UnknownVehicle,
)
from evd.model.profile import Profile
from evd.store.queries import Queries
from evd.store.records import Listing


def asked(database: AnyDatabase, question: Callable[[Queries], Awaitable[Listing[Any]]]) -> list[Any]:
    return database.ask(question).rows


def test_what_moves_in_stays_as_it_is_until_its_phone_registers_again(database: AnyDatabase) -> None:
    owner = ImportOwner("anna", "A", NOW, imported=b'{"note":{"S":"x"}}')
    phone = ImportRegistration("A", "000a", "t", "anna", NOW, displaces=False, imported=b'{"renewTimestamp":{"N":"9"}}')
    assert database.write(owner, owner, phone, phone) == [True, False, True, False]
    assert database.write(msgspec.structs.replace(owner, imported=None)) == [False], "the first import counts"
    (row,) = asked(database, lambda queries: queries.moved_owners(vehicle="A", limit=9))
    assert (row["imported"], row["created"]) == ('{"note":{"S":"x"}}', NOW)
    (row,) = asked(database, lambda queries: queries.moved_registrations(vehicle="A", kinds=["token"], limit=9))
    assert (row["spelling"], row["imported"]) == ("000a", '{"renewTimestamp":{"N":"9"}}')
    assert not asked(database, lambda queries: queries.moved_owners(vehicle="B", limit=9))
    database.write(Register("A", "A", "t", "anna", NOW + 1))
    (row,) = asked(database, lambda queries: queries.moved_registrations(kinds=["token"], limit=9))
    assert (row["imported"], row["renewed"]) == (None, NOW + 1)


def test_an_older_system_takes_no_phone_from_the_user_who_has_it(database: AnyDatabase) -> None:
    phone = ImportRegistration("B", "B", "t", "ben", NOW, displaces=False)
    result = database.write(Register("A", "A", "t", "anna", NOW), phone)[1]
    assert isinstance(result, ForeignPhone)
    rows = asked(database, lambda queries: queries.moved_registrations(kinds=["token"], limit=9))
    assert [(row["vehicle"], row["uid"]) for row in rows] == [("A", "anna")]


def test_a_profile_that_moves_in_fills_what_nobody_said(database: AnyDatabase) -> None:
    imported = ImportProfile("A", Profile(name="Zoe", regNumber="1AB", maxVoltage=None))
    assert isinstance(database.write(imported)[0], UnknownVehicle)
    said = SetProfile("A", Profile(name="Renault"))
    assert database.write(AddOwner("anna", "A", NOW), said, imported, imported)[2:] == [True, False]
    profile = database.ask(lambda queries: queries.profile("A"))
    assert (profile["name"], profile["regNumber"], profile["maxVoltage"]) == ("Renault", "1AB", None)
