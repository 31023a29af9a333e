"""Places for requests to receivers: a slow one holds up nobody else. Time stands but where a test turns it."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import RetryAfter
from evd.push.providers.webhook.shares import KNOWN_MAX, PATIENCE_S, ReceiverShares

WAIT_S = 10.0


class Receivers:
    """Asks receivers that answer when a test lets them."""

    def __init__(self, nursery: trio.Nursery, requests_max: int = 4) -> None:
        self.shares = ReceiverShares(requests_max)
        self.asked: list[str] = []
        self.put_off: list[str] = []
        self._nursery = nursery
        self._answers: dict[str, trio.Event] = {}

    async def ask(self, *receivers: str) -> None:
        """One request to each, in this order, until nothing moves."""
        for receiver in receivers:
            self._nursery.start_soon(self._ask, receiver)
            await wait_all_tasks_blocked()

    async def answer(self, receiver: str) -> None:
        self._answers.pop(receiver).set()
        await wait_all_tasks_blocked()

    async def _ask(self, receiver: str) -> None:
        try:
            async with self.shares.request(receiver, WAIT_S):
                self.asked.append(receiver)
                await self._answers.setdefault(receiver, trio.Event()).wait()
        except RetryAfter as error:
            assert error.delay_s == 10
            self.put_off.append(str(error))


async def test_there_are_no_more_requests_at_once_than_the_bound(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    receivers = Receivers(nursery, requests_max=3)
    await receivers.ask("a", "b", "c", "d", "e")
    assert receivers.asked == ["a", "b", "c"]
    await receivers.answer("b")
    assert receivers.asked == ["a", "b", "c", "d"]
    nursery.cancel_scope.cancel()


async def test_one_receiver_has_half_of_them(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    receivers = Receivers(nursery)
    await receivers.ask("a", "a", "a", "b")
    assert receivers.asked == ["a", "a", "b"]
    await receivers.answer("a")
    assert receivers.asked == ["a", "a", "b", "a"]
    nursery.cancel_scope.cancel()


async def test_who_waits_for_a_receiver_that_hangs_is_put_off_when_it_is_found_out_and_others_are_served(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    receivers = Receivers(nursery)
    await receivers.ask("hung", "hung", "hung", "hung")
    mock_clock.jump(PATIENCE_S)
    await wait_all_tasks_blocked()
    await receivers.ask("hung", "well")
    assert receivers.asked == ["hung", "hung", "well"]
    assert receivers.put_off == ["The webhook at hung needs more than 2 s to answer."] * 3
    nursery.cancel_scope.cancel()


async def test_a_receiver_that_was_slow_has_one_request_until_it_is_quick(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    receivers = Receivers(nursery)
    await receivers.ask("slow")
    mock_clock.jump(PATIENCE_S + 0.1)
    await receivers.answer("slow")
    await receivers.ask("slow", "slow")
    assert (receivers.asked, len(receivers.put_off)) == (["slow"] * 2, 1)
    await receivers.answer("slow")
    await receivers.ask("slow", "slow")
    assert (receivers.asked, len(receivers.put_off)) == (["slow"] * 4, 1)
    nursery.cancel_scope.cancel()


async def test_all_slow_receivers_together_have_half_of_the_requests(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    receivers = Receivers(nursery)
    names = ["slow-0", "slow-1", "slow-2"]
    await receivers.ask(*names)
    mock_clock.jump(PATIENCE_S + 0.1)
    for name in names:
        await receivers.answer(name)
    await receivers.ask(*names)
    assert receivers.asked == [*names, "slow-0", "slow-1"]
    assert receivers.put_off == ["The webhook at slow-2 needs more than 2 s to answer."]
    nursery.cancel_scope.cancel()


async def test_who_finds_no_place_in_time_is_put_off(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    receivers = Receivers(nursery, requests_max=1)
    await receivers.ask("a", "b")
    mock_clock.jump(WAIT_S)
    await wait_all_tasks_blocked()
    assert receivers.put_off == ["The webhook at b had to wait for others for 10 s."]
    await receivers.answer("a")
    await receivers.ask("b")
    assert receivers.asked == ["a", "b"], "whoever gave up holds no place"
    nursery.cancel_scope.cancel()


async def test_a_request_that_fails_or_is_cancelled_gives_its_place_back() -> None:
    shares = ReceiverShares(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with shares.request("a", WAIT_S):
                raise ZeroDivisionError
        with trio.CancelScope() as scope:
            async with shares.request("a", WAIT_S):
                scope.cancel()
                await trio.sleep_forever()


async def test_a_bounded_number_of_receivers_is_remembered() -> None:
    shares = ReceiverShares(4)
    for number in range(KNOWN_MAX + 10):
        async with shares.request(f"receiver-{number}", WAIT_S):
            pass
    assert len(shares._known) == KNOWN_MAX
