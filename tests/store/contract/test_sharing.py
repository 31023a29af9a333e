"""Invitations, claim codes and tags: who becomes what, what makes room, and what ends with what."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, ROOMY, arrival

from evd.model.commits import summarize
from evd.model.operations import (
    Accepted,
    AcceptInvitation,
    AddOwner,
    Invite,
    LimitReached,
    NotOwner,
    Register,
    Relation,
    RemoveOwner,
    RevokeInvitation,
    TagVehicle,
    UnknownVehicle,
    UnregisterUser,
)
from evd.store.records import InvitationRow

VEHICLE = "386625"


def invitation(name: str = "i1", relation: Relation = "viewer", **given: Any) -> Invite:
    usual = {"vehicle": VEHICLE, "invited_by": "anna", "created": NOW, "expires": NOW + 100}
    return Invite(name, name.encode(), relation=relation, **{**usual, **given})


def accepts(name: str = "i1", uid: str = "ben", at: int = NOW + 1, digest: bytes | None = None) -> AcceptInvitation:
    return AcceptInvitation(name, name.encode() if digest is None else digest, uid, at)


def invitations(database: AnyDatabase, now: int = NOW) -> list[str]:
    return [row["id"] for row in database.ask(lambda queries: queries.invitations(VEHICLE, now)).rows]


def relations(database: AnyDatabase) -> dict[str, str]:
    return {row["uid"]: row["relation"] for row in database.ask(lambda queries: queries.owners_of(VEHICLE)).rows}


@pytest.fixture
def owned(database: AnyDatabase) -> AnyDatabase:
    database.write(AddOwner("anna", VEHICLE, NOW))
    return database


def test_an_invitation_is_good_once_and_its_commit_shows_a_new_viewer(owned: AnyDatabase) -> None:
    assert owned.write(invitation()) == [None]
    row = owned.ask(lambda queries: queries.invitations(VEHICLE, NOW)).rows[0]
    assert row.keys() == InvitationRow.__annotations__.keys() and row["invited_by"] == "anna"
    (accepted, again) = owned.write(accepts(), accepts(uid="carl"))
    assert (accepted.vehicle, accepted.relation, again) == (VEHICLE, "viewer", None)
    assert relations(owned) == {"anna": "owner", "ben": "viewer"}
    assert owned.ask(lambda queries: queries.vehicles_of("ben")) == {VEHICLE}
    summary = summarize([accepts()], [accepted])
    assert summary.attended == (VEHICLE,) and len(summary.identities) == 1


def test_an_owner_stays_one_and_a_viewer_becomes_one(owned: AnyDatabase) -> None:
    owned.write(AddOwner("ben", VEHICLE, NOW, "viewer"), invitation("i1"), invitation("i2", "owner"))
    first, second = owned.write(accepts("i1", "anna"), accepts("i2", "ben"))
    assert isinstance(first, Accepted) and (first.relation, second.relation) == ("owner", "owner")


@pytest.mark.parametrize(
    "asked",
    [accepts(at=NOW + 100), accepts(digest=b"other"), accepts("i9")],
    ids=["expired", "another secret", "unknown"],
)
def test_a_wrong_or_an_expired_code_gives_nothing(owned: AnyDatabase, asked: AcceptInvitation) -> None:
    owned.write(invitation())
    assert owned.write(asked) == [None]
    assert relations(owned) == {"anna": "owner"}


def test_only_an_owner_invites_and_an_administrator_for_a_known_vehicle(owned: AnyDatabase) -> None:
    (refused,) = owned.write(invitation(invited_by="ben"))
    assert isinstance(refused, NotOwner)
    (unknown, fine) = owned.write(invitation(invited_by=None, vehicle="NEVER"), invitation(invited_by=None))
    assert isinstance(unknown, UnknownVehicle) and fine is None
    owned.write(arrival("NEW"))
    assert owned.write(invitation("i2", invited_by=None, vehicle="NEW")) == [None]


def test_invitations_end_with_the_ownership_of_who_invited(owned: AnyDatabase) -> None:
    owned.write(invitation(), invitation("i2", invited_by=None), RemoveOwner("anna", VEHICLE))
    assert invitations(owned) == ["i2"]
    assert owned.write(accepts()) == [None]


def test_an_owner_who_became_a_viewer_invites_nobody(owned: AnyDatabase) -> None:
    owned.write(invitation(), RemoveOwner("anna", VEHICLE), AddOwner("anna", VEHICLE, NOW, "viewer"))
    assert owned.write(accepts()) == [None]


def test_an_invitation_is_revoked_for_its_vehicle_only(owned: AnyDatabase) -> None:
    owned.write(invitation())
    assert owned.write(RevokeInvitation("i1", "OTHER"), RevokeInvitation("i1", VEHICLE)) == [False, True]
    assert invitations(owned) == []


def test_invitations_are_bounded_and_expired_ones_make_room(owned: AnyDatabase) -> None:
    owned.open(limits=ROOMY._replace(invitations_per_vehicle=2))
    owned.write(invitation("i1"), invitation("i2", expires=NOW + 5))
    (full,) = owned.write(invitation("i3"))
    assert isinstance(full, LimitReached)
    owned.open(limits=ROOMY._replace(invitations=2))
    assert isinstance(owned.write(invitation("i3", invited_by=None))[0], LimitReached)
    owned.open(limits=ROOMY._replace(invitations_per_vehicle=2))
    assert owned.write(invitation("i4", created=NOW + 5)) == [None]
    assert invitations(owned, NOW + 5) == ["i1", "i4"]


def test_owners_of_a_vehicle_are_bounded(owned: AnyDatabase) -> None:
    owned.open(limits=ROOMY._replace(owners_per_vehicle=2))
    owned.write(invitation("i1"), invitation("i2"), accepts("i1", "ben"))
    (full,) = owned.write(accepts("i2", "carl"))
    assert isinstance(full, LimitReached) and invitations(owned) == ["i2"]
    assert isinstance(owned.write(accepts("i2", "ben"))[0], Accepted)


def test_tags_are_added_removed_and_bounded(database: AnyDatabase) -> None:
    database.open(limits=ROOMY._replace(tags_per_vehicle=2))
    assert database.write(TagVehicle("A", ("b", "a"), ()), TagVehicle("A", ("c",), ("a",))) == [("a", "b"), ("b", "c")]
    (full,) = database.write(TagVehicle("A", ("d",), ()))
    assert isinstance(full, LimitReached)
    database.write(TagVehicle("B", ("c",), ()))
    assert database.ask(lambda queries: queries.tags_of("A")) == ["b", "c"]
    assert [row["vehicle"] for row in database.ask(lambda queries: queries.tagged("c")).rows] == ["A", "B"]


def test_all_of_a_user_are_unregistered_at_once_and_nobody_else(owned: AnyDatabase) -> None:
    phones = [Register(vehicle, vehicle, f"t{vehicle}{uid}", uid, NOW) for vehicle in "AB" for uid in ("anna", "ben")]
    owned.write(*phones)
    assert owned.write(UnregisterUser("anna"), UnregisterUser("anna")) == [2, False]
    rows = owned.ask(lambda queries: queries.registrations(kinds=["token"], limit=10)).rows
    assert {row["uid"] for row in rows} == {"ben"}
