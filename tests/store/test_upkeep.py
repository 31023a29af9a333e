"""Maintenance and checkpoints run beside the commits, and what they find is the writer's."""

from __future__ import annotations

from itertools import count

import pytest
import trio
from pytest import RaisesGroup
from scripted_store import Numbered, ScriptedStore, new_writer, running, until
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.errors import StoreBroken, StoreBusy, StoreError, StoreFull, Unavailable
from evd.store.group_commit import SLICE_S
from evd.store.writer import MAINTAIN_EVERY_S


async def test_nothing_is_tidied_between_the_slices_of_a_group(store: ScriptedStore, mock_clock: MockClock) -> None:
    seconds = count(0, SLICE_S)
    writer = new_writer(store, timer=lambda: next(seconds))
    store.pauses = 6
    waiting = [writer.submit(Numbered(0)), writer.submit(Numbered(1))]
    async with running(writer):
        assert [await receipt.wait() for receipt in waiting] == [0, 1]
        waiting = [writer.submit(Numbered(number)) for number in range(2)]
        assert [await receipt.wait() for receipt in waiting] == [0, 1]
    assert store.tidied


async def test_an_idle_writer_finds_out_that_there_is_space_again(store: ScriptedStore, mock_clock: MockClock) -> None:
    """Readiness may keep the callbacks away that would have shown it."""
    writer = new_writer(store)
    store.script = [StoreFull("full")]
    store.tidying = [StoreFull("still"), StoreFull("still"), False]
    async with running(writer):
        with pytest.raises(Unavailable):
            await writer.write(Numbered(0))
        assert writer.health.disk_full
        await until(lambda: not writer.health.disk_full, mock_clock, MAINTAIN_EVERY_S)
    assert store.tidied >= 3


async def test_a_store_that_breaks_beside_the_commits_ends_the_writer_though_more_is_to_do(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.wants_maintenance, store.wants_checkpoint, store.relieving = False, True, StoreBroken("fdatasync failed")
    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:

            async def load() -> None:
                while True:
                    if writer.waiting < 50:
                        writer.submit(Numbered(0))
                    await trio.lowlevel.checkpoint()

            nursery.start_soon(writer.run)
            nursery.start_soon(load)
            await until(lambda: writer.health.commits > 3)
            store.relief.set()
    assert caught.group_contains(StoreBroken, match="fdatasync failed")


async def test_an_idle_writer_takes_the_next_operation_though_a_relief_goes_on(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    writer = new_writer(store)
    store.wants_maintenance, store.wants_checkpoint = False, True
    async with running(writer):
        await writer.write(Numbered(0))
        mock_clock.jump(2 * MAINTAIN_EVERY_S)
        await wait_all_tasks_blocked()
        with trio.fail_after(5):
            assert await writer.write(Numbered(1)) == 1
        assert not store.tidied
        store.relief.set()


async def test_a_store_that_breaks_while_tidying_ends_the_writer_too(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    store.tidying = [StoreBroken("checkpoint failed")]
    with RaisesGroup(StoreBroken):
        await new_writer(store).run()


async def test_an_idle_writer_tidies_now_and_then_and_at_once_while_there_is_more(
    store: ScriptedStore, mock_clock: MockClock
) -> None:
    store.tidying = [True, True, False]
    async with running(new_writer(store)):
        await until(lambda: store.tidied == 3)
        assert trio.current_time() == 0
        await until(lambda: store.tidied >= 4, mock_clock, MAINTAIN_EVERY_S)


@pytest.mark.parametrize("error", [StoreBusy("held"), StoreFull("full")])
async def test_tidying_can_wait(store: ScriptedStore, mock_clock: MockClock, error: StoreError) -> None:
    store.tidying = [error]
    async with running(new_writer(store)) as _:
        await until(lambda: store.tidied == 1)
