"""Registrations: whose a phone is, how many there may be, when one goes; and who may ask for what over HTTP."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import httpx
import msgspec
import pytest
from builders import NOW, ROOMY, arrival, new_store, rows
from daemon_process import RunningDaemon, run_evd, running_daemon
from hypothesis import given, settings
from hypothesis import strategies as st

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
HOOK = "https://hooks.example/evd"


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


def registered(database: Path) -> list[tuple[str, str, str]]:
    """(vehicle, token, user) of each."""
    return rows(database, "SELECT vehicle, token, uid FROM registrations ORDER BY 1, 2")


def tokens(database: Path) -> set[str]:
    return {token for _, token, _ in registered(database)}


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


# Over HTTP


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A1 is anna's and ben's, B1 is ben's."""
    directory = tmp_path_factory.mktemp("registrations") / "evd"
    with running_daemon(directory, env={"EVD_APP__TRUST_USER_HEADER": "true"}) as one:
        for uid, vehicle in (("anna", "A1"), ("ben", "A1"), ("ben", "B1")):
            assert run_evd("owner", "add", uid, vehicle, "--dir", directory).returncode == 0
        yield one


@pytest.fixture
def ask(daemon: RunningDaemon) -> Iterator[Callable[..., httpx.Response]]:
    """A request of a user, or with the administrator's key; afterwards nothing is registered."""

    def asked(method: str, path: str, user: str | None = None, **body: Any) -> httpx.Response:
        headers = {"x-api-key": daemon.keys["app"], "userId": user} if user else {"x-api-key": daemon.keys["admin"]}
        return httpx.request(method, daemon.url + path, headers=headers, json=body or None)

    yield asked
    for vehicle, token, _ in registered(daemon.database):
        kind = rows(daemon.database, "SELECT kind FROM registrations WHERE token = ?", token)[0][0]
        assert asked("DELETE", REGISTRATIONS, None, vehicle=vehicle, **{kind: token}).status_code == 200


Ask = Callable[..., httpx.Response]

REGISTRATIONS = "/api/v1/registrations"


def test_a_user_registers_sees_and_removes_their_phone(daemon: RunningDaemon, ask: Ask) -> None:
    made = ask("POST", REGISTRATIONS, "anna", vehicle="00a1", token="t1")
    assert (made.status_code, made.json()) == (201, {"vehicle": "A1", "kind": "token", "registered": True})
    (row,) = ask("GET", f"{REGISTRATIONS}?vehicle=A1", "anna").json()
    assert (row["vehicle"], row["kind"], row["target"], row["pushed"]) == ("A1", "token", "t1", None)
    assert rows(daemon.database, "SELECT spelling, uid FROM registrations") == [("00a1", "anna")]
    gone = ask("DELETE", REGISTRATIONS, "anna", vehicle="A1", token="t1")
    assert (gone.status_code, gone.json()) == (200, {"vehicle": "A1", "kind": "token", "registered": False})
    assert ask("DELETE", REGISTRATIONS, "anna", vehicle="A1", token="t1").status_code == 404


def test_register_false_removes(ask: Ask, daemon: RunningDaemon) -> None:
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", fid="f1")
    assert ask("POST", REGISTRATIONS, "anna", vehicle="A1", fid="f1", register=False).status_code == 200
    assert registered(daemon.database) == []


def test_a_user_sees_and_removes_nobody_elses_phones(ask: Ask, daemon: RunningDaemon) -> None:
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", token="annas")
    ask("POST", REGISTRATIONS, "ben", vehicle="A1", token="bens")
    assert [row["target"] for row in ask("GET", f"{REGISTRATIONS}?vehicle=A1", "ben").json()] == ["bens"]
    assert ask("DELETE", REGISTRATIONS, "ben", vehicle="A1", token="annas").status_code == 404
    assert tokens(daemon.database) == {"annas", "bens"}


def test_an_administrator_sees_all_phones_and_no_token_whole(ask: Ask) -> None:
    long = "a-token-that-is-long"
    ask("POST", REGISTRATIONS, "anna", vehicle="A1", token=long)
    ask("POST", REGISTRATIONS, "ben", vehicle="B1", fid="another-that-is-long")
    listed = ask("GET", REGISTRATIONS)
    assert [(row["vehicle"], row["kind"], row["uid"]) for row in listed.json()] == [
        ("A1", "token", "anna"),
        ("B1", "fid", "ben"),
    ]
    assert long not in listed.text
    assert [row["uid"] for row in ask("GET", f"{REGISTRATIONS}?vehicle=B1").json()] == ["ben"]


def test_an_administrator_registers_for_an_owner(ask: Ask, daemon: RunningDaemon) -> None:
    assert ask("POST", REGISTRATIONS, None, vehicle="A1", token="t", uid="anna").status_code == 201
    assert registered(daemon.database) == [("A1", "t", "anna")]
    assert ask("DELETE", REGISTRATIONS, None, vehicle="A1", fid="t").status_code == 404
    assert ask("DELETE", REGISTRATIONS, None, vehicle="A1", token="t").status_code == 200


@pytest.mark.parametrize(
    ("method", "user", "body", "status", "part"),
    [
        ("POST", "anna", {"vehicle": "B1", "token": "t"}, 404, "you own no vehicle B1"),
        ("POST", "anna", {"vehicle": "NEVER", "token": "t"}, 404, "you own no vehicle NEVER"),
        ("DELETE", "anna", {"vehicle": "B1", "token": "t"}, 404, "you own no vehicle B1"),
        ("POST", "anna", {"vehicle": "A1"}, 400, "give either token or fid"),
        ("POST", "anna", {"vehicle": "A1", "token": "t", "fid": "f"}, 400, "give either token or fid"),
        ("POST", "anna", {"vehicle": "A1", "token": ""}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "token": "t\n"}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "fid": "f" * 4097}, 400, "1 to 4096 printable characters"),
        ("POST", "anna", {"vehicle": "A1", "token": HOOK}, 400, "token is a webhook's address"),
        ("POST", "anna", {"vehicle": "A1", "token": "t", "uid": "ben"}, 400, "uid is for administrators"),
        ("POST", "anna", {"vehicle": "A1", "tokn": "t"}, 400, "the body is invalid"),
        ("POST", None, {"vehicle": "A1", "token": "t"}, 400, "the request names no user"),
        ("POST", None, {"vehicle": "A1", "token": "t", "uid": "eve"}, 400, "this user does not own vehicle A1"),
        ("GET", "anna", {}, 400, "the query names no vehicle"),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(
    ask: Ask, daemon: RunningDaemon, method: str, user: str | None, body: dict[str, Any], status: int, part: str
) -> None:
    refused = ask(method, REGISTRATIONS, user, **body)
    assert refused.status_code == status, refused.text
    assert part in refused.json()["detail"]
    assert registered(daemon.database) == []


@pytest.mark.parametrize(("role", "headers", "status"), [("app", {}, 401), ("sigfox", {"userId": "anna"}, 403)])
def test_a_key_alone_names_no_user(daemon: RunningDaemon, role: str, headers: dict[str, str], status: int) -> None:
    headers = {"x-api-key": daemon.keys[role], **headers}
    assert httpx.get(f"{daemon.url}{REGISTRATIONS}?vehicle=A1", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("path", "renews"),
    [
        ("/android/last?vehicleId=A1", True),
        ("/v2/android/range?vehicleId=A1&timeFrom=0&timeTo=1", True),
        ("/api/v1/events", True),
        ("/android/last?vehicleId=B1", False),  # which is another user's
    ],
)
def test_any_request_that_is_a_users_to_make_renews_their_phones_and_a_second_one_writes_nothing(
    ask: Ask, daemon: RunningDaemon, path: str, renews: bool
) -> None:
    user = f"user of {path}"
    assert run_evd("owner", "add", user, "A1", "--dir", daemon.directory).returncode == 0
    with closing(sqlite3.connect(daemon.database, isolation_level=None)) as database:
        database.execute(
            "INSERT INTO registrations (vehicle, token, spelling, uid, created, renewed)"
            " VALUES ('A1', 't', 'A1', ?, 1, 1)",
            (user,),
        )
        database.execute("INSERT INTO deliveries (registration, given) SELECT number, '' FROM registrations")
        renewed = []
        for _ in range(2):
            ask("GET", path, user)
            # A request behind it in the writer's queue: what it answers is on disk after what came before.
            assert ask("POST", "/api/v1/owners", None, uid="nobody", vehicle="C1").status_code == 201
            renewed += database.execute("SELECT renewed FROM registrations").fetchone()
            database.execute("UPDATE registrations SET renewed = 1")
    assert [at > NOW for at in renewed] == [renews, False]


def imported(daemon: RunningDaemon, *lines: str) -> tuple[dict[str, Any], str]:
    """What `evd registration import` says, and its words for people."""
    done = run_evd("registration", "import", "--json", "--dir", daemon.directory, stdin="\n".join(lines))
    assert "Traceback" not in done.stderr, done.stderr
    again = run_evd("registration", "import", "--dir", daemon.directory, stdin="\n".join(lines))
    assert done.returncode == again.returncode == (1 if json.loads(done.stdout)["refused"] else 0)
    return json.loads(done.stdout), again.stdout + again.stderr


def test_the_phones_of_another_system_are_taken_in_in_one_go(ask: Ask, daemon: RunningDaemon) -> None:
    """Each user owns his vehicle then, and hears of it, as before; twice is as once."""
    lines = [json.dumps({"vehicle": "00D1", "token": f"t{number}", "uid": f"u{number % 3}"}) for number in range(7)]
    assert imported(daemon, *lines, "", '{"vehicle": "D2", "fid": "f", "uid": "u0"}') == (
        {"registered": 8, "refused": []},
        "8 registered, 0 refused\n",
    )
    sql = "SELECT vehicle, spelling, kind, client, count(*) FROM registrations GROUP BY vehicle"
    assert rows(daemon.database, sql) == [("D1", "00D1", "token", "original", 7), ("D2", "D2", "fid", "original", 1)]
    owners = rows(daemon.database, "SELECT uid, vehicle FROM owners WHERE uid LIKE 'u_' ORDER BY 1, 2")
    assert owners == [("u0", "D1"), ("u0", "D2"), ("u1", "D1"), ("u2", "D1")]
    assert ask("GET", "/android/last?vehicleId=D1", "u2").status_code == 204
    assert "original" not in run_evd("registration", "list", "D1", "--dir", daemon.directory).stdout


def test_more_lines_than_fit_into_a_request_are_taken_in_without_a_daemon(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    lines = [
        json.dumps({"vehicle": f"{number:X}", "token": "t" * 150 + str(number), "uid": "u"}) for number in range(150)
    ]
    done = run_evd("registration", "import", "--dir", directory, stdin="\n".join(lines))
    assert (done.returncode, done.stdout) == (0, "150 registered, 0 refused\n"), done.stderr
    assert len(registered(directory / "evd.db")) == 150


def test_a_line_that_cannot_be_taken_is_reported_and_costs_the_others_nothing(ask: Ask, daemon: RunningDaemon) -> None:
    good = '{"vehicle": "D3", "token": "t", "uid": "u0"}'
    wrong = {
        "{": "not JSON",
        '{"vehicle": "D3", "uid": "u0"}': "give either token or fid",
        '{"vehicle": "D3", "token": "t"}': "missing required field `uid`",
        '{"vehicle": "D3", "token": "t", "uid": ""}': "a user id has 1 to 128",
        '{"vehicle": "", "token": "t", "uid": "u0"}': "1 to 64 printable characters",
        '{"vehicle": "D3", "token": "t", "uid": "u0", "renewTimestamp": 1}': "renewTimestamp",
        "[]": "Expected `object`",
    }
    document, words = imported(daemon, *wrong, good)
    assert document["registered"] == 1
    assert [one["line"] for one in sorted(document["refused"], key=lambda one: one["line"])] == list(range(1, 8))
    told = {one["line"]: one["error"] for one in document["refused"]}
    for line, part in enumerate(wrong.values(), 1):
        assert part in told[line]
        assert f"line {line}: {told[line]}" in words.replace("\n", " ")
    for role in ("app", "device"):
        headers = {"x-api-key": daemon.keys[role], "userId": "anna"}
        refused = httpx.post(f"{daemon.url}{REGISTRATIONS}/import", json={"registrations": []}, headers=headers)
        assert refused.status_code == 403


LEGACY = "/android/fcm-register?vehicleId=A1"


def test_two_owners_of_a_vehicle_unregister_their_own_phones_only(ask: Ask, daemon: RunningDaemon) -> None:
    for user in ("anna", "ben"):
        assert ask("POST", LEGACY, user, vehicleId="A1", fcmToken=f"of {user}", register=True).status_code == 200
    for path in (LEGACY, LEGACY.replace("register", "unregister")):
        wish = {"vehicleId": "A1", "fcmToken": "of anna", "register": False}
        assert ask("POST", path, "ben", **wish).status_code == 200, "he is not told whose it is"
    assert ask("DELETE", REGISTRATIONS, "ben", vehicle="A1", token="of anna").status_code == 404
    assert registered(daemon.database) == [("A1", "of anna", "anna"), ("A1", "of ben", "ben")]
    assert ask("POST", LEGACY, "anna", vehicleId="A1", fcmToken="of anna", register=False).status_code == 200
    assert registered(daemon.database) == [("A1", "of ben", "ben")]


@pytest.mark.parametrize(("name", "kind"), [("fcmToken", "token"), ("fid", "fid")])
def test_the_originals_route_takes_a_token_or_an_installation_id(
    ask: Ask, daemon: RunningDaemon, name: str, kind: str
) -> None:
    body: dict[str, Any] = {"vehicleId": "A1", name: "t", "register": True}
    assert ask("POST", LEGACY, "anna", **body).status_code == 200
    assert rows(daemon.database, "SELECT kind, token FROM registrations") == [(kind, "t")]
    assert ask("POST", LEGACY, "anna", **body | {"register": False}).status_code == 200
    assert registered(daemon.database) == []


@pytest.mark.parametrize(
    "target", [{}, {"fcmToken": "t", "fid": "f"}, {"fid": 7}, {"fid": ""}, {"fcmToken": HOOK}, {"fcmToken": None}]
)
def test_the_originals_route_takes_exactly_one_of_them(ask: Ask, target: dict[str, Any]) -> None:
    refused = ask("POST", LEGACY, "anna", vehicleId="A1", register=True, **target)
    assert (refused.status_code, set(refused.json())) == (400, {"Error", "detail"})
