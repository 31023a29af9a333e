"""Keys and owners: who may call, and whose a vehicle is."""

from __future__ import annotations

import pytest
from any_engine import AnyDatabase
from builders import NOW

from evd.model.operations import AddKey, AddOwner, Implied, LimitReached, RemoveOwner, ReviveKey, RevokeKey


def key(key_id: str, *, digest: bytes = bytes(32), vehicle: str | None = None) -> AddKey:
    return AddKey(key_id, "device", digest, "", vehicle, NOW)


def roles(database: AnyDatabase) -> list[str]:
    return [row["role"] for row in database.ask(lambda queries: queries.keys()).rows]


def test_keys_are_kept_once_and_revoked_once(database: AnyDatabase) -> None:
    assert database.write(key("a"), key("a"), RevokeKey("a", NOW), RevokeKey("a", NOW)) == [True, False, True, False]
    assert database.write(key("a"), key("b", vehicle="386625")) == [False, True], "a revoked key stays revoked"
    database.open()
    (living,) = database.store.living_keys()
    assert (living.key_id, living.role, living.digest, living.vehicle) == ("b", "device", bytes(32), "386625")
    rows = database.ask(lambda queries: queries.keys()).rows
    assert [(row["id"], row["vehicle"], row["created"], row["revoked"]) for row in rows] == [
        ("a", None, NOW, NOW),
        ("b", "386625", NOW, None),
    ]


def test_a_revoked_key_can_be_revived_with_all_that_it_had(database: AnyDatabase) -> None:
    made = key("a", digest=b"1" * 32, vehicle="386625")
    assert database.write(made, ReviveKey("a"), RevokeKey("a", NOW)) == [True, False, True]
    assert database.write(ReviveKey("a"), ReviveKey("a"), ReviveKey("b")) == [Implied((made,)), False, False]
    database.open()
    (living,) = database.store.living_keys()
    assert (living.key_id, living.digest, living.vehicle) == ("a", b"1" * 32, "386625")


@pytest.mark.parametrize(
    ("wanted", "result", "stands"),
    [
        (AddKey("a", "app", b"1" * 32, "", None, NOW), "device,app", "device,app"),
        (AddKey("a", "device", b"1" * 32, "", None, NOW), False, "device"),
        (AddKey("a", "app", b"2" * 32, "", None, NOW), False, "device"),
        (AddKey("a", "device", b"1" * 32, "", "386625", NOW), False, "device"),
    ],
    ids=["one role more", "no role more", "another secret of this id", "bound to a vehicle"],
)
def test_the_same_secret_again_gains_the_roles_that_it_lacks(
    database: AnyDatabase, wanted: AddKey, result: object, stands: str
) -> None:
    assert database.write(key("a", digest=b"1" * 32), wanted) == [True, result]
    assert roles(database) == [stands]
    database.write(RevokeKey("a", NOW))
    assert database.write(AddKey("a", "app", b"1" * 32, "", None, NOW)) == [False], "a revoked one gains nothing"
    assert roles(database) == [stands]


def test_keys_are_bounded_and_revoking_makes_room(database: AnyDatabase) -> None:
    database.limit(keys=2)
    full = database.write(key("a"), key("b"), key("c"))[2]
    assert isinstance(full, LimitReached)
    assert str(full) == "there are 2 keys: revoke some"
    assert database.write(RevokeKey("a", NOW), key("c")) == [True, True]
    rows = database.ask(lambda queries: queries.keys()).rows
    assert {row["id"] for row in rows} == {"b", "c"}, "the revoked one went"


def test_a_vehicle_may_have_several_owners_and_a_user_several_vehicles(database: AnyDatabase) -> None:
    added = database.write(*(AddOwner(uid, vehicle, NOW) for uid in ("anna", "ben") for vehicle in ("A", "B", "A")))
    assert added == [None] * 6
    rows = database.ask(lambda queries: queries.owners()).rows
    assert [(row["uid"], row["vehicle"]) for row in rows] == [
        *(("anna", "A"), ("anna", "B"), ("ben", "A"), ("ben", "B"))
    ]
    gone = database.write(RemoveOwner("anna", "A"), RemoveOwner("anna", "A"), RemoveOwner("x", "A"))
    assert gone == [True, False, False]
    relations = [database.ask(lambda queries, one=one: queries.relation("anna", one)) for one in "AB"]
    assert relations == [None, "owner"]


def test_a_viewer_becomes_an_owner_and_no_owner_a_viewer(database: AnyDatabase) -> None:
    for relation, then in (("viewer", "viewer"), ("owner", "owner"), ("viewer", "owner")):
        database.write(AddOwner("anna", "A", NOW, relation))
        assert database.ask(lambda queries: queries.relation("anna", "A")) == then
    assert database.ask(lambda queries: queries.relation("ben", "A")) is None


def test_owners_are_bounded(database: AnyDatabase) -> None:
    database.limit(owners=1)
    _, full = database.write(AddOwner("anna", "A", NOW), AddOwner("ben", "A", NOW))
    assert isinstance(full, LimitReached)
    assert str(full) == "there are 1 owners: raise app.owners_max to take in more"
    assert database.ask(lambda queries: queries.relation("ben", "A")) is None
    assert database.write(RemoveOwner("anna", "A"), AddOwner("ben", "A", NOW)) == [True, None]
