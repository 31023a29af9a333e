"""Long work in short slices: the loop goes on between them, and each job ends with its result or its error."""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import count
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from evd.concurrency.time_slices import SLICE_S, Slices
from evd.errors import BadRequest, Unavailable


def job(pauses: int, result: Any) -> Generator[None, None, Any]:
    for _ in range(pauses):
        yield
    if isinstance(result, Exception):
        raise result
    return result


def slices(*, jobs_max: int = 8, pauses_a_slice: int = 1) -> Slices:
    seconds = count(0, SLICE_S / pauses_a_slice)
    return Slices(jobs_max=jobs_max, timer=lambda: next(seconds))


def into(results: list[Any]) -> Callable[[Callable[[], Any]], None]:
    def then(result: Callable[[], Any]) -> None:
        try:
            results.append(result())
        except BadRequest as error:
            results.append(error)

    return then


@pytest.mark.parametrize("result", [7, None, BadRequest("no")])
def test_a_short_job_ends_at_once(result: Any) -> None:
    results: list[Any] = []
    slices().start(job(0, result), into(results))
    assert results == [result]


async def test_longer_jobs_end_one_after_the_other(nursery: trio.Nursery) -> None:
    work, results = slices(), list[Any]()
    error = BadRequest("no")
    for pauses, result in ((3, "a"), (0, "b"), (2, error), (1, "c")):
        work.start(job(pauses, result), into(results))
    assert results == []
    nursery.start_soon(work.run)
    await wait_all_tasks_blocked()
    assert results == ["a", "b", error, "c"]
    work.start(job(2, "d"), into(results))
    await wait_all_tasks_blocked()
    assert results[-1] == "d", "it waits for what comes later, too"


@pytest.mark.parametrize(("pauses_a_slice", "turns"), [(1, 60), (10, 6)])
async def test_the_loop_has_its_turn_between_two_slices(nursery: trio.Nursery, pauses_a_slice: int, turns: int) -> None:
    work, results = slices(pauses_a_slice=pauses_a_slice), list[Any]()
    work.start(job(60, "done"), into(results))
    nursery.start_soon(work.run)
    seen = 0
    while not results:
        seen += 1
        await trio.lowlevel.checkpoint()
    assert turns <= seen <= turns + 10


async def test_too_many_jobs_are_refused(nursery: trio.Nursery) -> None:
    work, results = slices(jobs_max=2), list[Any]()
    for name in "ab":
        work.start(job(5, name), into(results))
    with pytest.raises(Unavailable, match="receives more than it can process"):
        work.start(job(0, "c"), into(results))
    nursery.start_soon(work.run)
    await wait_all_tasks_blocked()
    assert results == ["a", "b"]


@pytest.mark.parametrize("pauses", [0, 100])
async def test_whoever_waits_for_a_job_may_drive_it(pauses: int) -> None:
    assert await slices().finished(job(pauses, "done")) == "done"
    with pytest.raises(BadRequest):
        await slices().finished(job(pauses, BadRequest("no")))
