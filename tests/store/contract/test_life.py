"""Vehicles that are deleted, merged and ignored, and users that are forgotten: what is left of them, and where."""

from __future__ import annotations

from typing import Any

import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival

from evd.auth.access_tokens import AccessToken, new_token
from evd.auth.identities import Identities
from evd.auth.sessions import SessionLife
from evd.model.coarse import CoarseFor
from evd.model.commits import summarize
from evd.model.operations import (
    AddKey,
    AddOwner,
    AddToken,
    Annotate,
    CountIgnored,
    DeleteVehicle,
    ForgetUser,
    Frame,
    IgnoreVehicle,
    Implied,
    MergeVehicle,
    Note,
    QueueDownlink,
    Register,
    Reject,
    RevokeKey,
    SetPreferences,
    SetProfile,
    SetVehicle,
    TagVehicle,
    UnknownVehicle,
)
from evd.model.place_privacy import PlacePrivacy
from evd.model.profile import Profile

ONE, OTHER = "AB12", "CD34"


def settle(database: AnyDatabase) -> None:
    """Do all maintenance that is due."""
    while database.store.maintain(idle=True):
        pass


def several(vehicle: str, times: range, **given: Any) -> list[Any]:
    return [arrival(vehicle, time=NOW + 1000 * at, seq=at, status_id=f"{vehicle}{at}", **given) for at in times]


def belongings(vehicle: str, uid: str = "anna") -> list[Any]:
    return [
        AddOwner(uid, vehicle, NOW),
        Register(vehicle, vehicle, f"t-{vehicle}", uid, NOW),
        TagVehicle(vehicle, ("fleet",), ()),
        Note(f"n-{vehicle}", vehicle, "error", "warn", NOW, "text", b"{}", NOW),
        QueueDownlink(vehicle, bytes(8), NOW, NOW + 10**6),
        AddKey(f"k-{vehicle}", "device", b"d", "", vehicle, NOW),
    ]


def rejected(body: bytes) -> Reject:
    return Reject(NOW, "POST /sigfox/uplink", "Bad request", "why", b"{}", body)


def rejections(database: AnyDatabase) -> int:
    return len(database.ask(lambda queries: queries.rejections(limit=100, text="")).rows)


def owners(database: AnyDatabase) -> list[tuple[str, str]]:
    return [(row["uid"], row["vehicle"]) for row in database.ask(lambda queries: queries.owners()).rows]


def test_a_deleted_vehicle_leaves_nothing_and_others_stay(database: AnyDatabase) -> None:
    bodies = [b'{"device": "0000ab12"}', b'{"device": "AB123"}', b'{"device": "1AB12"}']
    database.write(*several(ONE, range(14)), *several(OTHER, range(5)), *belongings(ONE), *belongings(OTHER))
    database.write(*(rejected(body) for body in bodies))
    (done,) = database.write(DeleteVehicle(ONE))
    assert isinstance(done, Implied) and done.counts["rejected"] == done.counts["registrations"] == 1
    assert database.ask(lambda queries: queries.vehicle(ONE)) is None and database.ring(ONE) == []
    assert owners(database) == [("anna", OTHER)] and rejections(database) == 2
    assert database.ask(lambda queries: queries.tags_of(ONE)) == []
    assert database.ask(lambda queries: queries.log(ONE, limit=9)).rows == []
    assert [row["id"] for row in database.ask(lambda queries: queries.keys()).rows] == [f"k-{OTHER}"]
    summary = summarize([DeleteVehicle(ONE)], [done])
    assert summary.registrations_changed and [one.vehicle for one in summary.owners_removed] == [ONE]
    assert len(summary.keys) == len(summary.treatments) == 1

    database.write(*several(ONE, range(2)))  # before its old ring is empty
    settle(database)
    assert database.ring(ONE) == [f"{ONE}0", f"{ONE}1"] and len(database.ring(OTHER)) == 5
    assert database.write(DeleteVehicle("NEVER")) == [False]
    assert database.store.find_damage() == []


def test_statuses_of_a_merged_vehicle_arrive_by_the_rules_of_the_other_ring(database: AnyDatabase) -> None:
    database.write(*several(ONE, range(0, 12, 2)), *several(OTHER, range(1, 13, 2)))
    (done,) = database.write(MergeVehicle(ONE, OTHER, NOW))
    assert isinstance(done, Implied)
    settle(database)
    kept = [(ONE if at % 2 == 0 else OTHER) + str(at) for at in range(2, 12)]
    assert database.ring(OTHER) == kept, "the newest ten of both"
    assert database.ring(ONE) == [] and database.last(OTHER) == f"{OTHER}11"


def test_what_was_read_before_a_merge_and_is_written_after_it_is_the_other_vehicle_s(database: AnyDatabase) -> None:
    """Also where it comes in the same group; nobody would look for it under the old id."""
    database.write(*several(ONE, range(3)), *several(OTHER, range(3, 5)))
    late, again = several(ONE, range(5, 6)), several(ONE, range(2, 3))
    frame = Frame(ONE, NOW, 1, NOW)
    results = database.write(MergeVehicle(ONE, OTHER, NOW), *late, *again, frame)
    assert [one.verdict.value for one in results[1:3]] == ["newest", "late"]
    database.write(*several(ONE, range(6, 7)))
    settle(database)
    assert database.ring(OTHER) == [f"{ONE}0", f"{ONE}1", f"{ONE}2", f"{OTHER}3", f"{OTHER}4", f"{ONE}5", f"{ONE}6"]
    assert database.last(OTHER) == f"{ONE}6" and database.ask(lambda queries: queries.vehicle(ONE)) is None


def test_what_the_network_said_of_a_status_moves_with_it_though_the_status_came_again(database: AnyDatabase) -> None:
    said = Annotate(ONE, NOW + 1000, 1, None, "advanced", b'{"lqi":"GOOD"}', "48.1,17.1", NOW)
    database.write(*several(ONE, range(3)), said, *several(OTHER, range(3, 5)), MergeVehicle(ONE, OTHER, NOW))
    database.write(arrival(OTHER, time=NOW + 1000, seq=1, status_id=f"{ONE}1"))
    settle(database)
    (annotated,) = [one for one in database.kept(OTHER) if one.radio]
    assert annotated.status_id == f"{ONE}1" and b"48.1,17.1" in annotated.fields


def test_a_merge_needs_no_room_for_owners(database: AnyDatabase) -> None:
    """Their bound may have been lowered since they came."""
    users = ("anna", "ben", "carl")
    database.write(*several(ONE, range(1)), *several(OTHER, range(1)), *(AddOwner(uid, ONE, NOW) for uid in users))
    database.limit(owners=2)
    (done,) = database.write(MergeVehicle(ONE, OTHER, NOW))
    assert isinstance(done, Implied) and owners(database) == [(uid, OTHER) for uid in users]


def test_a_redelivery_after_a_merge_changes_nothing_even_before_the_status_has_moved(database: AnyDatabase) -> None:
    database.write(*several(ONE, range(3)), *several(OTHER, range(3, 5)))
    database.write(MergeVehicle(ONE, OTHER, NOW))
    database.write(arrival(OTHER, time=NOW + 1000, seq=1, status_id=f"{ONE}1"))
    settle(database)
    assert database.ring(OTHER) == [f"{ONE}0", f"{ONE}1", f"{ONE}2", f"{OTHER}3", f"{OTHER}4"]


def test_what_belongs_to_a_merged_vehicle_moves(database: AnyDatabase) -> None:
    database.write(*several(ONE, range(1)), *several(OTHER, range(1)), *belongings(ONE), AddOwner("ben", OTHER, NOW))
    (done,) = database.write(MergeVehicle(ONE, OTHER, NOW))
    assert owners(database) == [("anna", OTHER), ("ben", OTHER)]
    phones = database.ask(lambda queries: queries.registrations(kinds=["token"], limit=9)).rows
    assert [(row["vehicle"], row["token"]) for row in phones] == [(OTHER, f"t-{ONE}")]
    assert database.ask(lambda queries: queries.tags_of(OTHER)) == ["fleet"]
    assert [row["vehicle"] for row in database.ask(lambda queries: queries.keys()).rows] == [OTHER]
    assert len(database.ask(lambda queries: queries.log(OTHER, limit=9)).rows) == 1
    summary = summarize([MergeVehicle(ONE, OTHER, NOW)], [done])
    assert {(one.uid, one.vehicle) for one in summary.owners_removed} == {("anna", ONE)}
    assert [key.vehicle for key in summary.keys if isinstance(key, AddKey)] == [OTHER]
    database.open()
    assert database.store.aliases() == [(ONE, OTHER)]


@pytest.mark.parametrize(
    ("one", "other", "left"),
    [("viewers", None, "viewers"), ("viewers", "everyone", "everyone"), (None, "nobody", "nobody"), (None, None, None)],
)
def test_whose_places_are_coarse_stays_so_with_a_merge(
    database: AnyDatabase, one: CoarseFor | None, other: CoarseFor | None, left: CoarseFor | None
) -> None:
    places = PlacePrivacy()
    said = [SetProfile(ONE, Profile(coarseLocation=one)), SetProfile(OTHER, Profile(name="x", coarseLocation=other))]
    for operation in (*several(ONE, range(1)), *several(OTHER, range(1)), *said, MergeVehicle(ONE, OTHER, NOW)):
        places.committed(summarize([operation], database.write(operation)))
    assert database.ask(lambda queries: queries.profile(OTHER))["coarseLocation"] == left
    assert (places.of(ONE), places.of(OTHER)) == ("nobody", left or "nobody")
    database.open()
    assert database.store.coarse_locations() == ([(OTHER, left)] if left else [])
    places.committed(summarize([DeleteVehicle(OTHER)], database.write(DeleteVehicle(OTHER))))
    assert places.of(OTHER) == "nobody"


def test_a_merge_revives_no_revoked_key(database: AnyDatabase) -> None:
    database.write(*several(ONE, range(1)), *several(OTHER, range(1)))
    database.write(AddKey("good", "device", b"g", "", ONE, NOW), AddKey("gone", "device", b"d", "", ONE, NOW))
    database.write(RevokeKey("gone", NOW))
    (done,) = database.write(MergeVehicle(ONE, OTHER, NOW))
    summary = summarize([MergeVehicle(ONE, OTHER, NOW)], [done])
    assert [key.key_id for key in summary.keys] == ["good"]


@pytest.mark.parametrize("change", [MergeVehicle(ONE, OTHER, NOW), DeleteVehicle(ONE)])
def test_a_token_in_memory_is_good_for_what_it_is_good_for_after_a_start(database: AnyDatabase, change: Any) -> None:
    text, token_id, digest = new_token()
    vehicles, scopes = frozenset({ONE, "EF"}), frozenset({"ingest", "read"})
    database.write(*several(ONE, range(1)), *several(OTHER, range(1)))
    database.write(*(AddOwner("anna", vehicle, NOW) for vehicle in vehicles))
    database.write(AddToken(token_id, digest, "anna", "", scopes, vehicles, frozenset(), NOW, None))

    def held() -> tuple[Identities, AccessToken]:
        store, life = database.store, SessionLife(1, 1)
        found = Identities(store.living_sessions(), store.living_tokens(), life, clock=lambda: NOW, submit=print)
        return found, found.token_of(text)

    identities, _ = held()
    identities.committed(summarize([change], database.write(change)))
    after = identities.token_of(text)
    assert after == held()[1]._replace(used=after.used)
    assert (OTHER in after.posts_for) is isinstance(change, MergeVehicle) and ONE not in after.posts_for


def test_a_merge_follows_an_earlier_one_and_needs_two_known_vehicles(database: AnyDatabase) -> None:
    database.write(*(one for vehicle in (ONE, OTHER, "EF") for one in several(vehicle, range(1))))
    database.write(MergeVehicle(ONE, OTHER, NOW), MergeVehicle(OTHER, "EF", NOW))
    settle(database)
    assert sorted(database.ring("EF")) == sorted([f"{ONE}0", f"{OTHER}0", "EF0"])
    refused = database.write(
        MergeVehicle("EF", "EF", NOW), MergeVehicle("EF", "NEVER", NOW), MergeVehicle("X", "EF", 0)
    )
    assert {type(one) for one in refused} == {UnknownVehicle}
    database.open()
    assert database.store.aliases() == [(ONE, "EF"), (OTHER, "EF")]


def test_an_ignored_vehicle_is_counted_and_outlives_a_start(database: AnyDatabase) -> None:
    on, off = IgnoreVehicle(ONE, True, NOW), IgnoreVehicle(ONE, False, NOW)
    assert database.write(on, on, CountIgnored(ONE), CountIgnored(ONE)) == [True, False, None, None]
    (row,) = database.ask(lambda queries: queries.ignored()).rows
    assert (row["vehicle"], row["callbacks"]) == (ONE, 2)
    database.open()
    assert database.store.ignored_vehicles() == [ONE]
    assert database.write(off, off) == [True, False]


def test_a_forgotten_user_leaves_nothing(database: AnyDatabase) -> None:
    token = AddToken("t1", b"d", "anna", "", frozenset({"read"}), None, frozenset(), NOW, None)
    preferences = SetPreferences("anna", b"{}", NOW)
    database.write(*several(ONE, range(1)), *belongings(ONE), *belongings(OTHER, "ben"), token, preferences)
    (done,) = database.write(ForgetUser("anna"))
    assert isinstance(done, Implied)
    assert done.counts == {"owners": 1, "registrations": 1, "preferences": 1, "access_tokens": 1}
    assert owners(database) == [("ben", OTHER)] and database.ring(ONE) == [f"{ONE}0"]
    summary = summarize([ForgetUser("anna")], [done])
    assert summary.registrations_changed and len(summary.identities) == 2
    assert database.write(ForgetUser("anna")) == [False]


@pytest.mark.parametrize("count", [4, 14, 90])
def test_what_is_forgotten_is_nowhere_in_the_file(database: AnyDatabase, count: int) -> None:
    """Nor in a page that was split while it was written, or in the table's root."""
    secret = b'{"note":"wanders-to-the-lake"}'
    for number in range(count):
        database.write(*several(ONE, range(number, number + 1), document=secret))
        database.write(*several(OTHER, range(number, number + 1)))
    database.write(SetVehicle(ONE, NOW, name="Anna-of-the-lake"), DeleteVehicle(ONE))
    settle(database)
    path = database.store.path  # type: ignore[attr-defined]
    database.close()
    held = path.read_bytes()
    assert b"to-the-lake" not in held and b"of-the-lake" not in held
