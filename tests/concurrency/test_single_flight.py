"""Equal reads at the same time: done once, and never older than the request."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import trio
import trio.testing

from evd.concurrency.single_flight import SingleFlight


class Asked:
    """Questions that are answered one after the other, as they are let go; the answer says which asking it was."""

    def __init__(self) -> None:
        self.count = 0
        self.holds: deque[trio.Event] = deque()

    async def __call__(self, begin: Callable[[], None], *, begins: bool = True) -> int:
        self.count += 1
        number, hold = self.count, trio.Event()
        self.holds.append(hold)
        if begins:
            begin()
        await hold.wait()
        return number


async def test_what_is_asked_for_twice_at_once_is_asked_once() -> None:
    flights, asked, answers = SingleFlight(lambda: 1), Asked(), list[int]()

    async def ask(who: str) -> None:
        answers.append(await flights.shared("same", who, asked))

    async with trio.open_nursery() as nursery:
        for who in "aab":
            nursery.start_soon(ask, who)
            await trio.testing.wait_all_tasks_blocked()
        asked.holds.popleft().set()
    assert answers == [1, 1, 1]


async def test_no_answer_is_older_than_its_question() -> None:
    """Whoever was told of a commit after the first one began asks for himself."""
    version = 1
    flights, asked, answers = SingleFlight(lambda: version), Asked(), list[int]()

    async def ask() -> None:
        answers.append(await flights.shared("same", "a", asked))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        version = 2
        nursery.start_soon(ask)
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        for hold in asked.holds:
            hold.set()
    assert sorted(answers) == [1, 2, 2]


async def test_nobody_waits_for_the_turn_of_another_asker() -> None:
    flights, asked, answers = SingleFlight(lambda: 1), Asked(), list[int]()

    async def ask(who: str) -> None:
        answers.append(await flights.shared("same", who, partial(asked, begins=False)))

    async with trio.open_nursery() as nursery:
        for who in "aab":
            nursery.start_soon(ask, who)
            await trio.testing.wait_all_tasks_blocked()
        for hold in asked.holds:
            hold.set()
    assert sorted(answers) == [1, 1, 2]


async def test_where_the_first_one_goes_away_the_next_one_asks() -> None:
    flights, asked, answers = SingleFlight(lambda: 1), Asked(), list[int]()

    async def ask(scope: trio.CancelScope) -> None:
        with scope:
            answers.append(await flights.shared("same", "a", asked))

    async with trio.open_nursery() as nursery:
        gone = trio.CancelScope()
        nursery.start_soon(ask, gone)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ask, trio.CancelScope())
        await trio.testing.wait_all_tasks_blocked()
        gone.cancel()
        await trio.testing.wait_all_tasks_blocked()
        asked.holds[1].set()
    assert answers == [2]
