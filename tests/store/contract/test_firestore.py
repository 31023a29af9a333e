"""Firestore: only what changed in a user's document changes something here, and what was written there is known."""

from __future__ import annotations

from typing import Any

from any_engine import AnyDatabase
from builders import NOW

from evd.model.commits import summarize
from evd.model.operations import (
    AddOwner,
    DeleteVehicle,
    ForgetUser,
    MergeVehicle,
    Mirrored,
    NoteMirrored,
    RemoveOwner,
    SetProfile,
    SetVehicle,
    Synced,
    SyncUser,
)
from evd.model.profile import Profile

NOTHING = {"name": None, "regNumber": None, "maxVoltage": None}


def synced(database: AnyDatabase, uid: str, /, *, owned: bool = False, **vehicles: dict[str, Any]) -> Synced:
    said = {vehicle: {**NOTHING, **profile} for vehicle, profile in vehicles.items()}
    (result,) = database.write(SyncUser(uid, said, NOW, owned))
    assert isinstance(result, Synced)
    return result


def owners(database: AnyDatabase) -> set[tuple[str, str]]:
    return {(row["uid"], row["vehicle"]) for row in database.ask(lambda queries: queries.owners()).rows}


def name(database: AnyDatabase, vehicle: str) -> str | None:
    return database.ask(lambda queries: queries.profile(vehicle))["name"]


def mirrored(database: AnyDatabase, *vehicles: str) -> list[tuple[Any, ...]]:
    found = database.ask(lambda queries: queries.firestore_rows(vehicles or None, limit=99)).rows
    return [(row["uid"], row["vehicle"], row["owns"], row["status"]) for row in found]


def test_a_vehicle_of_a_document_is_owned_until_it_is_there_no_longer(database: AnyDatabase) -> None:
    first = synced(database, "anna", A={"name": "Zoe"}, B={})
    assert first.counts == {"added": 2, "profiles": 1} and not first.refused
    summary = summarize([SyncUser("anna", {}, NOW)], [first])
    assert [*summary.attended] == ["A", "B"] and [*summary.profiles_set] == ["A"], "observers hear of it"
    assert owners(database) == {("anna", "A"), ("anna", "B")} and name(database, "A") == "Zoe"
    assert synced(database, "anna", A={"name": "Zoe"}, B={}) == Synced(), "and a second time nothing"
    assert database.write(SyncUser("anna", {}, NOW, whole=False)) == [Synced()], "unreadable is not gone"
    assert synced(database, "anna", B={}).counts == {"removed": 1} and owners(database) == {("anna", "B")}
    assert database.ask(lambda queries: queries.firestore_users(limit=9)) == ["anna"]
    assert synced(database, "anna").counts == {"removed": 1} and owners(database) == set()
    assert database.ask(lambda queries: queries.firestore_users(limit=9)) == []


def test_what_was_decided_here_stays(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "A", NOW))
    assert synced(database, "anna", A={}, B={}).counts == {"added": 1}
    database.write(RemoveOwner("anna", "B"))
    assert synced(database, "anna", A={}, B={}).counts == {} and owners(database) == {("anna", "A")}
    database.write(AddOwner("anna", "B", NOW))
    assert synced(database, "anna").counts == {}, "no sync has made her an owner of these"
    assert owners(database) == {("anna", "A"), ("anna", "B")}


def test_nobody_takes_a_vehicle_by_writing_its_id(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "A", NOW), AddOwner("ben", "A", NOW, "viewer"))
    taken = synced(database, "eve", A={"name": "Mine"})
    assert taken.counts == {} and "others own it" in taken.refused["A"]
    assert "A" in synced(database, "ben", A={}).refused and name(database, "A") is None
    assert synced(database, "eve", owned=True, A={"name": "Ours"}).counts == {"added": 1, "profiles": 1}
    database.limit(owners=3)
    assert "app.owners_max" in synced(database, "carl", B={}).refused["B"]


def test_a_profile_follows_what_the_app_changes(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "A", NOW), SetProfile("A", Profile(name="Renault")))
    synced(database, "anna", A={"name": "Zoe", "maxVoltage": 230.0})
    profile = database.ask(lambda queries: queries.profile("A"))
    assert (profile["name"], profile["maxVoltage"]) == ("Renault", 230), "evd's own comes first"
    synced(database, "anna", A={"name": "Zoe 2", "maxVoltage": None})
    profile = database.ask(lambda queries: queries.profile("A"))
    assert (profile["name"], profile["maxVoltage"]) == ("Zoe 2", None)
    database.write(
        SetProfile("A", Profile(name="Leaf")), NoteMirrored((Mirrored("anna", "A", profile={"name": "Leaf"}),))
    )
    assert synced(database, "anna", A={"name": "Leaf"}).counts == {}, "that is what evd wrote"
    database.write(SetProfile("A", Profile(name="Leaf 2")))
    assert synced(database, "anna", A={"name": "Leaf"}).counts == {} and name(database, "A") == "Leaf 2"
    database.write(RemoveOwner("anna", "A"), AddOwner("anna", "A", NOW, "viewer"))
    synced(database, "anna", A={"name": "Mine"})
    assert name(database, "A") == "Leaf 2", "a viewer changes nothing"


def test_what_is_written_there_is_known_until_it_is_deleted_there(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", "A", NOW), AddOwner("ben", "A", NOW, "viewer"), AddOwner("anna", "B", NOW))
    assert mirrored(database) == [("anna", "A", 1, None), ("anna", "B", 1, None)], "a viewer has it from its owner"
    written = [Mirrored("anna", vehicle, f"s-{vehicle}", {"name": "x"}) for vehicle in "AB"]
    database.write(NoteMirrored(tuple(written)), NoteMirrored((Mirrored("anna", "B", "s-B2"),)))
    assert mirrored(database, "B") == [("anna", "B", 1, "s-B2")]
    (row,) = database.ask(lambda queries: queries.firestore_rows(["A"], limit=9)).rows
    assert (row["known"], row["name"]) == ('{"name":"x"}', None)
    page = database.ask(lambda queries: queries.firestore_rows(limit=1))
    assert page.following == ("anna", "A")
    assert (
        mirrored(database, "A")
        and not database.ask(lambda queries: queries.firestore_rows(["A"], page.following, limit=9)).rows
    )
    database.write(RemoveOwner("anna", "A"), ForgetUser("anna"))
    assert mirrored(database) == [("anna", "A", 0, "s-A"), ("anna", "B", 0, "s-B2")], "they are still there"
    database.write(NoteMirrored((Mirrored("anna", "A", None), Mirrored("anna", "B", None))))
    assert mirrored(database) == []


def test_vehicles_that_are_merged_or_deleted(database: AnyDatabase) -> None:
    database.write(SetVehicle("A", NOW), SetVehicle("B", NOW))
    synced(database, "anna", A={"name": "Zoe"})
    database.write(NoteMirrored((Mirrored("anna", "A", "s-A"),)), MergeVehicle("A", "B", NOW))
    assert mirrored(database) == [("anna", "A", 0, "s-A"), ("anna", "B", 1, None)]
    assert synced(database, "anna", B={"name": "Zoe"}).counts == {}, "her document names it by its other id"
    assert synced(database, "anna").counts == {"removed": 1}
    synced(database, "anna", B={})
    database.write(DeleteVehicle("B"))
    assert database.ask(lambda queries: queries.firestore_users(limit=9)) == []
