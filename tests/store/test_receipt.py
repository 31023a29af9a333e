"""A receipt gives its result once, to a callback or to a task, whenever that asks."""

from __future__ import annotations

import pytest
import trio
from scripted_store import Numbered, ScriptedStore, new_writer, running, until
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import Unavailable
from evd.model.operations import LimitReached
from evd.store.receipt import Receipt


async def test_an_abandoned_operation_is_written_all_the_same(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    store.gate.clear()
    async with running(writer):
        writer.submit(Numbered(0))
        await store.is_entered()
        async with trio.open_nursery() as client:
            client.start_soon(writer.write, Numbered(1))
            await wait_all_tasks_blocked()
            client.cancel_scope.cancel()
        store.gate.set()
        assert await writer.write(Numbered(2)) == 2
    assert store.groups == [[0], [1, 2]]


async def test_a_result_may_be_fetched_late(store: ScriptedStore, mock_clock: MockClock) -> None:
    writer = new_writer(store)
    async with running(writer):
        receipt = writer.submit(Numbered(3))
        await until(lambda: receipt.done)
        assert await receipt.wait() == 3


async def test_an_error_of_one_operation_is_its_own(store: ScriptedStore, mock_clock: MockClock) -> None:
    store.results[1] = LimitReached("full")
    writer = new_writer(store)
    receipts = [writer.submit(Numbered(i)) for i in range(3)]
    async with running(writer):
        assert await receipts[0].wait() == 0
        with pytest.raises(LimitReached):
            await receipts[1].wait()
        assert await receipts[2].wait() == 2


def receipt() -> Receipt:
    return Receipt(Numbered(1), 1, 0.0)


def test_a_callback_gets_the_first_result_and_no_other_one() -> None:
    taken: list[object] = []
    early, late = receipt(), receipt()
    early.then(taken.append)
    assert (early.done, taken) == (False, [])
    failure = Unavailable("stopped")
    for one in (early, late):
        one.settle(None)
        one.settle(failure)
    assert (early.done, taken) == (True, [None])
    late.then(taken.append)
    assert taken == [None, None]


async def test_a_task_gets_the_result_or_raises_it() -> None:
    for result in (7, Unavailable("stopped")):
        waiting = receipt()
        outcomes: list[object] = []

        async def wait(waiting: Receipt = waiting, outcomes: list[object] = outcomes) -> None:
            try:
                outcomes.append(await waiting.wait())
            except Unavailable as error:
                outcomes.append(error)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            waiting.settle(result)
        assert outcomes == [result]


async def test_a_receipt_that_nobody_waits_for_any_more_is_settled_all_the_same() -> None:
    left = receipt()
    with trio.move_on_after(0):
        await left.wait()
    left.settle(7)
    assert await left.wait() == 7
