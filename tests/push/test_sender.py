"""What follows from an answer of the provider: for the push, its registration, all other pushes and their pace."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import trio
import trio.testing
from push_chain import NOW, chain

from evd.model.daemon_state import PauseReason
from evd.model.operations import Register, Unregister

PUSHED = "SELECT count(*) FROM pushed"
ATTEMPTS = "SELECT max(attempts) FROM deliveries"


class Rule(NamedTuple):
    """One row of the reference's table: the fake's behaviour by token, and what becomes of the rest."""

    token: str
    registered: bool
    outcome: str
    """What the log of pushes, or the delivery that waits, says."""
    due_s: float | None = None
    pauses_s: float = 0


RULES = (
    Rule("phone", True, "projects/evd-test/messages/"),
    Rule("unregistered", False, "UNREGISTERED"),
    Rule("mismatch", False, "SENDER_ID_MISMATCH"),
    Rule("invalid", False, "INVALID_ARGUMENT"),
    Rule("badpayload", True, "INVALID_ARGUMENT"),
    Rule("thirdparty", True, "THIRD_PARTY_AUTH_ERROR", 60, 60),
    Rule("quota-", True, "QUOTA_EXCEEDED", 10, 10),
    Rule("quotadevice", True, "QUOTA_EXCEEDED", 60),
    Rule("internal", True, "INTERNAL", 10),
    Rule("gateway", True, "502", 10),
    Rule("unavailable", True, "UNAVAILABLE", 10),
    Rule("retry503-90-", True, "UNAVAILABLE", 90),
    Rule("reset", True, "closed the connection", 10),
)


@pytest.mark.parametrize("rule", RULES, ids=[rule.token for rule in RULES])
async def test_what_follows_from_an_answer(tmp_path: Path, rule: Rule) -> None:
    async with chain(tmp_path) as one:
        await one.register(f"{rule.token}1")
        await one.arrive(1)
        await one.sent(1) if rule.token != "reset" else await one.until(ATTEMPTS, 1)
        if rule.due_s is None:
            ((outcome,),) = one.rows("SELECT outcome FROM pushed")
        else:
            ((outcome, due),) = one.rows("SELECT outcome, due FROM deliveries")
            assert due == NOW + rule.due_s * 1000
        assert rule.outcome in outcome
        assert one.rows("SELECT count(*) FROM registrations") == [(int(rule.registered),)]
        await one.register("phone-b")
        await one.arrive(2)
        await one.quiet()
        delivered = [s["message"]["token"] for s in one.fake.sends if s["message"]["token"] == "phone-b"]
        assert delivered == ([] if rule.pauses_s else ["phone-b"]), "a pause holds up everybody, anything else nobody"
        if rule.pauses_s:
            assert one.pushing.state().pause_text
            one.pass_s(rule.pauses_s)
            await one.until("SELECT count(*) FROM pushed WHERE token = 'phone-b'", 1)


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        pytest.param("quota", "QUOTA_EXCEEDED", id="a project's quota, without Retry-After"),
        pytest.param("unauthorized", "UNAUTHENTICATED", id="an access token that is refused, and the next one, too"),
    ],
)
async def test_what_concerns_all_pauses_all_for_a_minute_and_keeps_what_waits(
    tmp_path: Path, mood: str, says: str
) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        one.fake.google.set_mood(mood)
        await one.arrive(1)
        await one.until(ATTEMPTS, 1)
        one.fake.google.set_mood("ok")
        assert says in one.pushing.state().pause_text
        await one.register("phone-b")
        await one.arrive(2)
        one.pass_s(59)
        await one.quiet()
        assert one.rows(PUSHED) == [(0,)]
        one.pass_s(1)
        await one.until(PUSHED, 2)
        assert one.pushing.state().pause_text == ""


async def test_without_an_access_token_the_sender_pauses_and_nothing_is_lost(tmp_path: Path) -> None:
    async with chain(tmp_path, token_path="/nowhere") as one:
        await one.register("phone-a")
        await one.arrive(1)
        await one.until(ATTEMPTS, 1)
        state = one.pushing.state()
        assert (state.pause, "No access token" in state.pause_text) == (PauseReason.CREDENTIALS, True)
        assert one.rows("SELECT due FROM deliveries") == [(NOW + 60_000,)]
        assert one.rows("SELECT token FROM registrations") == [("phone-a",)]


async def test_an_answer_that_does_not_come_is_waited_for_ten_seconds(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.rate = 1.0
    async with chain(tmp_path) as one:
        await one.register("hang-1")
        await one.arrive(1)
        with trio.fail_after(30):
            while one.dispatcher.in_flight < 1 or not one.fake.sends:
                await trio.sleep(0.002)
        mock_clock.jump(9)
        await one.quiet()
        assert one.rows(ATTEMPTS) == [(0,)]
        mock_clock.jump(1.5)
        await one.until(ATTEMPTS, 1)
        assert one.rows("SELECT due FROM deliveries") == [(NOW + 10_000,)]


async def test_a_registration_renewed_after_the_send_outlives_an_answer_that_its_token_is_dead_and_is_sent_again(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.rate = 1.0
    async with chain(tmp_path) as one:

        def tick(seconds: float) -> None:
            one.clocks.seconds += seconds
            one.clocks.now += int(seconds * 1000)
            mock_clock.jump(seconds)  # only the dispatcher's own alarm clock tells it to look

        await one.do(Register("386625", "386625", "unregistered-x", "martin", NOW + 5))  # as if renewed after the send
        await one.arrive(1)
        await one.sent(1)
        kept = "SELECT token, given, due FROM registrations JOIN deliveries ON registration = number"
        assert one.rows(kept) == [("unregistered-x", "", NOW + 10_000)]
        tick(9.5)
        await one.sent(1)
        tick(0.5)
        await one.sent(2)


async def test_a_project_over_its_quota_sends_half_as_fast(tmp_path: Path) -> None:
    async with chain(tmp_path, rate_max=10.0) as one:
        await one.register("quota-1")
        await one.arrive(1)
        await one.sent(1)
        await one.do(Unregister("386625", "quota-1"))
        await one.register(*[f"phone-{number}" for number in range(20)])
        await one.arrive(2)
        await one.sent(1)
        one.pass_s(10)
        await one.quiet()
        before = len(one.fake.sends)
        for _ in range(10):
            one.pass_s(0.2)
            await one.quiet()
        assert 9 <= len(one.fake.sends) - before <= 11, "5 a second"


async def test_a_provider_that_is_down_is_asked_with_single_pushes(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=16) as one:
        one.fake.google.set_mood("unavailable")
        await one.register(*[f"phone-{number}" for number in range(99)])
        await one.arrive(1)
        await one.quiet()
        asked = len(one.fake.sends)
        assert 64 <= asked < 64 + 16
        one.pass_s(9.9)
        assert len(await one.sent(asked)) == asked
        one.pass_s(0.1)
        await one.sent(asked + 1)
        one.fake.google.set_mood("ok")
        one.pass_s(10)
        for _ in range(8):
            await one.quiet()
            one.pass_s(20)
        await one.until("SELECT count(*) FROM pushed WHERE taken", 99)
