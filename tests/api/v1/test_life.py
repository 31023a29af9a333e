"""Vehicles that are ignored, merged and deleted, by command and over HTTP, and what becomes of their callbacks."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

SETTINGS = "[app]\ntrust_user_header = true\n"
NOW_S = int(time.time())


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("life") / "evd", settings=SETTINGS) as one:
        yield one


def sent(daemon: RunningDaemon, vehicle: str, at: int = 0, **more: Any) -> httpx.Response:
    body = {"device": vehicle, "time": NOW_S + at, "data": "01", "seqNumber": at, **more}
    return httpx.post(f"{daemon.url}/sigfox/uplink", headers={"x-api-key": daemon.keys["sigfox"]}, json=body)


def asked(daemon: RunningDaemon, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"x-api-key": daemon.keys["admin"]}
    return httpx.request(method, f"{daemon.url}/api/v1{path}", headers=headers, json=body)


def kept(daemon: RunningDaemon, vehicle: str) -> int:
    answer = asked(daemon, "GET", f"/vehicles/{vehicle}")
    return int(answer.json()["kept"]) if answer.status_code == 200 else 0


def evd(daemon: RunningDaemon, *arguments: str) -> Any:
    done = run_evd(*arguments, "--json", "--dir", daemon.directory)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_callbacks_of_an_ignored_vehicle_are_answered_and_counted_and_not_kept(daemon: RunningDaemon) -> None:
    assert sent(daemon, "11").status_code == 201
    assert evd(daemon, "vehicle", "ignore", "0011") == {"vehicle": "11", "ignored": True}
    answers = [sent(daemon, "11", 1), sent(daemon, "0011", 2), sent(daemon, "11", 3, unknown="x", ack="true")]
    assert {answer.status_code for answer in answers} == {201} and answers[0].headers["x-status-id"]
    lines = {"batch": f"11;{NOW_S + 4};01;4;\n12;{NOW_S + 4};01;4;"}
    batch = httpx.post(f"{daemon.url}/sigfox/batch", headers={"x-api-key": daemon.keys["sigfox"]}, data=lines)
    assert batch.status_code == 201, batch.text
    items = [{"device": "11", "time": NOW_S + 5, "data": "01"}, {"device": "12", "time": NOW_S + 5, "data": "01"}]
    listed = httpx.post(f"{daemon.url}/wlan", headers={"x-api-key": daemon.keys["device"]}, json=items)
    assert listed.status_code == 201, listed.text
    assert (kept(daemon, "11"), kept(daemon, "12")) == (1, 2)
    assert [(row["vehicle"], row["callbacks"]) for row in evd(daemon, "vehicle", "ignore")] == [("11", 5)]
    assert evd(daemon, "vehicle", "ignore", "11", "--off")["ignored"] is False
    assert sent(daemon, "11", 6).status_code == 201 and kept(daemon, "11") == 2


def test_a_mistyped_vehicle_becomes_the_right_one_with_its_later_callbacks(daemon: RunningDaemon) -> None:
    ids = [sent(daemon, "21", at).headers["x-status-id"] for at in range(3)]
    sent(daemon, "22", 9)
    assert evd(daemon, "vehicle", "merge", "21", "22")["merged"] is True
    again = sent(daemon, "21", 1)
    assert again.headers["x-status-id"] == ids[1], "a redelivery is answered as the first time"
    assert sent(daemon, "0021", 10).status_code == 201
    wait_until(lambda: kept(daemon, "22") == 5)
    refused = asked(daemon, "POST", "/vehicles/22/merge", {"into": "NEVER"})
    assert refused.status_code == 400 and "NEVER" in refused.json()["detail"]


def test_an_app_that_asks_for_a_merged_vehicle_gets_the_one_that_it_is_now(daemon: RunningDaemon) -> None:
    sent(daemon, "23")
    sent(daemon, "24", 9)
    asked(daemon, "POST", "/owners", {"uid": "ben", "vehicle": "23"})
    assert evd(daemon, "vehicle", "merge", "23", "24")["merged"] is True
    user = {"x-api-key": daemon.keys["app"], "userId": "ben"}
    last = httpx.get(f"{daemon.url}/android/last?vehicleId=0023", headers=user)
    assert last.status_code == 200 and last.json()["vehicleId"] == "0023", "spelled as it is asked for"
    assert last.json()["timestamp"] == (NOW_S + 9) * 1000
    assert httpx.get(f"{daemon.url}/api/v1/vehicles/23/last", headers=user).json()["vehicle"] == "24"
    phone = {"vehicle": "23", "token": "merged"}
    assert httpx.post(f"{daemon.url}/api/v1/registrations", headers=user, json=phone).status_code == 201
    listed = httpx.get(f"{daemon.url}/api/v1/registrations?vehicle=24", headers=user).json()
    assert len(listed) == 1
    foreign = {**user, "userId": "eve"}
    assert httpx.get(f"{daemon.url}/api/v1/vehicles/23/last", headers=foreign).status_code == 404
    assert httpx.get(f"{daemon.url}/android/last?vehicleId=23", headers=foreign).status_code == 403


def test_a_deleted_vehicle_is_gone_and_is_new_with_its_next_callback(daemon: RunningDaemon) -> None:
    for at in range(3):
        sent(daemon, "31", at)
    assert asked(daemon, "DELETE", "/vehicles/31", {"of_no_form": 1}).status_code == 400
    assert evd(daemon, "vehicle", "delete", "31")["deleted"]["vehicles"] == 1
    assert asked(daemon, "GET", "/vehicles/31").status_code == 404
    assert asked(daemon, "DELETE", "/vehicles/31").status_code == 404
    sent(daemon, "31", 5)
    assert kept(daemon, "31") == 1


def test_a_user_is_forgotten_and_owns_nothing(daemon: RunningDaemon) -> None:
    asked(daemon, "POST", "/owners", {"uid": "anna", "vehicle": "41"})
    user = {"x-api-key": daemon.keys["app"], "userId": "anna"}
    phone = {"vehicle": "41", "token": "t"}
    assert httpx.post(f"{daemon.url}/api/v1/registrations", headers=user, json=phone).status_code == 201
    assert evd(daemon, "forget", "--user", "anna")["deleted"] == {"owners": 1, "registrations": 1}
    assert httpx.get(f"{daemon.url}/api/v1/vehicles/41/alerts", headers=user).status_code == 404
    assert run_evd("forget", "--yes", "--dir", daemon.directory).returncode == 2, "it is not said what"


def test_a_user_who_is_removed_with_all_owns_nothing(daemon: RunningDaemon) -> None:
    user = {"uid": "olga", "password": "correct horse battery"}
    for forgets in (False, True):
        assert asked(daemon, "POST", "/users", user).json()["vehicles"] == 0
        asked(daemon, "POST", "/owners", {"uid": "olga", "vehicle": "51"})
        done = run_evd("user", "remove", "olga", "--yes", *(["--forget"] if forgets else []), "--dir", daemon.directory)
        assert done.returncode == 0, done.stderr
        owners = [row["uid"] for row in asked(daemon, "GET", "/owners").json()]
        assert ("olga" in owners) is not forgets
        if not forgets:
            assert "vehicles (1), phones and preferences of olga stay" in done.stdout
            assert evd(daemon, "user", "remove", "olga", "--forget")["deleted"]["owners"] == 1
        else:
            assert "1 of users" in done.stdout and "no longer owned or seen by olga: 51" in done.stdout


def test_no_log_line_names_a_place_or_a_vehicle_of_an_ordinary_callback(daemon: RunningDaemon) -> None:
    for at, place in enumerate(("48.15213,17.10733", "48.99999,17.88888")):
        assert sent(daemon, "5EC2E7", at, location=place, regNumber="BA-123XY").status_code == 201
    sent(daemon, "5EC2E7", 3, time="never", location="48.15213,17.10733", regNumber="BA-123XY")
    daemon.event("a callback is rejected")
    said = str(daemon.logs)
    assert not [word for word in ("48.15213", "17.88888", "BA-123XY") if word in said]


def wait_until(condition: Any, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
