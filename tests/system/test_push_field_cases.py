"""What FCM and others in its place were seen to answer in the field, and what evd makes of it (field-cases.json, F)."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from chain import fake_fcm, whole_chain
from daemon_process import RunningDaemon
from push_chain import NOW, Chain, chain

from evd.alarms.readings import readings_of
from evd.alarms.state import Alarms
from evd.config.alarm_settings import AlarmSettings
from evd.dev.fake_fcm.behaviours import FakeReply, refusal
from evd.model.daemon_state import DaemonState, ProviderState, PushOutcome, PushState
from evd.model.operations import Register

HTML = b"<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p><b>502.</b>"
NO_DETAILS = b'{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}'
INTERNAL = b'{"error":{"code":500,"status":"INTERNAL","message":"Internal error encountered."}}'
BY_WORDS = "The registration token is not a valid FCM registration token"
UNREGISTERED = refusal(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
CLOCK = {
    "error": "invalid_grant",
    "error_description": "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim.",
}


def refused(status: int, body: bytes, kind: str = "text/html") -> FakeReply:
    return FakeReply(status, body, (("Content-Type", kind),))


class Case(NamedTuple):
    """What the first tries are answered, and how the push ends: `waits_s` between the tries at the least."""

    answers: tuple[FakeReply, ...]
    waits_s: tuple[int, ...]
    says: str
    """In the delivery's outcome after the first try; or in the log of pushes where it ends there."""
    ends: str = "taken"
    """`taken`, `given up` (the next status is sent) or `dropped`."""
    pauses: bool = False


CASES = {
    "F01-502-html": Case((refused(502, HTML),), (10,), "FCM is not available. (FCM: 502)"),
    "F02-200-not-fcm": Case(
        (refused(200, b"."), refused(200, HTML)), (10, 10), "The answer is not FCM's: check push.endpoint."
    ),
    "F03-404-without-unregistered": Case((refused(404, NO_DETAILS),), (60,), "check push.credentials", pauses=True),
    "F03-404-without-unregistered, in HTML": Case((refused(404, HTML),), (60,), "push.endpoint", pauses=True),
    "F04-400-token-by-words": Case(
        (refusal(400, "INVALID_ARGUMENT", BY_WORDS, "INVALID_ARGUMENT"),), (), "not one of FCM's", "dropped"
    ),
    "F05-400-not-the-token": Case(
        (refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", "INVALID_ARGUMENT"),),
        (),
        "FCM does not accept this message.",
        "given up",
    ),
    "F09-500-lost": Case((refused(500, INTERNAL),) * 2, (10, 10), "FCM is not available. (FCM: 500 INTERNAL"),
}


@pytest.mark.parametrize("name", CASES)
async def test_an_answer_of_the_field_is_understood(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        one.fake.google.answer_next(*case.answers)
        await one.arrive(1)
        tries = 1
        await one.sent(tries)
        if case.ends == "taken":
            await one.until("SELECT attempts FROM deliveries", 1)
            ((said,),) = one.rows("SELECT outcome FROM deliveries")
            assert bool(one.pushing.state().pause_text) == case.pauses
        else:
            ((said,),) = one.rows("SELECT outcome FROM pushed")
        assert case.says in said
        assert "<" not in said, "no HTML in a table"
        for wait_s in case.waits_s:
            one.pass_s(wait_s - 0.1)
            await one.sent(tries)
            one.pass_s(0.1)
            tries += 1
            await one.sent(tries)
        await _ended(one, case, tries)


async def _ended(one: Chain, case: Case, tries: int) -> None:
    left = [] if case.ends == "dropped" else [("phone-a",)]
    assert one.rows("SELECT token FROM registrations") == left
    taken = one.rows("SELECT taken FROM pushed")
    assert taken == [(int(case.ends == "taken"),)]
    if case.ends != "dropped":
        await one.arrive(2)
        assert (await one.sent(tries + 1))[-1] == ("phone-a", 200)


async def test_what_fcm_took_for_gone_goes_on_when_it_registers_again(tmp_path: Path) -> None:
    """F06-unregistered-but-alive"""
    async with chain(tmp_path) as one:
        again = Register("386625", "386625", "phone-a", "martin", NOW, client="original")
        await one.do(again)
        one.fake.google.answer_next(UNREGISTERED)
        await one.arrive(1)
        await one.sent(1)
        assert one.rows("SELECT count(*) FROM registrations") == [(0,)]
        await one.do(again)
        await one.arrive(2)
        assert await one.sent(2) == [("phone-a", 404), ("phone-a", 200)]
        await one.until("SELECT given FROM deliveries", f"{2:016x}")


async def test_a_clock_that_google_refuses_pauses_until_it_is_right(tmp_path: Path) -> None:
    """F08-invalid-grant-clock"""
    async with chain(tmp_path) as one:
        one.fake.google.refuse_tokens(refused(400, json.dumps(CLOCK).encode(), "application/json"))
        await one.register("phone-a")
        await one.arrive(1)
        await one.until("SELECT attempts FROM deliveries", 1)
        paused = one.pushing.state().pause_text
        for part in ("invalid_grant", "push.credentials", "this machine's clock", one.fake.token_uri):
            assert part in paused
        assert one.rows("SELECT token FROM registrations") == [("phone-a",)]
        one.fake.google.refuse_tokens(None)
        one.pusher._tokens._failure_until = 0.0  # its own clock is trio's, which no test moves
        one.pass_s(60)
        assert await one.sent(1) == [("phone-a", 200)]
        assert one.pushing.state().pause_text == ""


PHONES = int(os.environ.get("FIELD_PHONES", "100"))
"""Which are all gone at once; FIELD_PHONES=2000 is the field's case."""


def test_many_phones_that_are_gone_at_once_alarm_and_come_back(tmp_path: Path) -> None:
    """F07-mass-unregistered"""
    with fake_fcm(tmp_path) as fcm, whole_chain(tmp_path, fcm, settings="[push]\nramp_s = 0\n") as evd:
        vehicles = [f"{number:X}" for number in range(1, PHONES // 20 + 1)]
        phones = [
            {"vehicle": vehicle, "token": f"unregistered-{vehicle}-{number}", "uid": f"user of {vehicle}"}
            for vehicle in vehicles
            for number in range(20)
        ]
        headers = {"x-api-key": evd.keys["admin"]}
        with httpx.Client(base_url=evd.url, headers=headers, timeout=30) as admin:
            for first in range(0, PHONES, 200):
                body = {"registrations": phones[first : first + 200]}
                assert admin.post("/api/v1/registrations/import", json=body).json()["refused"] == []
            assert _registered(admin) == PHONES
            began = time.monotonic()
            slowest_s = 0.0
            for vehicle in vehicles:
                uplink = {"device": vehicle, "time": int(time.time()), "data": "01", "seqNumber": 1}
                answer = admin.post("/sigfox/uplink", json=uplink)
                assert answer.status_code == 201
                slowest_s = max(slowest_s, answer.elapsed.total_seconds())
            assert slowest_s < 2, "callbacks are not held up"
            while _registered(admin) and time.monotonic() < began + 60:
                time.sleep(0.1)
            assert _registered(admin) == 0
            outcomes = admin.get("/api/v1/stats").json()["push"]["outcomes"]
            alarms = Alarms(AlarmSettings())
            alarms.step(readings_of(_state({}), NOW, rejected_max=10_000))
            changes = alarms.step(readings_of(_state(outcomes), NOW + 5000, rejected_max=10_000))
            (raised,) = [change for change in changes if change.name == "push_dropped"]
            assert f"{PHONES} phones within an hour" in raised.text
            began = time.monotonic()
            with ThreadPoolExecutor(4) as users:
                answers = list(users.map(lambda some: _register(evd, some), [phones[at::4] for at in range(4)]))
            assert answers == [{200}] * 4
            assert _registered(admin) == PHONES
            assert time.monotonic() - began < 10


def _state(outcomes: dict[str, int]) -> DaemonState:
    counts = {PushOutcome(name): count for name, count in outcomes.items()}
    push = PushState(providers={"fcm": ProviderState(in_flight=0, outcomes=counts)})
    return DaemonState(version="", codec="", push=push)


def _register(evd: RunningDaemon, phones: list[dict[str, str]]) -> set[int]:
    """As their apps would; the answers' statuses."""
    with httpx.Client(base_url=evd.url, headers={"x-api-key": evd.keys["app"]}, timeout=30) as client:
        return {
            client.post(
                f"/android/fcm-register?vehicleId={phone['vehicle']}",
                json={"vehicleId": phone["vehicle"], "fcmToken": phone["token"], "register": True},
                headers={"userId": phone["uid"]},
            ).status_code
            for phone in phones
        }


def _registered(admin: httpx.Client) -> int:
    stored: dict[str, Any] = admin.get("/api/v1/stats").json()["stored"]
    return int(stored["registrations"])
