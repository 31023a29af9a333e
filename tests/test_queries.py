"""Questions to the database: answered in time, or ended, so that they hold up nobody after them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio_asyncio
from builders import arrival

from evd import queries
from evd.errors import Unavailable
from evd.store.sqlite import SqliteStore

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


async def test_a_question_that_takes_too_long_is_ended_and_the_next_is_answered(
    open_store: Callable[..., SqliteStore], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "QUESTION_TIMEOUT_S", 0.2)
    open_store().write([arrival()])
    async with trio_asyncio.open_loop():
        asked = await queries.Queries.open(database)
        with pytest.raises(Unavailable):
            await asked._all(ENDLESS, ())
        monkeypatch.setattr(queries, "QUESTION_TIMEOUT_S", 5.0)
        began = time.monotonic()
        last = await asked.last("386625")
        assert last is not None and last.id == arrival().status_id
        assert time.monotonic() - began < 2
        await asked.aclose()


async def test_a_question_whose_asker_went_away_is_ended_too(
    open_store: Callable[..., SqliteStore], database: Path
) -> None:
    open_store()
    async with trio_asyncio.open_loop():
        asked = await queries.Queries.open(database)
        with trio.move_on_after(0.1):
            await asked._all(ENDLESS, ())
        began = time.monotonic()
        assert await asked.last("386625") is None
        assert time.monotonic() - began < 2
        await asked.aclose()
