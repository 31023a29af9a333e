"""The small tables: each has a bound, says which setting it is, and follows what memory believes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, ROOMY, arrival, rows

from evd.errors import StoreFull
from evd.store import (
    AddKey,
    AddOwner,
    Arrive,
    LimitReached,
    PushFailed,
    PushLater,
    PushSent,
    Register,
    Reject,
    RemoveOwner,
    RevokeKey,
    SetVehicle,
    Unregister,
)
from evd.store import registry as registry_module
from evd.store.registry import Registered
from evd.store.sqlite import SqliteStore

Opener = Callable[..., SqliteStore]


def render(message: Arrive, phone: Registered) -> str:
    return f"{message.status_id} for {phone.spelling}"


def register(token: str, vehicle: str = "386625", *, at: int = NOW, spelling: str = "", uid: str = "anna") -> Register:
    return Register(vehicle, spelling or vehicle, token, uid, at)


def key(key_id: str, *, digest: bytes = bytes(32)) -> AddKey:
    return AddKey(key_id, "device", digest, "", None, NOW)


def reject(body: bytes, *, route: str = "POST /wlan", at: int = NOW) -> Reject:
    return Reject(at, route, "Body parsing error", "why", b'{"user-agent":"SIGFOX"}', body)


# Rejected requests


def test_the_same_refusal_is_kept_once_and_counted(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([reject(b"a"), reject(b"b"), reject(b"a", at=NOW + 1)])
    store.write([reject(b"a", at=NOW + 2), reject(b"a", route="POST /sigfox/uplink")])
    assert rows(database, "SELECT route, body, times, received FROM rejected ORDER BY number") == [
        ("POST /wlan", b"a", 3, NOW + 2),
        ("POST /wlan", b"b", 1, NOW),
        ("POST /sigfox/uplink", b"a", 1, NOW),
    ]


def test_refusals_are_bounded_and_the_oldest_go_first(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(rejected=3))
    store.write([reject(bytes([i])) for i in range(10)])
    assert [body for (body,) in rows(database, "SELECT body FROM rejected ORDER BY number")] == [
        b"\7",
        b"\x08",
        b"\x09",
    ]


# Keys


def test_keys_are_kept_once_and_revoked_once(open_store: Opener) -> None:
    store = open_store()
    assert store.write([key("a", digest=b"1" * 32), key("a", digest=b"2" * 32), key("b")]) == [True, False, True]
    assert store.write([RevokeKey("b", NOW), RevokeKey("b", NOW), RevokeKey("c", NOW)]) == [True, False, False]
    assert store.living_keys() == [("a", "device", b"1" * 32, None)]
    assert store.write([key("b")]) == [False], "a revoked key does not come back to life"


def test_keys_are_bounded_and_revoking_makes_room(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "KEYS_MAX", 2)
    store = open_store()
    full = store.write([key("a"), key("b"), key("c")])[2]
    assert isinstance(full, LimitReached)
    assert str(full) == "there are 2 keys: revoke some"
    assert store.write([RevokeKey("a", NOW), key("c")]) == [True, True]
    assert {key_id for key_id, *_ in store.living_keys()} == {"b", "c"}


# Owners


def test_a_vehicle_may_have_several_owners_and_a_user_several_vehicles(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([AddOwner(uid, vehicle, NOW) for uid in ("anna", "ben") for vehicle in ("A", "B", "A")])
    assert rows(database, "SELECT uid, vehicle FROM owners ORDER BY uid, vehicle") == [
        ("anna", "A"),
        ("anna", "B"),
        ("ben", "A"),
        ("ben", "B"),
    ]
    assert store.write([RemoveOwner("anna", "A"), RemoveOwner("anna", "A"), RemoveOwner("x", "A")]) == [
        True,
        False,
        False,
    ]


def test_owners_are_bounded(open_store: Opener) -> None:
    store = open_store(limits=ROOMY._replace(owners=1))
    assert "raise app.owners_max" in str(store.write([AddOwner("anna", "A", 1), AddOwner("ben", "A", 1)])[1])


def test_who_owns_a_vehicle_no_more_hears_of_it_no_more(open_store: Opener) -> None:
    store = open_store(render=render)
    store.write([AddOwner("anna", "A", NOW), register("annas", "A"), register("bens", "A", uid="ben")])
    assert store.write([arrival("A")])[0].pushes == 2
    store.write([RemoveOwner("anna", "A")])
    assert store.write([arrival("A", time=NOW + 1)])[0].pushes == 1


# Vehicles' settings


def test_a_setting_that_is_not_given_stays(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write(
        [
            SetVehicle("A", NOW, keep=5, name="Anna's"),
            SetVehicle("A", NOW, format="ev"),
            SetVehicle("A", NOW, keep=None),
        ]
    )
    assert rows(database, "SELECT vehicle, keep, format, name, created FROM vehicles") == [
        ("A", None, "ev", "Anna's", NOW)
    ]
    assert store.own_formats() == [("A", "ev")]


# Registrations and the outbox


def pending(store: SqliteStore, now: int = NOW) -> list[Any]:
    return store.pending_pushes(now, 100)[0]


def test_each_registered_phone_gets_a_push_in_its_own_spelling(open_store: Opener) -> None:
    store = open_store(render=render, give_up_after_s=60)
    one = arrival()
    store.write([register("t1", spelling="00386625"), register("t2"), register("t3", "other"), one])
    assert [(push.vehicle, push.token, push.serialized) for push in pending(store)] == [
        ("386625", "t1", f"{one.status_id} for 00386625"),
        ("386625", "t2", f"{one.status_id} for 386625"),
    ]
    first = pending(store)[0]
    assert (first.status_id, first.created, first.expires, first.attempts) == (one.status_id, NOW, NOW + 60_000, 0)


def test_only_a_new_newest_status_is_pushed(open_store: Opener) -> None:
    store = open_store(render=render)
    store.write([register("t1"), arrival(), arrival(), arrival(time=NOW - 1), arrival(time=NOW + 10**9)])
    assert len(pending(store)) == 1


def test_without_a_renderer_nothing_is_queued(open_store: Opener) -> None:
    store = open_store()
    store.write([register("t1"), arrival()])
    assert pending(store) == []


def test_registering_again_renews(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([register("t", at=1), register("t", at=2, spelling="00386625", uid="ben")])
    assert rows(database, "SELECT token, spelling, uid, created, renewed FROM registrations") == [
        ("t", "00386625", "ben", 1, 2)
    ]


def test_a_vehicles_phones_are_bounded_and_the_one_longest_not_renewed_goes(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(registrations_per_vehicle=2))
    store.write([register("a", at=1), register("b", at=2), register("a", at=3), register("c", at=4)])
    assert {token for (token,) in rows(database, "SELECT token FROM registrations")} == {"a", "c"}


def test_all_phones_are_bounded_but_a_known_one_may_renew(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(registrations=2))
    results = store.write(
        [register("a"), register("b", "other"), register("c"), register("d", "third"), register("a", at=NOW + 1)]
    )
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, LimitReached, type(None)]
    assert "raise app.registrations_max" in str(results[2])
    assert store.write([Unregister("386625", "a"), register("c")]) == [True, None]
    assert rows(database, "SELECT token FROM registrations ORDER BY token") == [("b",), ("c",)]


def test_unregistering(open_store: Opener) -> None:
    store = open_store(render=render)
    assert store.write([register("t"), Unregister("386625", "t"), Unregister("386625", "t"), Unregister("x", "t")]) == [
        None,
        True,
        False,
        False,
    ]
    assert store.write([arrival()])[0].pushes == 0


def test_phones_and_pushes_survive_a_restart(open_store: Opener) -> None:
    store = open_store(render=render)
    store.write([register("t"), arrival()])
    before = pending(store)
    store.close()
    store = open_store(render=render)
    assert pending(store) == before
    store.write([PushSent(before[0].number, "m", NOW), arrival(time=NOW + 1)])
    assert [push.number for push in pending(store)] == [before[0].number + 1]
    store.write([PushSent(before[0].number + 1, "m", NOW)])
    store.close()
    store = open_store(render=render)
    store.write([arrival(time=NOW + 2)])
    assert [push.number for push in pending(store)] == [before[0].number + 2], "numbers never come twice"


def test_what_becomes_of_a_push(open_store: Opener, database: Path) -> None:
    store = open_store(render=render)
    store.write([register(f"token-number-{i}") for i in range(3)] + [arrival()])
    sent, later, failed = (push.number for push in pending(store))
    store.write(
        [
            PushSent(sent, "projects/x/messages/1", NOW),
            PushLater(later, "503", NOW + 500),
            PushFailed(failed, "no", NOW),
        ]
    )
    assert store.pending_pushes(NOW, 10) == ([], NOW + 500)
    (push,), nothing_later = store.pending_pushes(NOW + 500, 10)
    assert (push.number, push.attempts, nothing_later) == (later, 1, None)
    assert rows(database, "SELECT token, state, attempts, outcome FROM pushes") == [
        ("token-nu…", "waiting", 1, "503"),
        ("token-nu…", "finished", None, "projects/x/messages/1"),
        ("token-nu…", "finished", None, "no"),
    ], "a token is never shown whole"
    store.write([PushSent(sent, "again", NOW), PushFailed(sent, "again", NOW, drop=True), PushLater(sent, "again", 1)])
    assert rows(database, "SELECT count(*) FROM pushed") == [(2,)], "an answer that comes twice changes nothing"


@pytest.mark.parametrize(("renewed", "stays"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
def test_a_dead_token_is_dropped_unless_it_was_renewed_since(open_store: Opener, renewed: int, stays: bool) -> None:
    store = open_store(render=render)
    store.write([register("t", at=NOW - 1), arrival()])
    store.write([register("t", at=renewed)])
    store.write([PushFailed(pending(store)[0].number, "UNREGISTERED", NOW, drop=True)])
    assert store.write([arrival(time=NOW + 1)])[0].pushes == stays


def test_pushes_due_are_given_in_the_order_they_wait(open_store: Opener) -> None:
    store = open_store(render=render)
    store.write([register("t"), *(arrival(time=NOW + i, now=NOW + i) for i in range(5))])
    pushes, later = store.pending_pushes(NOW + 2, 2)
    assert [push.created for push in pushes] == [NOW, NOW + 1]
    assert later == NOW + 3


def test_the_outbox_is_bounded_and_the_oldest_push_makes_room(open_store: Opener, database: Path) -> None:
    store = open_store(render=render, limits=ROOMY._replace(outbox=3))
    store.write([register("t"), *(arrival(time=NOW + i) for i in range(10))])
    assert [push.status_id for push in pending(store)] == [arrival(time=NOW + i).status_id for i in (7, 8, 9)]


def test_finished_pushes_are_bounded(open_store: Opener, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "PUSHED_ROWS_MAX", 3)
    store = open_store(render=render)
    store.write([register("t"), *(arrival(time=NOW + i) for i in range(10))])
    store.write([PushSent(push.number, "m", NOW) for push in pending(store)])
    assert rows(database, "SELECT count(*) FROM pushed") == [(3,)]


def test_what_was_rolled_back_is_not_remembered(open_store: Opener, database: Path) -> None:
    store = open_store(render=render, capacity=1000)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreFull):
        store.write(
            [
                register("t"),
                AddOwner("anna", "A", NOW),
                *(arrival(time=NOW + i, document=b"x" * 4000) for i in range(9)),
            ]
        )
    store._db.execute("PRAGMA max_page_count = 100000")
    assert store.write([arrival()])[0].pushes == 0
    assert rows(database, "SELECT (SELECT count(*) FROM registrations), (SELECT count(*) FROM owners)") == [(0, 0)]
    assert pending(store) == []


def test_a_phone_is_one_users_at_a_time(open_store: Opener, database: Path) -> None:
    """Who signs in on a phone must not be shown the vehicles of the one before him (reliability S2)."""
    store = open_store(render=render)
    store.write([register("t", "A", uid="anna"), register("u", "A", uid="anna"), register("t", "B", uid="ben")])
    assert rows(database, "SELECT vehicle, token, uid FROM registrations ORDER BY 1, 2") == [
        ("A", "u", "anna"),
        ("B", "t", "ben"),
    ]
    assert [result.pushes for result in store.write([arrival("A"), arrival("B")])] == [1, 1]
    assert rows(database, "SELECT vehicle, token FROM outbox ORDER BY 1") == [("A", "u"), ("B", "t")]


def test_what_waits_for_a_phone_goes_with_its_registration(open_store: Opener, database: Path) -> None:
    """A former owner, or a phone that said no, must not get what was not sent yet."""
    store = open_store(render=render)
    store.write([AddOwner("anna", "A", NOW), register("t", "A"), register("u", "A", uid="ben"), arrival("A")])
    assert rows(database, "SELECT token FROM outbox ORDER BY 1") == [("t",), ("u",)]
    store.write([RemoveOwner("anna", "A")])
    assert rows(database, "SELECT token FROM outbox") == [("u",)]
    store.write([Unregister("A", "u")])
    assert rows(database, "SELECT token FROM outbox") == []
