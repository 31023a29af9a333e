"""Registrations: whose a phone is, how many there may be, and when one goes."""

from __future__ import annotations

from itertools import count
from typing import Any, Literal

import msgspec
import pytest
from any_engine import AnyDatabase
from builders import NOW, arrival
from hypothesis import given, settings
from hypothesis import strategies as st

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
from evd.model.target_kinds import TargetKind
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.records import NUMBER_MAX
from evd.store.rules import RENEWED_AGAIN_MS

VEHICLE = "386625"
HOOK = "https://hooks.example/evd"


def phone(
    token: str = "t", vehicle: str = VEHICLE, *, uid: str = "anna", at: int = NOW, kind: str = "token"
) -> Register:
    return Register(vehicle, vehicle, token, uid, at, kind)


def hook(url: str = HOOK, vehicle: str = VEHICLE, *, at: int = NOW) -> Register:
    return phone(url, vehicle, uid="webhook", at=at, kind="webhook")


def test_a_registration_says_whether_its_user_is_a_viewer(database: AnyDatabase) -> None:
    database.write(AddOwner("anna", VEHICLE, NOW), AddOwner("eve", VEHICLE, NOW, "viewer"), arrival(VEHICLE))
    database.write(phone("a"), phone("e", uid="eve"), phone("x", uid="nobody"), happened())
    expected = {"a": False, "e": True, "x": False}
    assert {one.token: one.viewer for one in database.due.registrations_of(VEHICLE)} == expected
    assert {one.token: one.viewer for one in database.due.registrations_after(0, 9)} == expected
    events = database.due.events_due(NOW + DAY_MS, 9)
    assert {one.registration.token: one.registration.viewer for one in events} == expected
    late = [one.viewer for one in database.due.registrations_due(NOW + DAY_MS, 9) if one.token == "e"]
    assert late in ([], [True])


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


def registered(database: AnyDatabase) -> list[tuple[str, str, str]]:
    """(vehicle, token, user) of each."""
    return sorted((row["vehicle"], row["token"], row["uid"]) for row in database.registered())


def tokens(database: AnyDatabase) -> set[str]:
    return {token for _, token, _ in registered(database)}


def waiting(database: AnyDatabase) -> list[tuple[str, str]]:
    """(vehicle, token) of the events not sent yet."""
    due = database.due.events_due(NUMBER_MAX, 100)
    return sorted((one.registration.vehicle, one.registration.token) for one in due)


# Renewal


def test_registering_again_renews_and_keeps_how_far_deliveries_are(database: AnyDatabase) -> None:
    database.write(phone(at=NOW), answer("taken", status="s1"), happened())
    database.write(Register(VEHICLE, "00386625", "t", "anna", NOW + DAY_MS))
    (row,) = database.registered()
    assert (row["number"], row["created"], row["renewed"]) == (1, NOW, NOW + DAY_MS)
    assert [(one.spelling, one.given) for one in database.due.registrations_of(VEHICLE)] == [("00386625", "s1")]
    assert len(waiting(database)) == 1


def test_a_clock_that_was_set_back_does_not_keep_a_phone_from_renewing(database: AnyDatabase) -> None:
    database.write(phone(at=NOW), phone(at=NOW - DAY_MS))
    assert [row["renewed"] for row in database.registered()] == [NOW - DAY_MS]


def test_who_registers_is_not_given_what_the_vehicle_said_before(database: AnyDatabase) -> None:
    status = arrival()
    database.write(status, happened(), phone())
    assert [one.given for one in database.due.registrations_of(VEHICLE)] == [status.status_id]
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
def test_a_users_requests_renew_that_user_s_phones_once_a_day(database: AnyDatabase, before: int, after: int) -> None:
    database.write(phone(at=before), phone("t", "B", at=NOW - 1), phone("u", uid="ben", at=1), hook(at=1))
    assert database.write(Renew("anna", NOW)) == [[VEHICLE] if after == NOW else []]
    kept = [(row["token"], row["vehicle"], row["renewed"]) for row in database.registered()]
    assert kept == [("t", VEHICLE, after), ("t", "B", NOW - 1), ("u", VEHICLE, 1), (HOOK, VEHICLE, 1)]


# One user at a time


def test_a_phone_that_moves_to_another_user_hears_no_more_of_the_first_ones_vehicles(database: AnyDatabase) -> None:
    database.write(phone("t", "A"), phone("t", "B"), phone("u", "A"), phone("t", "C", uid="ben"))
    assert registered(database) == [("A", "u", "anna"), ("C", "t", "ben")]
    assert [row.token for row in database.due.registrations_of("C")] == ["t"]
    assert database.due.registrations_of("B") == []


def test_what_was_not_sent_yet_goes_with_the_phones_former_user(database: AnyDatabase) -> None:
    database.write(phone("t", "A"), phone("u", "A"), happened("A"))
    assert waiting(database) == [("A", "t"), ("A", "u")]
    database.write(phone("t", "A", uid="ben"))
    assert waiting(database) == [("A", "u")]
    assert registered(database) == [("A", "t", "ben"), ("A", "u", "anna")]


def test_two_users_of_one_vehicle_have_a_phone_each(database: AnyDatabase) -> None:
    database.write(phone("t"), phone("u", uid="ben"), phone("t", at=NOW + 1))
    assert registered(database) == [(VEHICLE, "t", "anna"), (VEHICLE, "u", "ben")]


def test_a_former_owners_phones_hear_no_more_of_the_vehicle(database: AnyDatabase) -> None:
    database.write(
        AddOwner("anna", "A", NOW), phone("t", "A"), phone("t", "B"), phone("u", "A", uid="ben"), happened("A")
    )
    database.write(RemoveOwner("anna", "A"))
    assert registered(database) == [("A", "u", "ben"), ("B", "t", "anna")]
    assert waiting(database) == [("A", "u")]


def test_an_address_is_no_phone_and_belongs_to_no_user(database: AnyDatabase) -> None:
    """The same address may be told of many vehicles, whatever word stands for its user."""
    database.write(hook(vehicle="A"), phone(HOOK, "B", uid="another word", kind="webhook"))
    assert len(registered(database)) == 2


def test_a_phone_has_one_user_whatever_was_registered(database: AnyDatabase) -> None:
    """And whoever came last hears of all that user asked for since."""
    database.limit(registrations=10_000)
    examples = count(1)

    @settings(max_examples=30)
    @given(st.lists(st.tuples(*(st.sampled_from(["a", "b", "c"]),) * 3), max_size=25))
    def register(wishes: list[tuple[str, str, str]]) -> None:
        number = next(examples)  # tokens, vehicles and users of their own for each example
        wishes = [(f"{token}{number}", f"{vehicle}{number}", f"{uid}{number}") for token, vehicle, uid in wishes]
        database.write(*(phone(token, vehicle, uid=uid) for token, vehicle, uid in wishes))
        expected: dict[str, tuple[str, set[str]]] = {}
        for token, vehicle, uid in wishes:
            vehicles = expected[token][1] if token in expected and expected[token][0] == uid else set()
            expected[token] = uid, vehicles | {vehicle}
        own = [row for row in registered(database) if row[0].endswith(f"{number}") and row[0][1:] == f"{number}"]
        assert own == sorted(
            (vehicle, token, uid) for token, (uid, vehicles) in expected.items() for vehicle in vehicles
        )

    register()


# Caps


def test_a_vehicles_phones_are_bounded_and_the_one_longest_not_renewed_goes(database: AnyDatabase) -> None:
    database.limit(registrations_per_vehicle=2)
    database.write(phone("a", at=1), phone("b", at=2), phone("a", at=3), happened(), phone("c", at=4))
    assert tokens(database) == {"a", "c"}
    assert waiting(database) == [(VEHICLE, "a")]


def test_who_registers_many_phones_for_a_vehicle_displaces_own_ones_and_nobody_else_s(database: AnyDatabase) -> None:
    database.write(phone("owner's"), *(phone(f"t{at}", uid="eve", at=NOW + at) for at in range(1, 15)))
    assert len(tokens(database)) == 10 and "owner's" in tokens(database)


def test_a_users_phones_are_bounded_over_all_their_vehicles(database: AnyDatabase) -> None:
    database.limit(registrations_per_user=2)
    database.write(
        phone("a", "A", at=1), phone("a", "B", at=2), phone("b", "A", uid="ben", at=1), phone("c", "A", at=3)
    )
    assert tokens(database) == {"a", "b", "c"}
    database.write(phone("d", "C", at=4))
    assert registered(database) == [("A", "b", "ben"), ("A", "c", "anna"), ("C", "d", "anna")]


def test_one_phone_may_hear_of_more_vehicles_than_a_user_may_have_phones(database: AnyDatabase) -> None:
    database.limit(registrations_per_user=2)
    database.write(*[phone("a", vehicle, at=1) for vehicle in "ABCD"])
    assert len(registered(database)) == 4


@pytest.mark.parametrize("limit", ["registrations_per_vehicle", "registrations_per_user"])
def test_an_imported_phone_displaces_none_and_is_refused_instead(database: AnyDatabase, limit: str) -> None:
    """It would be one of those that were imported before it."""
    database.limit(**{limit: 2})
    given = [msgspec.structs.replace(phone(token), displaces=False) for token in "abcb"]
    results = database.write(*given)
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, type(None)]
    assert f"raise app.{limit} to take in more" in str(results[2])
    assert tokens(database) == {"a", "b"}


@pytest.mark.parametrize("limit", ["registrations_per_vehicle", "registrations_per_user"])
def test_a_new_phone_is_never_the_one_that_makes_room(database: AnyDatabase, limit: str) -> None:
    """The clock was set back since the others were registered."""
    database.limit(**{limit: 2})
    database.write(phone("a", at=NOW), phone("b", at=NOW + 1), phone("c", at=NOW - DAY_MS))
    assert tokens(database) == {"b", "c"}


def test_all_phones_are_bounded_but_a_known_one_may_renew(database: AnyDatabase) -> None:
    database.limit(registrations=2)
    results = database.write(phone("a"), phone("b", "B"), phone("c"), hook(), phone("a", at=NOW + 1))
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, LimitReached, type(None)]
    assert str(results[2]) == "2 phones are registered: raise app.registrations_max to take in more"
    assert database.write(Unregister(VEHICLE, "a"), phone("c")) == [True, None]
    assert tokens(database) == {"b", "c"}


def test_phones_that_come_never_push_a_webhook_out(database: AnyDatabase) -> None:
    database.limit(registrations_per_vehicle=2, registrations_per_user=2)
    database.write(hook(at=1), *(phone(token, at=NOW + n) for n, token in enumerate("abcd")))
    assert tokens(database) == {HOOK, "c", "d"}


def test_a_webhook_too_many_is_refused_and_none_goes_for_it(database: AnyDatabase) -> None:
    """Whoever added the others would not learn that one is gone."""
    database.limit(registrations_per_vehicle=2, registrations_per_user=1)
    results = database.write(hook("https://a/"), hook("https://b/"), hook("https://c/"), hook("https://a/", at=NOW + 1))
    assert [type(result) for result in results] == [type(None), type(None), LimitReached, type(None)]
    assert str(results[2]) == (
        "vehicle 386625 has 2 registrations of kind webhook: remove one, or raise app.registrations_per_vehicle"
    )
    assert database.write(hook("https://c/", "OTHER")) == [None]
    assert tokens(database) == {"https://a/", "https://b/", "https://c/"}


# What ends one


def test_unregistering_is_of_one_vehicle(database: AnyDatabase) -> None:
    database.write(phone("t", "A"), phone("t", "B"), happened("A"))
    assert database.write(Unregister("A", "t"), Unregister("A", "t"), Unregister("A", "x")) == [True, False, False]
    assert registered(database) == [("B", "t", "anna")]
    assert waiting(database) == []


@pytest.mark.parametrize(("renewed", "stays"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
@pytest.mark.parametrize("outbox", [0, 1])
def test_a_dead_phone_is_dropped_unless_it_was_renewed_after_the_send(
    database: AnyDatabase, renewed: int, stays: bool, outbox: int
) -> None:
    database.write(phone(at=NOW - HOUR_MS), happened(), phone(at=renewed), answer("drop", sent=NOW, outbox=outbox))
    assert bool(registered(database)) == stays
    assert bool(waiting(database)) == stays


@pytest.mark.parametrize("outbox", [0, 1])
def test_a_phone_that_was_renewed_meanwhile_is_sent_again_what_the_dead_one_did_not_take(
    database: AnyDatabase, outbox: int
) -> None:
    database.write(phone(at=NOW - HOUR_MS), happened(), phone(at=NOW + 1), answer("drop", sent=NOW, outbox=outbox))
    again = NOW + 50 + RENEWED_AGAIN_MS
    (one,) = database.due.registrations_of(VEHICLE)
    assert (one.given, one.due) == ("", None if outbox else again)
    (event,) = database.due.events_due(again, 9)
    assert event.registration.due == (again if outbox else NOW)


def test_a_dead_token_is_dropped_for_all_its_vehicles(database: AnyDatabase) -> None:
    database.write(phone("t", "A"), phone("t", "B"), phone("t", "C", at=NOW + 1), phone("u", "A"), answer("drop"))
    assert registered(database) == [("A", "u", "anna"), ("C", "t", "anna")]


def test_a_dead_token_says_nothing_of_an_installation_id_that_reads_alike(database: AnyDatabase) -> None:
    database.write(phone("same", "A"), phone("same", "B", kind="fid"), answer("drop", "same", kind="token"))
    assert registered(database) == [("B", "same", "anna")]


@pytest.mark.parametrize("verdict", ["taken", "failed", "later"])
def test_any_other_answer_keeps_the_registration(
    database: AnyDatabase, verdict: Literal["taken", "failed", "later"]
) -> None:
    database.write(phone(), answer(verdict))
    assert tokens(database) == {"t"}


def test_phones_that_were_not_seen_are_forgotten_the_longest_unseen_first(database: AnyDatabase) -> None:
    database.write(*(phone(token, at=NOW + n) for n, token in enumerate("abcd")), happened())
    assert database.write(ForgetUnseen(NOW + 3, 2)) == [2]
    assert tokens(database) == {"c", "d"}
    assert database.write(ForgetUnseen(NOW + 3, 2), ForgetUnseen(NOW + 3, 2)) == [1, 0]
    assert waiting(database) == [(VEHICLE, "d")]


def test_a_phone_of_the_originals_app_is_never_unseen(database: AnyDatabase) -> None:
    """It registers at log-in only: when it is gone, FCM says so."""
    assert database.write(msgspec.structs.replace(phone(at=1), client=ORIGINAL), ForgetUnseen(NOW, 10))[-1] == 0
    assert tokens(database) == {"t"}


def test_the_phone_that_makes_room_is_none_that_fcm_took_a_push_for_lately(database: AnyDatabase) -> None:
    database.limit(registrations_per_vehicle=2)
    database.write(phone("a", at=1), phone("b", at=2), answer("taken", "a"))
    assert database.write(phone("c", at=3), phone("d", at=NOW + 60)) == [None, None]
    assert tokens(database) == {"a", "d"}
    assert database.write(phone("e", at=NOW + 61)) == [1], "that had a push lately: the operator is told"


def test_a_webhook_is_never_unseen(database: AnyDatabase) -> None:
    assert database.write(hook(at=1), phone(at=2), ForgetUnseen(NOW, 10))[-1] == 1
    assert tokens(database) == {HOOK}


# Kinds and lists


KINDS = [TargetKind(name, personal=False, goes_stale=False, makes_room=False) for name in ("id", "fid", "fid2", "x")]


@pytest.mark.parametrize("kinds", [["fid"], ["id", "x"], ["fid2", "fid"], []])
def test_a_provider_is_given_its_own_kinds_also_where_one_name_is_part_of_another(
    database: AnyDatabase, kinds: list[str]
) -> None:
    database.open(target_kinds=KINDS)
    database.write(*(Register(VEHICLE, VEHICLE, kind.name, "anna", NOW, kind.name) for kind in KINDS))
    database.write(arrival(), happened())
    due, expected = database.store.due_pushes(kinds), sorted(kinds)
    assert sorted(one.kind for one in due.registrations_of(VEHICLE)) == expected
    assert sorted(one.kind for one in due.registrations_after(0, 10)) == expected
    assert sorted(one.registration.kind for one in due.events_due(NOW, 10)) == expected
    rows = database.ask(lambda queries: queries.registrations(kinds=kinds, limit=9)).rows
    assert sorted(row["kind"] for row in rows) == expected


def test_a_target_whose_provider_is_gone_stays_as_it_was(database: AnyDatabase) -> None:
    usual = database.settings.target_kinds
    database.open(target_kinds=[TargetKind("pigeon", personal=False, goes_stale=False, makes_room=False)])
    database.write(Register(VEHICLE, VEHICLE, "t", "anna", NOW, "pigeon"))
    database.open(target_kinds=usual)
    database.write(ForgetUnseen(NOW + 1, 10), Renew("anna", NOW + 2 * DAY_MS))
    rows = database.ask(lambda queries: queries.registrations(kinds=["pigeon"], limit=9)).rows
    assert [(row["token"], row["renewed"]) for row in rows] == [("t", NOW)]


def test_registrations_are_narrowed_down_by_all_that_is_given(database: AnyDatabase) -> None:
    database.write(phone("t", "A"), phone("u", "A", uid="ben"), phone("t", "B"))

    def narrowed(**asked: Any) -> list[int]:
        rows = database.ask(lambda queries: queries.registrations(kinds=["token"], limit=9, **asked)).rows
        return [row["number"] for row in rows]

    assert narrowed() == [1, 2, 3]
    assert (narrowed(vehicle="A"), narrowed(uid="anna"), narrowed(token="t")) == ([1, 2], [1, 3], [1, 3])
    assert (narrowed(vehicle="A", uid="anna", token="t"), narrowed(vehicle="A", token="x")) == ([1], [])


def test_removing_is_of_one_user_where_one_is_named(database: AnyDatabase) -> None:
    database.write(phone("t", "A", uid="ben"))
    assert database.write(Unregister("A", "t", "anna"), Unregister("A", "t", "ben")) == [False, True]


def test_no_number_is_given_again(database: AnyDatabase) -> None:
    """A push to the one before may still be on its way."""
    database.write(phone("a"), phone("b"), Unregister(VEHICLE, "b"))
    database.open()
    database.write(phone("c"))
    assert [row["number"] for row in database.registered()] == [1, 3]
