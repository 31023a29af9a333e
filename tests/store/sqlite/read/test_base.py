"""Questions to the database: answered in time, or ended; shared out between those who ask, and asked once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from builders import NOW

from evd.concurrency.fair_queue import FairQueue
from evd.concurrency.single_flight import SingleFlight
from evd.errors import Unavailable
from evd.model.operations import SetVehicle
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read import base
from evd.store.sqlite.read.queries import open_queries as opened


async def test_a_list_ends_at_its_limit_or_its_bytes_and_says_where_it_goes_on(
    open_store: Callable[..., SqliteDatabase], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store().write([SetVehicle(f"{number:X}", NOW, format="ev") for number in range(1, 8)])
    async with opened(database) as asked:
        page = await asked.format_vehicles("ev", limit=3)
        assert [row["vehicle"] for row in page.rows] == ["1", "2", "3"] and page.following == ("3",)
        assert (await asked.format_vehicles("ev", ("3",), limit=4)).following is None
        monkeypatch.setattr(base, "LISTED_BYTES_MAX", 1)
        page = await asked.format_vehicles("ev", ("3",), limit=4)
        assert [row["vehicle"] for row in page.rows] == ["4"] and page.following == ("4",)
        fleet = await asked.fleet(after=("3",), limit=4)
        assert [row.vehicle for row in fleet.rows] == ["4"] and fleet.following == ("4",)


# ---- turns ----


async def stand(turns: FairQueue[int], requester: str, had: list[str], *, for_ever: bool = False) -> None:
    async with turns.permit(requester):
        had.append(requester)
        if for_ever:
            await trio.sleep_forever()


async def test_who_wants_much_waits_behind_himself() -> None:
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
        turns.give_back("a", place)  # b is called, and cancelled before he hears of it
    with trio.fail_after(1):
        assert await turns.take("c") == 7


# ---- flights ----


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
