"""Tasks that others wait for, or end by themselves."""

from __future__ import annotations

import trio

from evd.daemon.tasks import start, start_within


async def test_tasks_have_the_names_of_what_runs_in_them() -> None:
    """Who watches the loop says by it which one held it."""
    names: set[str] = set()

    async def writing() -> None:
        names.update(task.name for task in nursery.child_tasks)

    async with trio.open_nursery() as nursery:
        ended = start(nursery, writing)
        scope = start_within(nursery, trio.sleep_forever)
        await ended.wait()
        scope.cancel()
    assert names == {f"{__name__}.{writing.__qualname__}", "trio.sleep_forever"}
