"""Read-only connections, each with a thread: aiosqlite, bridged from asyncio to trio in this module alone.

The bridge is trio-asyncio's loop (`open_loop` around the whole server); each query crosses it once. docs/design.md has
the measurements for this choice.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import trio
from trio_asyncio import aio_as_trio

from evd.concurrency.current_requester import current_requester
from evd.concurrency.fair_queue import FairQueue
from evd.concurrency.single_flight import SingleFlight
from evd.errors import Unavailable
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.sqlite_library import sqlite3

import aiosqlite  # isort: skip  (after evd.store.sqlite.sqlite_library, so that it uses the same SQLite)

T = TypeVar("T")

CLOSE_TIMEOUT_S = 5.0

WAITING_MAX = 2048
"""Queries that wait for their turn: as many as connections may be open."""


class _ReadConnection(aiosqlite.Connection):
    """Runs a function in the connection's thread, so that several statements cross the bridge once."""

    async def run(self, work: Callable[[Any], T]) -> T:
        result: T = await self._execute(_worked, self._conn, work)  # type: ignore[no-untyped-call]
        return result


def _worked(connection: Any, work: Callable[[Any], T]) -> T:
    try:
        return work(connection)
    finally:
        if connection.in_transaction:  # an interrupted one must not hold its snapshot
            connection.execute("ROLLBACK")


class Readers:
    """Answers one class of queries on as many connections; `each` bounds one requester's queries at once."""

    def __init__(self, connections: list[_ReadConnection], each: int, flights: SingleFlight) -> None:
        self._connections = connections
        self._turns = FairQueue(connections, each=each, waiting_max=WAITING_MAX)
        self._flights = flights

    @classmethod
    async def open(cls, path: Path, *, connections: int, each: int, version: Callable[[], object]) -> Readers:
        opened = [await aio_as_trio(_connect)(path) for _ in range(connections)]
        return cls(opened, each, SingleFlight(version))

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + CLOSE_TIMEOUT_S):
            for connection in self._connections:
                await aio_as_trio(connection.close)()

    async def ask(self, key: Hashable, work: Callable[[Any], T], timeout_s: float) -> T:
        """The result of `work` on a connection, in a thread; queries with equal keys are the same and may share it.

        Raises Unavailable if the database does not answer in time.
        """
        who = current_requester.get()
        with trio.move_on_after(timeout_s):
            return await self._flights.shared(key, who, partial(self._in_turn, who, work))
        raise Unavailable("the database is slow: ask again later", retry_after_s=5)

    async def _in_turn(self, who: str, work: Callable[[Any], T], begin: Callable[[], None]) -> T:
        async with self._turns.permit(who) as connection:
            begin()
            return await _answered(connection, work)


async def _answered(connection: _ReadConnection, work: Callable[[Any], T]) -> T:
    answered = False
    try:
        result: T = await aio_as_trio(connection.run)(work)
        answered = True
        return result
    except sqlite3.Error as error:
        raise Unavailable(f"the database cannot be read ({error}): ask again later") from error
    finally:
        # The requester is gone or was refused: interrupt the query, so that it does not delay the next ones.
        if not answered:
            with trio.CancelScope(shield=True):
                await aio_as_trio(connection.interrupt)()


async def _connect(path: Path) -> _ReadConnection:
    connection = _ReadConnection(partial(open_reader, path), 64)
    await connection
    return connection
