"""Permits that are shared out: nobody has more than a share, and who wants much waits behind their own requests."""

from __future__ import annotations

from functools import partial

import pytest
import trio
import trio.testing

from evd.concurrency.fair_queue import FairQueue
from evd.errors import Unavailable


async def stand(turns: FairQueue[int], requester: str, had: list[str], *, for_ever: bool = False) -> None:
    async with turns.permit(requester):
        had.append(requester)
        if for_ever:
            await trio.sleep_forever()


async def test_who_wants_much_waits_behind_its_own_requests() -> None:
    turns, had = FairQueue([1], each=1, waiting_max=99), list[str]()
    async with trio.open_nursery() as nursery, turns.permit("a"):
        for requester in "aaaabcb":
            nursery.start_soon(stand, turns, requester, had)
            await trio.testing.wait_all_tasks_blocked()
    assert "".join(had) == "abcabaa"


async def test_nobody_has_more_than_their_share_though_permits_are_free() -> None:
    turns, had = FairQueue([1, 2, 3], each=2, waiting_max=1), list[str]()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(partial(stand, turns, "a", had, for_ever=True))
        await trio.testing.wait_all_tasks_blocked()
        assert had == ["a", "a"] and turns.waiting == 1
        with pytest.raises(Unavailable, match="again later"):
            await turns.take("a")
        assert await turns.take("b")
        nursery.cancel_scope.cancel()
    assert turns.waiting == 0


async def test_one_asker_s_queue_leaves_room_for_others() -> None:
    turns, had = FairQueue([1], each=1, waiting_max=8), list[str]()
    async with trio.open_nursery() as nursery, turns.permit("a"):
        for requester in "aab":
            nursery.start_soon(stand, turns, requester, had)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(Unavailable):
            await turns.take("a")
    assert "".join(had) in ("baa", "aba")


async def test_who_is_cancelled_while_waiting_or_when_called_takes_no_permit_along() -> None:
    turns = FairQueue([7], each=1, waiting_max=9)
    place = await turns.take("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.take, "b")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        turns.give_back("a", place)  # b is called, and cancelled before it hears of it
    with trio.fail_after(1):
        assert await turns.take("c") == 7
