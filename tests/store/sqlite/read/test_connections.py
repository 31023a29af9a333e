"""Questions to the database are answered in time or ended, and shared out between those who ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing
from builders import arrival

from evd.concurrency.current_requester import current_requester, of_user
from evd.errors import Unavailable
from evd.store.records import NUMBER_MAX, PageLimit, TimeSpan
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read import base
from evd.store.sqlite.read.queries import open_queries as opened

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.mark.parametrize("small", [True, False])
async def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(
    open_store: Callable[..., SqliteDatabase], database: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr(base, "QUESTION_TIMEOUT_S", 0.2)
    open_store().write([arrival()])
    async with opened(database) as asked:
        with pytest.raises(Unavailable):
            await asked.rows(ENDLESS, (), small=small)
        monkeypatch.setattr(base, "QUESTION_TIMEOUT_S", 5.0)
        began = time.monotonic()
        last = await asked.last("386625")
        assert last is not None and last.status_id == arrival().status_id
        assert await asked.rows("SELECT 1 AS one", (), small=small) == [{"one": 1}]
        assert time.monotonic() - began < 2


async def test_a_question_whose_asker_went_away_is_ended_too(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    open_store()
    async with opened(database) as asked:
        with trio.move_on_after(0.1):
            await asked.rows(ENDLESS, ())
        began = time.monotonic()
        assert await asked.flagged("386625") == {}
        assert time.monotonic() - began < 2


async def test_one_who_asks_much_delays_nobody_else(open_store: Callable[..., SqliteDatabase], database: Path) -> None:
    open_store().write([arrival()])

    async def ask_much(number: int) -> None:
        current_requester.set("user greedy")
        await asked.rows(ENDLESS + f" WHERE x <> {number}", ())

    async with opened(database) as asked, trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(ask_much, number)
        await trio.testing.wait_all_tasks_blocked(0.05)
        with trio.fail_after(2):
            assert await asked.last("386625"), "small questions have readers of their own"
            assert await asked.flagged("386625") == {}, "large ones are one user's only by his share"
        nursery.cancel_scope.cancel()


async def test_no_read_of_the_app_waits_for_administrators_however_many_ask(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    open_store().write([arrival()])

    async def ask_for_ever(number: int) -> None:
        current_requester.set(f"key {number}")
        await asked.rows(ENDLESS + f" WHERE x <> {number}", ())

    async with opened(database) as asked, trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(ask_for_ever, number)
        await trio.testing.wait_all_tasks_blocked(0.05)
        current_requester.set(of_user("anna"))
        with trio.fail_after(2):
            assert (await asked.range_page(TimeSpan("386625", 0, NUMBER_MAX), None, PageLimit(10, 1000)))[0]
            assert not (await asked.events(before=NUMBER_MAX, limit=10, uid="anna")).rows
            assert await asked.relation("anna", "386625") is None
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("small", [True, False])
async def test_so_many_reads_of_a_class_wait_and_no_more(
    open_store: Callable[..., SqliteDatabase], database: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr("evd.store.sqlite.read.connections.WAITING_MAX", 4)
    open_store().write([arrival()])
    refused = 0

    async def ask_for_ever(number: int) -> None:
        nonlocal refused
        current_requester.set(f"key {number}")
        try:
            await asked.rows(ENDLESS + f" WHERE x <> {number}", (), small=small)
        except Unavailable:
            refused += 1

    async with opened(database) as asked, trio.open_nursery() as nursery:
        for number in range(9):
            nursery.start_soon(ask_for_ever, number)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert refused == 9 - 2 - 4, "two are read, four wait"
        other_class = asked.fleet() if small else asked.last("386625")
        assert await other_class
        nursery.cancel_scope.cancel()
