"""The small tables: each has a bound, says which setting it is, and follows what memory believes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, ROOMY, arrival, rows

from evd.clock import now_ms
from evd.errors import StoreFull
from evd.model.operations import (
    AddKey,
    AddOwner,
    LimitReached,
    Outcome,
    Outcomes,
    Register,
    Reject,
    RemoveOwner,
    RevokeKey,
)
from evd.model.units import DAY_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables import access

Opener = Callable[..., SqliteDatabase]


def key(key_id: str, *, digest: bytes = bytes(32)) -> AddKey:
    return AddKey(key_id, "device", digest, "", None, NOW)


def reject(body: bytes, *, route: str = "POST /wlan", at: int = NOW) -> Reject:
    return Reject(at, route, "Body parsing error", "why", b'{"user-agent":"SIGFOX"}', body)


# Keys


@pytest.mark.parametrize(
    ("wanted", "result", "stands"),
    [
        (AddKey("a", "app", b"1" * 32, "", None, NOW), "device,app", ("device,app",)),
        (AddKey("a", "device", b"1" * 32, "", None, NOW), False, ("device",)),
        (AddKey("a", "app", b"2" * 32, "", None, NOW), False, ("device",)),
        (AddKey("a", "device", b"1" * 32, "", "386625", NOW), False, ("device",)),
    ],
    ids=["one role more", "no role more", "another secret of this id", "bound to a vehicle"],
)
def test_the_same_secret_again_gains_the_roles_that_it_lacks(
    open_store: Opener, database: Path, wanted: AddKey, result: object, stands: tuple[str]
) -> None:
    store = open_store()
    assert store.write([key("a", digest=b"1" * 32), wanted]) == [True, result]
    assert rows(database, "SELECT role FROM keys") == [stands]
    store.write([RevokeKey("a", NOW)])
    assert store.write([AddKey("a", "app", b"1" * 32, "", None, NOW)]) == [False], "a revoked one gains nothing"


def test_keys_are_bounded_and_revoking_makes_room(open_store: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "KEYS_MAX", 2)
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


# What became of pushes


def outcome(number: int, verdict: Any, said: str, **more: Any) -> Outcome:
    told: dict[str, Any] = {"what": "state", "status_id": "aa", "committed": NOW, "sent": NOW + 5, "at": NOW + 9}
    return Outcome(number, 0, "386625", f"token-number-{number}", "token", verdict=verdict, said=said, **told | more)


def test_what_becomes_of_a_push(open_store: Opener, database: Path) -> None:
    store = open_store(give_up_after_s=10**9, stale_after_days=36_500)
    store.write([Register("386625", "386625", f"token-number-{number}", "anna", NOW) for number in (1, 2, 3)])
    store.write([arrival()])
    id_ = arrival().status_id
    store.write(
        [
            Outcomes(
                (
                    outcome(1, "taken", "projects/x/messages/1", status_id=id_),
                    outcome(2, "later", "503", status_id=id_, due=NOW + 500, attempts=1),
                    outcome(3, "failed", "no", status_id=id_),
                )
            )
        ]
    )
    assert rows(database, "SELECT token, state, attempts, outcome FROM pushes ORDER BY outcome") == [
        ("token-nu…", "waiting", 1, "503"),
        ("token-nu…", "given up", None, "no"),
        ("token-nu…", "taken", None, "projects/x/messages/1"),
    ], "a token is never shown whole"
    pending = store.due_pushes(["token"])
    assert [phone.number for phone in pending.registrations_due(NOW + 499, 10)] == []
    assert [phone.number for phone in pending.registrations_due(NOW + 500, 10)] == [2]
    assert pending.next_due(NOW) == NOW + 500


def test_the_view_of_pushes_distinguishes_a_stale_phone_from_one_that_waits(open_store: Opener, database: Path) -> None:
    now = now_ms()
    store = open_store(stale_after_days=30)
    for token, kind, days in (("seen", "token", 29), ("unseen", "token", 31), ("https://h/", "webhook", 31)):
        store.write([Register("386625", "386625", token, "anna", now - days * DAY_MS, kind)])
    store.write([arrival(time=now, now=now)])
    assert rows(database, "SELECT token, state FROM pushes ORDER BY token") == [
        ("https://…", "waiting"),
        ("seen…", "waiting"),
        ("unseen…", "stale"),
    ]


def test_finished_pushes_are_bounded_and_the_newest_stay(open_store: Opener, database: Path) -> None:
    store = open_store(limits=ROOMY._replace(pushed=3))
    store.write([Outcomes(tuple(outcome(1, "taken", f"message {number}") for number in range(10)))])
    store.close()
    store = open_store(limits=ROOMY._replace(pushed=3))
    store.write([Outcomes((outcome(1, "taken", "after a restart"),))])
    assert rows(database, "SELECT outcome FROM pushed ORDER BY number") == [
        ("message 8",),
        ("message 9",),
        ("after a restart",),
    ]


def test_what_was_rolled_back_is_not_remembered(open_store: Opener, database: Path) -> None:
    store = open_store(capacity=1000, limits=ROOMY._replace(registrations=1))
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreFull):
        store.write(
            [
                Register("386625", "386625", "t", "anna", NOW),
                AddOwner("anna", "A", NOW),
                *(arrival(time=NOW + i, document=b"x" * 4000) for i in range(9)),
            ]
        )
    store._db.execute("PRAGMA max_page_count = 100000")
    assert rows(database, "SELECT (SELECT count(*) FROM registrations), (SELECT count(*) FROM owners)") == [(0, 0)]
    assert store.write([Register("386625", "386625", "u", "anna", NOW)]) == [None], "there is room for one again"
