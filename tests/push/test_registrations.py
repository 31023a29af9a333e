"""Registrations as they are kept: whose a phone is, how many there may be, and when one goes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from builders import NOW, ROOMY, arrival, new_store, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_registrations import HOOK, registered, tokens

from evd.config.settings import Config
from evd.model.operations import (
    ORIGINAL,
    AddOwner,
    ForgetUnseen,
    LimitReached,
    NewEvent,
    Outcome,
    Outcomes,
    RecordEvents,
    Register,
    RemoveOwner,
    Renew,
    Unregister,
)
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.composer import Composer
from evd.push.delivery import Delivery
from evd.push.presence import RecentUsers
from evd.push.providers.fcm.message import encode
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables.registrations import RENEWED_AGAIN_MS

Opener = Callable[..., SqliteDatabase]


VEHICLE = "386625"
KINDS = ("token", "fid", "webhook")


@pytest.fixture
def open_store(database: Path) -> Iterator[Opener]:
    stores: list[SqliteDatabase] = []

    def opened(**limits: int) -> SqliteDatabase:
        stores.append(new_store(database, capacity=10, limits=ROOMY._replace(**limits)))
        return stores[-1]

    yield opened
    for store in stores:
        store.close()


def phone(
    token: str = "t", vehicle: str = VEHICLE, *, uid: str = "anna", at: int = NOW, kind: str = "token"
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


def hook(url: str = HOOK, vehicle: str = VEHICLE, *, at: int = NOW) -> Register:
    return phone(url, vehicle, uid="webhook", at=at, kind="webhook")


def happened(vehicle: str = VEHICLE, *, time: int = NOW) -> RecordEvents:
    return RecordEvents(vehicle, b"{}", (NewEvent("charge_reached", time, "", b"{}"),), time)


def answer(
    verdict: Literal["taken", "failed", "drop", "later"],
    token: str = "t",
    *,
    registration: int = 1,
    outbox: int = 0,
    sent: int = NOW,
    kind: str = "token",
    status: str = "s1",
) -> Outcomes:
    what = "charge_reached" if outbox else "state"
    one = Outcome(registration, outbox, VEHICLE, token, kind, what, status, verdict, "said", NOW, sent, sent + 50)
    return Outcomes((one,))


def waiting(database: Path) -> list[tuple[str, str]]:
    """(vehicle, token) of the events not sent yet."""
    return rows(
        database,
        "SELECT r.vehicle, r.token FROM outbox JOIN registrations AS r ON r.number = registration ORDER BY 1, 2",
    )


# Renewal


def test_registering_again_renews_and_keeps_how_far_deliveries_are(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([phone(at=NOW), answer("taken", status="s1"), happened()])
    store.write([Register(VEHICLE, "00386625", "t", "anna", NOW + DAY_MS)])
    assert rows(database, "SELECT number, spelling, created, renewed FROM registrations") == [
        (1, "00386625", NOW, NOW + DAY_MS)
    ]
    assert rows(database, "SELECT given FROM deliveries") == [("s1",)]
    assert len(waiting(database)) == 1


def test_a_clock_that_was_set_back_does_not_keep_a_phone_from_renewing(open_store: Opener, database: Path) -> None:
    open_store().write([phone(at=NOW), phone(at=NOW - DAY_MS)])
    assert rows(database, "SELECT renewed FROM registrations") == [(NOW - DAY_MS,)]


def test_who_registers_is_not_given_what_the_vehicle_said_before(open_store: Opener, database: Path) -> None:
    status = arrival()
    open_store().write([status, happened(), phone()])
    assert rows(database, "SELECT given FROM deliveries") == [(status.status_id,)]
    assert waiting(database) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NOW - DAY_MS, NOW),
        (NOW - DAY_MS + 1, NOW - DAY_MS + 1),
        (NOW - 300 * DAY_MS, NOW),
        (NOW + 730 * DAY_MS, NOW),  # a clock that was years ahead is right again
    ],
)
def test_a_users_requests_renew_their_phones_once_a_day(
    open_store: Opener, database: Path, before: int, after: int
) -> None:
    store = open_store()
    store.write([phone(at=before), phone("t", "B", at=NOW - 1), phone("u", uid="ben", at=1), hook(at=1)])
    assert store.write([Renew("anna", NOW)]) == [[VEHICLE] if after == NOW else []]
    kept = rows(database, "SELECT token, vehicle, renewed FROM registrations ORDER BY number")
    assert kept == [("t", VEHICLE, after), ("t", "B", NOW - 1), ("u", VEHICLE, 1), (HOOK, VEHICLE, 1)]


def test_what_a_user_asks_for_within_a_day_is_no_news() -> None:
    presence = RecentUsers()
    asked = [("anna", 0), ("anna", DAY_MS - 1), ("ben", 1), ("anna", DAY_MS), ("anna", 0)]
    assert [presence.is_news(uid, NOW + at) for uid, at in asked] == [True, False, True, True, True]


def test_of_many_users_the_one_noted_first_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evd.push.presence.USERS_MAX", 2)
    presence = RecentUsers()
    assert [presence.is_news(uid, NOW) for uid in "abcba"] == [True, True, True, False, True]


# One user at a time


def test_a_phone_that_moves_to_another_user_hears_no_more_of_the_first_ones_vehicles(
    open_store: Opener, database: Path
) -> None:
    store = open_store()
    store.write([phone("t", "A"), phone("t", "B"), phone("u", "A"), phone("t", "C", uid="ben")])
    assert registered(database) == [("A", "u", "anna"), ("C", "t", "ben")]
    assert rows(database, "SELECT count(*) FROM deliveries") == [(2,)]


def test_what_was_not_sent_yet_goes_with_the_phones_former_user(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([phone("t", "A"), phone("u", "A"), happened("A")])
    assert waiting(database) == [("A", "t"), ("A", "u")]
    store.write([phone("t", "A", uid="ben")])
    assert waiting(database) == [("A", "u")]
    assert registered(database) == [("A", "t", "ben"), ("A", "u", "anna")]


def test_two_users_of_one_vehicle_have_a_phone_each(open_store: Opener, database: Path) -> None:
    open_store().write([phone("t"), phone("u", uid="ben"), phone("t", at=NOW + 1)])
    assert registered(database) == [(VEHICLE, "t", "anna"), (VEHICLE, "u", "ben")]


def test_a_former_owners_phones_hear_no_more_of_the_vehicle(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write(
        [AddOwner("anna", "A", NOW), phone("t", "A"), phone("t", "B"), phone("u", "A", uid="ben"), happened("A")]
    )
    store.write([RemoveOwner("anna", "A")])
    assert registered(database) == [("A", "u", "ben"), ("B", "t", "anna")]
    assert waiting(database) == [("A", "u")]


def test_an_address_is_no_phone_and_belongs_to_no_user(open_store: Opener, database: Path) -> None:
    """The same address may be told of many vehicles, whatever word stands for its user."""
    open_store().write([hook(vehicle="A"), phone(HOOK, "B", uid="another word", kind="webhook")])
    assert len(registered(database)) == 2


@settings(max_examples=30)
@given(st.lists(st.tuples(*(st.sampled_from(["a", "b", "c"]),) * 3), max_size=25))
def test_a_phone_has_one_user_whatever_was_registered(wishes: list[tuple[str, str, str]]) -> None:
    """And whoever came last hears of all he asked for since the phone is his."""
    with tempfile.TemporaryDirectory() as folder:
        store = new_store(Path(folder) / "evd.db", capacity=10, limits=ROOMY)
        store.write([phone(token, vehicle, uid=uid) for token, vehicle, uid in wishes])
        expected: dict[str, tuple[str, set[str]]] = {}
        for token, vehicle, uid in wishes:
            vehicles = expected[token][1] if token in expected and expected[token][0] == uid else set()
            expected[token] = uid, vehicles | {vehicle}
        assert registered(Path(folder) / "evd.db") == sorted(
            (vehicle, token, uid) for token, (uid, vehicles) in expected.items() for vehicle in vehicles
        )
        store.close()


# Caps


def test_a_vehicles_phones_are_bounded_and_the_one_longest_not_renewed_goes(open_store: Opener, database: Path) -> None:
    store = open_store(registrations_per_vehicle=2)
    store.write([phone("a", at=1), phone("b", at=2), phone("a", at=3), happened(), phone("c", at=4)])
    assert tokens(database) == {"a", "c"}
    assert waiting(database) == [(VEHICLE, "a")]


def test_a_users_phones_are_bounded_over_all_their_vehicles(open_store: Opener, database: Path) -> None:
    store = open_store(registrations_per_user=2)
    store.write([phone("a", "A", at=1), phone("a", "B", at=2), phone("b", "A", uid="ben", at=1), phone("c", "A", at=3)])
    assert tokens(database) == {"a", "b", "c"}
    store.write([phone("d", "C", at=4)])
    assert registered(database) == [("A", "b", "ben"), ("A", "c", "anna"), ("C", "d", "anna")]


def test_one_phone_may_hear_of_more_vehicles_than_a_user_may_have_phones(open_store: Opener, database: Path) -> None:
    open_store(registrations_per_user=2).write([phone("a", vehicle, at=1) for vehicle in "ABCD"])
    assert len(registered(database)) == 4


@pytest.mark.parametrize("limit", ["registrations_per_vehicle", "registrations_per_user"])
def test_an_imported_phone_displaces_none_and_is_refused_instead(
    open_store: Opener, database: Path, limit: str
) -> None:
    """It would be one of those that were imported before it."""
    store = open_store(**{limit: 2})
    given = [msgspec.structs.replace(phone(token), displaces=False) for token in "abcb"]
    results = store.write(given)
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, type(None)]
    assert f"raise app.{limit} to take in more" in str(results[2])
    assert tokens(database) == {"a", "b"}


@pytest.mark.parametrize("limit", ["registrations_per_vehicle", "registrations_per_user"])
def test_a_new_phone_is_never_the_one_that_makes_room(open_store: Opener, database: Path, limit: str) -> None:
    """The clock was set back since the others were registered."""
    open_store(**{limit: 2}).write([phone("a", at=NOW), phone("b", at=NOW + 1), phone("c", at=NOW - DAY_MS)])
    assert tokens(database) == {"b", "c"}


def test_all_phones_are_bounded_but_a_known_one_may_renew(open_store: Opener, database: Path) -> None:
    store = open_store(registrations=2)
    results = store.write([phone("a"), phone("b", "B"), phone("c"), hook(), phone("a", at=NOW + 1)])
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, LimitReached, type(None)]
    assert str(results[2]) == "2 phones are registered: raise app.registrations_max to take in more"
    assert store.write([Unregister(VEHICLE, "a"), phone("c")]) == [True, None]
    assert tokens(database) == {"b", "c"}


def test_phones_that_come_never_push_a_webhook_out(open_store: Opener, database: Path) -> None:
    store = open_store(registrations_per_vehicle=2, registrations_per_user=2)
    store.write([hook(at=1), *(phone(token, at=NOW + n) for n, token in enumerate("abcd"))])
    assert tokens(database) == {HOOK, "c", "d"}


def test_a_webhook_too_many_is_refused_and_none_goes_for_it(open_store: Opener, database: Path) -> None:
    """Whoever added the others would not learn that one is gone."""
    store = open_store(registrations_per_vehicle=2, registrations_per_user=1)
    results = store.write([hook("https://a/"), hook("https://b/"), hook("https://c/"), hook("https://a/", at=NOW + 1)])
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, type(None)]
    assert str(results[2]) == (
        "vehicle 386625 has 2 registrations of kind webhook: remove one, or raise app.registrations_per_vehicle"
    )
    assert store.write([hook("https://c/", "OTHER")]) == [None]
    assert tokens(database) == {"https://a/", "https://b/", "https://c/"}


# What ends one


def test_unregistering_is_of_one_vehicle(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([phone("t", "A"), phone("t", "B"), happened("A")])
    assert store.write([Unregister("A", "t"), Unregister("A", "t"), Unregister("A", "x")]) == [True, False, False]
    assert registered(database) == [("B", "t", "anna")]
    assert waiting(database) == []


@pytest.mark.parametrize(("renewed", "stays"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
@pytest.mark.parametrize("outbox", [0, 1])
def test_a_dead_phone_is_dropped_unless_it_was_renewed_after_the_send(
    open_store: Opener, database: Path, renewed: int, stays: bool, outbox: int
) -> None:
    store = open_store()
    store.write([phone(at=NOW - HOUR_MS), happened(), phone(at=renewed), answer("drop", sent=NOW, outbox=outbox)])
    assert bool(registered(database)) == stays
    assert bool(waiting(database)) == stays


@pytest.mark.parametrize("outbox", [0, 1])
def test_a_phone_that_was_renewed_meanwhile_is_sent_again_what_the_dead_one_did_not_take(
    open_store: Opener, database: Path, outbox: int
) -> None:
    store = open_store()
    store.write([phone(at=NOW - HOUR_MS), happened(), phone(at=NOW + 1), answer("drop", sent=NOW, outbox=outbox)])
    assert rows(database, "SELECT given FROM deliveries") == [("",)]
    table = "outbox" if outbox else "deliveries"
    assert rows(database, f"SELECT due FROM {table}") == [(NOW + 50 + RENEWED_AGAIN_MS,)]


def test_a_dead_token_is_dropped_for_all_its_vehicles(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([phone("t", "A"), phone("t", "B"), phone("t", "C", at=NOW + 1), phone("u", "A"), answer("drop")])
    assert registered(database) == [("A", "u", "anna"), ("C", "t", "anna")]


def test_a_dead_token_says_nothing_of_an_installation_id_that_reads_alike(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([phone("same", "A"), phone("same", "B", kind="fid"), answer("drop", "same", kind="token")])
    assert registered(database) == [("B", "same", "anna")]


@pytest.mark.parametrize("verdict", ["taken", "failed", "later"])
def test_any_other_answer_keeps_the_registration(
    open_store: Opener, database: Path, verdict: Literal["taken", "failed", "later"]
) -> None:
    open_store().write([phone(), answer(verdict)])
    assert tokens(database) == {"t"}


def test_phones_that_were_not_seen_are_forgotten_the_longest_unseen_first(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([*(phone(token, at=NOW + n) for n, token in enumerate("abcd")), happened()])
    assert store.write([ForgetUnseen(NOW + 3, 2)]) == [2]
    assert tokens(database) == {"c", "d"}
    assert store.write([ForgetUnseen(NOW + 3, 2), ForgetUnseen(NOW + 3, 2)]) == [1, 0]
    assert waiting(database) == [(VEHICLE, "d")]


def test_a_phone_of_the_originals_app_is_never_unseen(open_store: Opener, database: Path) -> None:
    """It registers at log-in only: when it is gone, FCM says so."""
    store = open_store()
    assert store.write([msgspec.structs.replace(phone(at=1), client=ORIGINAL), ForgetUnseen(NOW, 10)])[-1] == 0
    assert tokens(database) == {"t"}


def test_the_phone_that_makes_room_is_none_that_fcm_took_a_push_for_lately(open_store: Opener, database: Path) -> None:
    store = open_store(registrations_per_vehicle=2)
    store.write([phone("a", at=1), phone("b", at=2), answer("taken", "a")])
    assert store.write([phone("c", at=3), phone("d", at=NOW + 60)]) == [None, None]
    assert tokens(database) == {"a", "d"}
    assert store.write([phone("e", at=NOW + 61)]) == [1], "that had a push lately: the operator is told"


def test_a_webhook_is_never_unseen(open_store: Opener, database: Path) -> None:
    store = open_store()
    assert store.write([hook(at=1), phone(at=2), ForgetUnseen(NOW, 10)])[-1] == 1
    assert tokens(database) == {HOOK}


def test_what_was_undone_is_not_counted(open_store: Opener) -> None:
    store = open_store(registrations=2)
    spoiled = phone("\ud800")
    assert store.write([phone("a"), spoiled])[0] is None
    results = store.write([phone("b"), phone("c")])
    assert [type(result) for result in results] == [type(None), LimitReached]


# Tokens and installation ids


@pytest.mark.parametrize(("kind", "other"), [("token", "fid"), ("fid", "token")])
def test_a_phone_is_sent_messages_by_the_name_it_registered_with(open_store: Opener, kind: str, other: str) -> None:
    store = open_store()
    store.write([phone("x" * 22, kind=kind), arrival()])
    pending = store.due_pushes(KINDS)
    (one,) = pending.registrations_of(VEHICLE)
    push = Composer(Config()).compose(Delivery(one, pending.last_of(VEHICLE), None, NOW))
    message = json.loads(encode(push))["message"]
    assert message[kind] == "x" * 22
    assert other not in message
