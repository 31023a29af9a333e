"""Outcomes of pushes on their way to the database: in groups, again and again, and done once they are on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from builders import NOW

from evd.errors import Unavailable
from evd.model.operations import EventDue, Outcomes, PutOff, Registration
from evd.push.delivery import Delivery
from evd.push.outcomes import BUSY_S, OUTCOMES_MAX, SAID_MAX, OutcomeWriter

PHONE = Registration(7, "A", "t", "token", "00A", "anna", NOW, "s0", None, 3)
EVENT = EventDue(9, 1, "left", NOW, "s1", b"{}", NOW, 2, PHONE, None)


class Disk:
    """Takes operations, after so many refusals."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.written: list[Any] = []

    async def write(self, operation: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("evd receives more than it can write: send it again later")
        self.written.append(operation)


@asynccontextmanager
async def writing(disk: Disk) -> AsyncIterator[tuple[OutcomeWriter, list[int]]]:
    """The writer, and the sizes of the groups that were completed, each of which is on disk by then."""
    completed: list[int] = []

    def complete(group: list[Any]) -> None:
        assert len(disk.written) == len(completed) + 1
        completed.append(len(group))

    outcomes = OutcomeWriter(disk, complete)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(outcomes.run)
        yield outcomes, completed
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_what_is_settled_meanwhile_is_the_next_group_and_none_is_too_long() -> None:
    disk = Disk()
    async with writing(disk) as (outcomes, completed):
        for number in range(2 * OUTCOMES_MAX + 1):
            outcomes.settle(Delivery(PHONE, None, None, None), "taken", str(number), NOW)
        await trio.testing.wait_all_tasks_blocked()
        outcomes.settle(Delivery(PHONE, None, None, None), "taken", "last", NOW)
    assert completed == [OUTCOMES_MAX, OUTCOMES_MAX, 1, 1]
    said = [one.said for operation in disk.written for one in operation.outcomes]
    assert said == [*map(str, range(2 * OUTCOMES_MAX + 1)), "last"]


@pytest.mark.parametrize(
    ("event", "attempts", "what", "outbox", "status_id", "tried"),
    [(None, None, "state", 0, "s0", 3), (EVENT, None, "left", 9, "s1", 2), (EVENT, 5, "left", 9, "s1", 5)],
)
async def test_an_outcome_says_what_was_sent_to_whom(
    event: EventDue | None, attempts: int | None, what: str, outbox: int, status_id: str, tried: int
) -> None:
    disk = Disk()
    async with writing(disk) as (outcomes, _):
        outcomes.settle(Delivery(PHONE, None, event, NOW - 5), "later", "x" * 999, NOW, due=NOW + 9, attempts=attempts)
    ((one,),) = [operation.outcomes for operation in disk.written]
    assert (one.registration, one.token, one.what, one.outbox, one.status_id) == (7, "t", what, outbox, status_id)
    assert (one.said, one.committed, one.due, one.attempts) == ("x" * SAID_MAX, NOW - 5, NOW + 9, tried)


@pytest.mark.parametrize("operation", [Outcomes(()), PutOff(NOW)])
async def test_a_write_that_is_refused_is_tried_until_it_is_on_disk(
    operation: Any, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.autojump_threshold = 0
    disk, began = Disk(refusals=3), trio.current_time()
    await OutcomeWriter(disk, lambda group: None).write(operation)  # type: ignore[arg-type]
    assert (disk.written, trio.current_time() - began) == ([operation], 3 * BUSY_S)
