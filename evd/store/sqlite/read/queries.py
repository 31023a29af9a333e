"""All queries of SQLite, on connections of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio_asyncio

from evd.store.sqlite.connection import open_reader, translated
from evd.store.sqlite.read.access import SqliteAccessQueries
from evd.store.sqlite.read.base import Connections
from evd.store.sqlite.read.derived import SqliteDerivedQueries
from evd.store.sqlite.read.events import SqliteEventQueries
from evd.store.sqlite.read.firestore import SqliteFirestoreQueries
from evd.store.sqlite.read.fleet import SqliteFleetQueries
from evd.store.sqlite.read.formats import SqliteFormatQueries
from evd.store.sqlite.read.identity import SqliteIdentityQueries
from evd.store.sqlite.read.moving import SqliteMovingQueries
from evd.store.sqlite.read.pushes import SqlitePushQueries
from evd.store.sqlite.read.rejections import SqliteRejectionQueries
from evd.store.sqlite.read.sharing import SqliteSharingQueries
from evd.store.sqlite.read.statuses import SqliteStatusQueries
from evd.store.sqlite.read.vehicles import SqliteVehicleQueries


class SqliteQueries(
    SqliteStatusQueries,
    SqliteVehicleQueries,
    SqliteFleetQueries,
    SqliteFormatQueries,
    SqliteAccessQueries,
    SqliteSharingQueries,
    SqliteMovingQueries,
    SqliteFirestoreQueries,
    SqliteIdentityQueries,
    SqliteRejectionQueries,
    SqliteEventQueries,
    SqlitePushQueries,
    SqliteDerivedQueries,
):
    """See `evd.store.queries.Queries`."""


@asynccontextmanager
async def open_queries(path: Path, version: Callable[[], object] = object) -> AsyncIterator[SqliteQueries]:
    """`version` returns another value after each commit; only queries of the same version may share an answer.

    Raises StoreError if the file cannot be opened.
    """
    with translated(path):
        open_reader(path).close()  # a connection of aiosqlite that fails leaves its thread behind
    async with trio_asyncio.open_loop(), Connections.open(path, version) as connections:
        yield SqliteQueries(path, connections)
