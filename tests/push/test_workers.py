"""Workers send one push each at a time; no more are started than are needed, nor than the bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import trio.testing
from builders import NOW

from evd.model.operations import Registration
from evd.push.delivery import Delivery
from evd.push.workers import Workers


def delivery(number: int) -> Delivery:
    return Delivery(Registration(number, "386625", "t", "token", "386625", "anna", NOW, "", None, 0), None, None, None)


class Gate:
    """A send that ends when it is let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._places = trio.Semaphore(0)

    async def send(self, one: Delivery) -> None:
        self.begun.append(one.registration.number)
        await self._places.acquire()

    async def let_go(self, count: int) -> None:
        for _ in range(count):
            self._places.release()
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def put(gate: Gate, *, most: int, pushes: int) -> AsyncIterator[tuple[Workers, trio.Nursery]]:
    workers = Workers(gate.send, most=most)
    async with trio.open_nursery() as nursery:
        for number in range(pushes):
            workers.put(delivery(number), nursery)
        await trio.testing.wait_all_tasks_blocked()
        yield workers, nursery
        nursery.cancel_scope.cancel()


async def test_no_more_are_sent_at_once_than_there_may_be_workers_and_the_others_follow_in_order() -> None:
    gate = Gate()
    async with put(gate, most=2, pushes=5):
        assert sorted(gate.begun) == [0, 1]
        await gate.let_go(2)
        assert sorted(gate.begun[2:]) == [2, 3]
        await gate.let_go(2)
        assert gate.begun[4:] == [4]


async def test_a_worker_that_is_free_takes_the_next_push_and_no_other_one_is_started() -> None:
    gate = Gate()
    async with put(gate, most=8, pushes=1) as (workers, nursery):
        for number in range(1, 4):
            await gate.let_go(1)
            workers.put(delivery(number), nursery)
            await trio.testing.wait_all_tasks_blocked()
        assert gate.begun == [0, 1, 2, 3]
        assert len(nursery.child_tasks) == 1


async def test_what_was_not_begun_is_taken_back_and_is_not_sent() -> None:
    gate = Gate()
    async with put(gate, most=1, pushes=3) as (workers, _):
        assert [one.registration.number for one in workers.take_back()] == [1, 2]
        assert workers.take_back() == []
        await gate.let_go(3)
        assert gate.begun == [0]
