"""aiosqlite is asyncio's, evd is trio's: one question across each bridge, trio-asyncio's loop or a thread with a loop.

    .venv/bin/pytest bench/bench_bridge.py --benchmark-only

One round opens the bridge and asks 1,000 questions, one after the other, of a database with one row.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
import trio_asyncio

from evd.store.sqlite.sqlite_library import sqlite3

import aiosqlite  # isort: skip

QUESTIONS = 1_000
SQL = "SELECT 1 FROM t WHERE x = 1"


async def through_trio_asyncio(path: str) -> None:
    async with trio_asyncio.open_loop():
        connection = await trio_asyncio.aio_as_trio(aiosqlite.connect)(path)
        for _ in range(QUESTIONS):
            await trio_asyncio.aio_as_trio(connection.execute_fetchall)(SQL)
        await trio_asyncio.aio_as_trio(connection.close)()


class Portal:
    """A thread with an asyncio loop, and the way into it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.open = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closing = asyncio.Event()
        async with aiosqlite.connect(self.path) as self.connection:
            self.open.set()
            await self.closing.wait()

    async def ask(self, sql: str) -> Any:
        done, token, answer = trio.Event(), trio.lowlevel.current_trio_token(), []

        async def work() -> None:
            answer.append(await self.connection.execute_fetchall(sql))
            token.run_sync_soon(done.set)

        asyncio.run_coroutine_threadsafe(work(), self.loop)
        await done.wait()
        return answer[0]


async def through_a_portal(path: str) -> None:
    portal = Portal(path)
    portal.thread.start()
    await trio.to_thread.run_sync(portal.open.wait)
    for _ in range(QUESTIONS):
        await portal.ask(SQL)
    portal.loop.call_soon_threadsafe(portal.closing.set)
    await trio.to_thread.run_sync(portal.thread.join)


@pytest.mark.benchmark(group="aiosqlite from trio: 1,000 questions")
@pytest.mark.parametrize("bridge", [through_trio_asyncio, through_a_portal])
def bench_bridge(benchmark: Any, tmp_path: Path, bridge: Any) -> None:
    path = str(tmp_path / "t.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()
    benchmark.pedantic(trio.run, args=(bridge, path), rounds=7, warmup_rounds=1)
