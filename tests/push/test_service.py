"""The push service: what all dispatchers have in common, and the test pushes."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing
from push_chain import NOW, chain

import evd.api.v1.pushes
import evd.net.client.control_socket
import evd.push.service
from evd.model.operations import PausePushes

PUSHED = "SELECT count(*) FROM pushed"


async def test_the_operator_s_pause_holds_everything_and_outlives_a_restart(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("phone-a")
        await one.do(PausePushes(True, NOW))
        one.pushing.pause(True)
        await one.arrive(1)
        await one.quiet()
        assert one.fake.sends == []
    async with chain(tmp_path) as again:
        await again.quiet()
        assert again.fake.sends == []
        assert again.pushing.state().held_since == NOW
        await again.do(PausePushes(False, NOW))
        again.pushing.pause(False)
        await again.sent(1)


async def test_a_test_says_of_each_phone_what_its_provider_says_or_that_it_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evd.push.service.TEST_TIMEOUT_S", 0.3)
    async with chain(tmp_path) as one:
        await one.arrive(1)
        await one.register("phone-a", "hang-1", "unregistered")
        told = {row["token"]: (row["taken"], row["said"]) for row in await one.pushing.test("386625")}
        assert told["hang-1…"] == (False, "no answer within 0.3 s")
        assert told["phone-a…"][0] is True
        assert told["unregist…"][0] is False
        assert len(told) == 3
        assert await one.pushing.test("BEEF") == []


def test_a_test_ends_before_whoever_asked_for_it_gives_up() -> None:
    assert (
        evd.push.service.TEST_TIMEOUT_S + 4 < evd.api.v1.pushes.TEST_TIMEOUT_S < evd.net.client.control_socket.TIMEOUT_S
    )


async def test_finish_waits_for_what_is_in_flight_and_starts_nothing_more(tmp_path: Path) -> None:
    async with chain(tmp_path) as one:
        await one.register("slow0.2-a")
        await one.arrive(1)
        with trio.fail_after(30):
            while not one.fake.google.sends:
                await trio.sleep(0.005)
            await one.dispatcher.finish()
        assert one.dispatcher.in_flight == 0
        assert one.rows(PUSHED) == [(1,)]
        await one.arrive(2)
        await one.quiet()
        assert len(one.fake.sends) == 1
