"""What the operator sees of pushes and may do with them, by `evd push` and `/api/v1/pushes`; what time has forgotten.

The daemon and the fake FCM are processes of their own; what a daemon cannot be brought to in a test (a clock that
jumps, a log that overflowed) is put to the functions that decide it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from builders import NOW, ROOMY, arrival, new_store, rows
from chain import fake_fcm
from daemon_process import READY_S, RunningDaemon, init, run_evd, running_daemon
from registered_phones import phone

from evd.clock import now_ms
from evd.model.daemon_state import StoppedPhonesState
from evd.model.operations import Arrive, NewEvent, Outcome, Outcomes, RecordEvents, Register
from evd.model.units import DAY_MS, HOUR_MS
from evd.push.stopped_phones import StoppedPhonesSearch
from evd.push.trace import TraceRules, trace
from evd.store.queries import Queries
from evd.store.sqlite.read.queries import open_queries as asked

GOOD, OTHER, UNSEEN = "goodphone:one", "otherphone:two", "unseenphone:three"
LOGGED_IN_ONCE = "originalphone:six"
DEAD, REFUSED = "unregistered:four", "badpayload:five"
"""What the fake FCM makes of a message to them."""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """A1 has a phone, a dead one, and one not seen for 40 days; B1 and D1 have one, E1 has two, C1 has none.

    F1's phone is the original app's, which registered once, long ago.
    """
    folder = tmp_path_factory.mktemp("operator")
    directory = folder / "evd"
    keys = init(directory)
    now = now_ms()
    with closing(new_store(directory / "evd.db", capacity=1000, limits=ROOMY)) as store:
        store.write(
            [
                phone("A1", GOOD, now - HOUR_MS),
                phone("A1", DEAD, now - HOUR_MS),
                phone("A1", UNSEEN, now - 40 * DAY_MS),
                phone("B1", OTHER, now - HOUR_MS),
                phone("D1", OTHER, now - HOUR_MS),
                phone("E1", OTHER, now - HOUR_MS),
                phone("E1", REFUSED, now - HOUR_MS),
                msgspec.structs.replace(phone("F1", LOGGED_IN_ONCE, now - 400 * DAY_MS), client="original"),
            ]
        )
        store.write([outcome(arrival("A1"), "taken", "m/1", registration=3, token=UNSEEN, at=now - DAY_MS)])
        store.write([arrival("A1", time=now - 2 * HOUR_MS, now=now - 2 * HOUR_MS)])  # worth no push any more
    with fake_fcm(folder) as fcm:
        settings = f'[push]\ncredentials = "{fcm.credentials}"\nendpoint = "{fcm.url}"\n'
        with running_daemon(directory, keys=keys, settings=settings) as one:
            yield one


def ask(
    daemon: RunningDaemon, method: str, path: str, body: Any = None, *, key: str | None = "admin"
) -> httpx.Response:
    headers = {} if key is None else {"x-api-key": daemon.keys[key]}
    return httpx.request(method, f"{daemon.url}/api/v1/pushes{path}", headers=headers, json=body)


def said(daemon: RunningDaemon, *arguments: str) -> str:
    done = run_evd("push", *arguments, "--dir", daemon.directory)
    assert done.returncode == 0, done.stderr
    text: str = done.stdout
    return text


def refused(daemon: RunningDaemon, *arguments: str) -> str:
    done = run_evd("push", *arguments, "--dir", daemon.directory)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    text: str = done.stderr
    return text


def speak(daemon: RunningDaemon, vehicle: str, *, seq: int = 1) -> str:
    """The vehicle says something; the status's id."""
    body = {"device": vehicle, "time": now_ms() // 1000, "data": "01", "seqNumber": seq}
    headers = {"x-api-key": daemon.keys["sigfox"]}
    assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
    ((status_id,),) = rows(daemon.database, "SELECT id FROM last WHERE vehicle = ?", vehicle)
    return str(status_id)


def traced(daemon: RunningDaemon, status_id: str) -> dict[str, Any]:
    """The trace, once nothing waits any more."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        document: dict[str, Any] = ask(daemon, "GET", f"/trace/{status_id}").json()
        if all(push["state"] != "waiting" for push in document["pushes"]):
            return document
        time.sleep(0.02)
    raise AssertionError(document)


# The way of a status


A, B = arrival(), arrival(time=NOW + 60_000, seq=1, now=NOW + 61_000)
AHEAD = arrival(time=NOW + 2 * DAY_MS, seq=2)
BUSY = ROOMY._replace(rejected=10, owners=10, registrations=10, outbox=10, pushed=1)
"""With a log of one push."""


def outcome(status: Arrive, verdict: Any, words: str, *, at: int = NOW + 900, **others: Any) -> Outcomes:
    given: dict[str, Any] = {"registration": 1, "outbox": 0, "vehicle": status.vehicle, "token": GOOD, "kind": "token"}
    given |= {"what": "state", "status_id": status.status_id, "committed": NOW + 7, "sent": at - 30, "at": at}
    return Outcomes((Outcome(verdict=verdict, said=words, **given | others),))


ELSEWHERE = outcome(arrival("E1"), "taken", "projects/p/messages/9", registration=9, at=NOW + 70_000)
REGISTER = phone("386625", GOOD, NOW - HOUR_MS)

WAYS: dict[str, tuple[list[Any], dict[str, Any], tuple[str, str]]] = {
    "not begun": ([REGISTER, A], {}, ("waiting", "")),
    "repeated later": (
        [REGISTER, A, outcome(A, "later", "FCM is unavailable", due=NOW + 9000, attempts=3)],
        {},
        ("waiting", "FCM is unavailable"),
    ),
    "paused": ([REGISTER, A], {"paused_since": NOW}, ("waiting", "pushes are paused (see `evd push resume`)")),
    "old": ([REGISTER, A], {"now": NOW + HOUR_MS}, ("given up", "not sent within push.give_up_after_s")),
    "replaced": (
        [REGISTER, A, B],
        {},
        ("replaced", f"replaced by a newer status, {B.status_id}, before it was sent"),
    ),
    "late": (
        [REGISTER, arrival(time=NOW + 60_000, seq=1, now=NOW - 1000), A],
        {},
        ("never", f"a newer status, {B.status_id}, was there before it"),
    ),
    "ahead": ([REGISTER, AHEAD], {}, ("never", "its time lay more than 24 h ahead of the server's")),
    "registered after it": (
        [A, phone("386625", GOOD, NOW + 1)],
        {},
        ("never", "the phone was registered after it came"),
    ),
    "registered with it": (
        [A, phone("386625", GOOD, NOW)],
        {},
        ("never", "it was the last one already when the phone was registered"),
    ),
    "stale": (
        [phone("386625", GOOD, NOW - 31 * DAY_MS), A],
        {},
        ("never", "stale: its registration was not renewed for 31 days"),
    ),
    "never renewed, of the original's app": (
        [Register("386625", "386625", GOOD, "u", NOW - 400 * DAY_MS, client="original"), A],
        {},
        ("waiting", ""),
    ),
    "nothing is pushed": (
        [REGISTER, A],
        {"enabled": False},
        ("waiting", "this evd pushes nothing: push.credentials is not set"),
    ),
    "a webhook": ([Register("386625", "386625", GOOD, "u", NOW - 31 * DAY_MS, "webhook"), A], {}, ("waiting", "")),
    "taken": ([REGISTER, A, outcome(A, "taken", "projects/p/messages/1")], {}, ("taken", "projects/p/messages/1")),
    "failed": (
        [REGISTER, A, outcome(A, "failed", "the message is too large")],
        {},
        ("given up", "the message is too large"),
    ),
    "taken, out of the log": (
        [REGISTER, A, outcome(A, "taken", "projects/p/messages/1"), ELSEWHERE],
        {},
        ("taken", "the log holds it no more"),
    ),
    "failed, out of the log": (
        [REGISTER, A, outcome(A, "failed", "the message is too large"), ELSEWHERE],
        {},
        ("given up", "the message is too large"),
    ),
    "older than the log": (
        [REGISTER, A, outcome(A, "taken", "m/1"), B, outcome(B, "taken", "m/2", at=NOW + 62_000)],
        {},
        ("unknown", "older than the log of pushes"),
    ),
}


async def way_of(queries: Queries, status: Arrive, **rules: Any) -> dict[str, Any]:
    """As the API tells it, at a time of the test's."""
    usual = {"now": NOW + 1000, "stale_ms": 30 * DAY_MS, "give_up_ms": HOUR_MS, "paused_since": 0}
    usual |= {"log_from": await queries.push_log_from()}
    return trace(
        vehicle=status.vehicle,
        status_id=status.status_id,
        status=await queries.traced_status(status.vehicle, status.status_id),
        phones=await queries.traced_phones(status.vehicle),
        pushed=await queries.finished_pushes(status_id=status.status_id, limit=100),
        events=await queries.events_waiting(status_id=status.status_id, limit=100),
        rules=TraceRules(**usual | rules),
    )


@pytest.mark.parametrize("case", WAYS)
async def test_of_each_phone_the_trace_shows_what_became_of_the_status(database: Path, case: str) -> None:
    operations, rules, expected = WAYS[case]
    with closing(new_store(database, capacity=10, limits=BUSY)) as store:
        for operation in operations:
            store.write([operation])
        async with asked(database) as queries:
            status = AHEAD if case == "ahead" else A
            (told,) = (await way_of(queries, status, **rules))["pushes"]
    assert (told["state"], told["said"], told["phone"]) == (*expected, "goodphon…")


async def test_a_trace_has_the_time_of_each_step(database: Path) -> None:
    first = outcome(A, "later", "FCM is unavailable", due=NOW + 5000, attempts=1)
    then = outcome(A, "taken", "projects/p/messages/1", at=NOW + 6000)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([REGISTER, A, first])
        async with asked(database) as queries:
            waiting = await way_of(queries, A)
            store.write([then])
            taken = await way_of(queries, A)
    (push,) = waiting["pushes"]
    assert (push["attempts"], push["due"], waiting["taken"], waiting["committed"]) == (1, NOW + 5000, 0, None)
    (push,) = taken["pushes"]
    assert (push["sent"], push["answered"], push["after_ms"]) == (NOW + 5970, NOW + 6000, 6000)
    times = [taken[name] for name in ("measured", "received", "committed")]
    assert (times, taken["taken"], taken["registered"]) == ([NOW, NOW, NOW + 7], 1, 1)


async def test_events_that_a_status_showed_are_in_its_trace(database: Path) -> None:
    event = NewEvent("charge_reached", NOW, A.status_id, b"{}")
    sent = outcome(A, "taken", "projects/p/messages/2", what="charge_reached", outbox=1, token=OTHER, registration=2)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([REGISTER, phone("386625", OTHER, NOW - HOUR_MS), A])
        store.write([RecordEvents("386625", b"{}", (event,), NOW)])
        waits = rows(database, "SELECT number, registration FROM outbox ORDER BY number")
        store.write([sent] if waits else [])
        async with asked(database) as queries:
            pushes = (await way_of(queries, A))["pushes"]
    assert len(waits) == 2
    assert [(push["phone"], push["what"], push["state"]) for push in pushes] == [
        ("otherpho…", "charge_reached", "taken"),
        ("goodphon…", "state", "waiting"),
        ("otherpho…", "state", "waiting"),
        ("otherpho…", "charge_reached", "waiting"),
    ]


async def test_a_status_whose_push_outlived_it_is_traced_without_it(database: Path) -> None:
    """The ring keeps one status only."""
    with closing(new_store(database, capacity=1, limits=ROOMY)) as store:
        store.write([REGISTER, A])
        store.write([outcome(A, "taken", "projects/p/messages/1")])
        store.write([B])
        async with asked(database) as queries:
            assert await queries.vehicle_of(A.status_id) == "386625"
            told = await way_of(queries, A)
    assert (told["measured"], told["received"], told["committed"]) == (None, None, NOW + 7)
    assert [push["after_ms"] for push in told["pushes"]] == [None]


# What stops


TODAY = NOW - 2 * HOUR_MS


@pytest.mark.parametrize(
    ("registered", "taken_at", "spoke_at", "hindered_until", "reason"),
    [
        pytest.param(phone("386625", GOOD, NOW - 31 * DAY_MS), NOW - DAY_MS, NOW, 0, "stale", id="not renewed"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, 0, "missed", id="forgotten by evd"),
        pytest.param(REGISTER, NOW - DAY_MS, NOW - 60_000, 0, None, id="still to be sent"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, TODAY + 1, None, id="held by the operator or the provider"),
        pytest.param(REGISTER, NOW - DAY_MS, TODAY, None, "off", id="no provider any more"),
    ],
)
async def test_phones_that_had_pushes_lately_and_have_none_now_are_counted_by_the_reason(
    database: Path,
    registered: Register,
    taken_at: int,
    spoke_at: int | None,
    hindered_until: int | None,
    reason: str | None,
) -> None:
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        store.write([registered, phone("B1", OTHER, NOW)])
        store.write([outcome(A, "taken", "m/1", at=taken_at)])
        store.write([arrival(time=spoke_at, seq=7, now=spoke_at)] if spoke_at else [])
        stopped = StoppedPhonesSearch(
            stale_ms=30 * DAY_MS,
            give_up_ms=HOUR_MS,
            hindered_until=None if hindered_until is None else lambda: hindered_until,
            clock=lambda: NOW,
        )
        async with asked(database) as queries:
            found = await stopped.look(queries)
    assert found == StoppedPhonesState(registered=2, **({reason: 1} if reason else {}))


async def test_all_registrations_are_looked_through_page_by_page(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evd.push.stopped_phones.PAGE", 3)
    with closing(new_store(database, capacity=10, limits=ROOMY)) as store:
        for number in range(1, 9):
            vehicle = f"{number:X}"
            store.write([phone(vehicle, GOOD, NOW - 31 * DAY_MS)])
            store.write([outcome(arrival(vehicle), "taken", "m/1", registration=number, at=NOW), arrival(vehicle)])
        stopped = StoppedPhonesSearch(
            stale_ms=30 * DAY_MS, give_up_ms=HOUR_MS, hindered_until=lambda: 0, clock=lambda: NOW + 1
        )
        async with asked(database) as queries:
            store.write([arrival(f"{number:X}", time=NOW + 5, seq=9) for number in range(1, 9)])
            assert await stopped.look(queries) == StoppedPhonesState(registered=8, stale=8)


# What is forgotten in time


# The daemon


MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"


def test_the_way_of_a_status_is_reported_to_the_millisecond(daemon: RunningDaemon) -> None:
    status_id = speak(daemon, "A1")
    document = traced(daemon, status_id)
    found = {push["phone"]: (push["state"], push["registered"]) for push in document["pushes"]}
    assert found == {"goodphon…": ("taken", True), "unregist…": ("given up", False), "unseenph…": ("never", True)}
    told = said(daemon, "trace", status_id)
    head, measured, received, committed, pushed, _, *phones = told.splitlines()
    assert head == f"status     {status_id} of vehicle A1"
    assert re.fullmatch(f"measured   {MOMENT} UTC", measured)
    assert re.fullmatch(rf"received   {MOMENT} UTC  \+\d+\.\d{{3}} s", received)
    assert re.fullmatch(rf"committed  {MOMENT} UTC  \+\d+ ms", committed)
    assert pushed == "pushed     to 1 phone; 2 phones registered"
    good, dead, unseen = (next(line for line in phones if shown in line) for shown in sorted(found))
    assert re.search(rf"taken +{MOMENT} +{MOMENT} +\d+ +projects/evd-demo/messages/", good)
    assert re.search(r"given up .* 404 UNREGISTERED: .*\(no longer registered\)", dead)
    assert "stale: its registration was not renewed for 40 days" in unseen
    assert not any(token in told for token in (GOOD, DEAD, UNSEEN))


def test_the_list_shows_what_was_sent_the_newest_first_and_how_pushes_are(daemon: RunningDaemon) -> None:
    first = speak(daemon, "B1")
    traced(daemon, first)
    then = speak(daemon, "B1", seq=2)
    traced(daemon, then)
    listed = ask(daemon, "GET", "?vehicle=0b1").json()
    assert [(row["status_id"], row["phone"], row["state"]) for row in listed["finished"]] == [
        (then, "otherpho…", "taken"),
        (first, "otherpho…", "taken"),
    ]
    assert listed["waiting"] == []
    assert [row["status_id"] for row in ask(daemon, "GET", "?vehicle=B1&limit=1").json()["finished"]] == [then]
    told = said(daemon, "list", "B1")
    assert told.index(then) < told.index(first)
    assert re.search(
        r"\npushes go out; \d phones registered, 1 of them stale: not renewed for 30 days, sent nothing\n", told
    )
    assert said(daemon, "list", "B1", "--waiting").startswith("Nothing waits.\npushes go out; ")


def test_what_waits_is_listed_while_pushes_are_paused_and_goes_out_when_they_go_on(daemon: RunningDaemon) -> None:
    assert said(daemon, "pause").startswith("pushes are paused since ")
    since = ask(daemon, "GET", "").json()["paused_since"]
    assert ask(daemon, "POST", "/pause").json()["paused_since"] == since, "said again, it changes nothing"
    status_id = speak(daemon, "D1")
    (row,) = ask(daemon, "GET", "?waiting=1").json()["waiting"]
    assert (row["vehicle"], row["status_id"], row["phone"], row["attempts"]) == ("D1", status_id, "otherpho…", 0)
    counted = json.loads(run_evd("stats", "--json", "--dir", daemon.directory).stdout)["stored"]
    assert (counted["states_waiting"], counted["states_put_off"], counted["events_waiting"]) == (1, 0, 0)
    told = said(daemon, "trace", status_id)
    assert "pushes are paused (see `evd push resume`)" in told
    assert "committed  not recorded: only pushes record it\n" in told
    assert httpx.get(f"{daemon.url}/readyz").json()["push"]["held_since"] > 0
    assert said(daemon, "resume").startswith("pushes go out; ")
    assert [push["state"] for push in traced(daemon, status_id)["pushes"]] == ["taken"]


def test_a_test_shows_what_the_provider_says_of_each_phone(daemon: RunningDaemon) -> None:
    """The vehicle was never heard."""
    document = json.loads(said(daemon, "test", "0e1", "--json"))
    assert document["vehicle"] == "E1"
    assert {row["token"]: row["taken"] for row in document["phones"]} == {"otherpho…": True, "badpaylo…": False}
    told = said(daemon, "test", "E1")
    assert re.search(r"otherpho… +token +yes +\d+ +projects/evd-demo/messages/", told)
    assert re.search(r"badpaylo… +token +no +\d+ +.*INVALID_ARGUMENT", told)
    assert told.endswith("1 of 2 phones taken\n")
    assert ask(daemon, "GET", "?vehicle=E1").json()["finished"] == [], "it is no push of a status"


def test_a_phone_that_the_originals_app_registered_at_its_log_in_a_year_ago_has_its_pushes(
    daemon: RunningDaemon,
) -> None:
    (push,) = traced(daemon, speak(daemon, "F1"))["pushes"]
    assert (push["phone"], push["state"]) == ("original…", "taken")


def test_an_alarm_shows_that_phones_stopped_being_pushed_though_fcm_took_it(daemon: RunningDaemon) -> None:
    end, sentences = time.monotonic() + READY_S, {}
    while "push_stopped" not in sentences and time.monotonic() < end:
        alarms = httpx.get(f"{daemon.url}/readyz").json()["alarms"]
        sentences = {alarm["name"]: alarm["sentence"] for alarm in alarms}
        time.sleep(0.1)
    assert sentences["push_stopped"].startswith(
        "phones that the provider took pushes for lately get none any more (1 of them): their registrations"
    )


def test_a_vehicle_that_nobody_listens_to_is_said_to_be_one(daemon: RunningDaemon) -> None:
    words = "no phone is registered for vehicle C1: its app does that at log-in, or when it starts\n"
    assert said(daemon, "trace", speak(daemon, "C1")).endswith(f"pushed     {words}")
    assert refused(daemon, "test", "C1") == f"evd: {words}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("trace", "0123456789abcdef"), "there is no status '0123456789abcdef': it was never taken, or newer ones"),
        (("trace", "0123456789abcdef", "--vehicle", "A1"), "there is no status '0123456789abcdef'"),
        (("trace", "0" * 100), "there is no status '0000"),
        (("test", "x" * 65), "1 to 64 printable characters"),
    ],
)
def test_what_is_unknown_is_answered_in_a_sentence(
    daemon: RunningDaemon, arguments: tuple[str, ...], words: str
) -> None:
    assert words in refused(daemon, *arguments)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/trace/0123456789abcdef", None),
        ("POST", "/test", {"vehicle": "A1"}),
        ("POST", "/pause", None),
        ("POST", "/resume", None),
    ],
)
def test_only_an_admin_may_ask(daemon: RunningDaemon, method: str, path: str, body: Any) -> None:
    answers = [ask(daemon, method, path, body, key=key).status_code for key in (None, "sigfox", "device")]
    assert answers == [401, 403, 403]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "?limit=0", None, "from 1 to 10000"),
        ("GET", "?waiting=yes", None, "waiting is 'yes': it must be 0 or 1"),
        ("GET", "?vehicle=", None, "1 to 64 printable characters"),
        ("POST", "/test", {}, "the body is invalid"),
        ("POST", "/test", {"vehicle": "A1", "token": "x"}, "the body is invalid"),
    ],
)
def test_what_is_asked_wrongly_is_refused(daemon: RunningDaemon, method: str, path: str, body: Any, words: str) -> None:
    answer = ask(daemon, method, path, body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_a_pause_outlives_the_daemon_and_can_be_said_while_none_runs(tmp_path: Path) -> None:
    directory = tmp_path / "evd"
    keys = init(directory)

    def evd(*arguments: str) -> Any:
        return run_evd("push", *arguments, "--dir", directory)

    assert evd("test", "A1").stderr == (
        "evd: this evd pushes nothing: set push.credentials to a Firebase service account's file,"
        " and start `evd serve`\n"
    )
    since = json.loads(evd("pause", "--json").stdout)["paused_since"]
    with running_daemon(directory, keys=keys) as daemon:
        assert ask(daemon, "GET", "").json() == {
            "enabled": False,
            "paused_since": since,
            "held_up": "",
            "registered": 0,
            "stale": 0,
            "stale_after_days": 30,
            "waiting": [],
            "finished": [],
        }
        first, last = evd("list").stdout.splitlines()
        assert first == "Nothing waits, and nothing was pushed."
        assert last.startswith("pushes are paused since ")
        assert evd("resume").stdout.startswith("this evd pushes nothing: push.credentials is not set")
