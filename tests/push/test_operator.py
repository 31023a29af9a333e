"""What the operator sees of pushes and may do with them, by `evd push` and `/api/v1/pushes`.

The daemon and the fake FCM are processes of their own.
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
from builders import ROOMY, arrival, new_store, rows
from chain import fake_fcm
from daemon_process import READY_S, RunningDaemon, init, run_evd, running_daemon
from pushed_outcomes import GOOD, OTHER, UNSEEN, outcome
from registered_phones import phone

from evd.clock import now_ms
from evd.model.units import DAY_MS, HOUR_MS

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
