"""Classes of queries that do not wait for each other, each with connections of its own.

Small queries read a few rows by an index. Large queries are divided into those of users and those of the operator and
of evd's own tasks, each with connections of its own: a long history does not delay another user's last status, and a
long query of an administrator does not delay a user's history.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from evd.concurrency.current_requester import current_requester, is_user
from evd.store.records import Listing
from evd.store.sqlite.read.connections import Readers

QUESTION_TIMEOUT_S = 5.0
"""Includes the wait in the queue; the app waits no longer either."""

SMALL_READERS = 2
USER_READERS = 2
OPERATOR_READERS = 2
"""Threads; more gain nothing on a small machine, where each page of a large answer takes some milliseconds."""

LARGE_EACH = 1
"""Large queries of one requester at once; the other reader serves the other requesters."""

LISTED_BYTES_MAX = 2 * 1024 * 1024
"""Bytes at which a list's page ends: an entry of a vehicle's log may be as long as a body."""

FETCHED = 256
"""Rows that are fetched between two checks of their size."""


class Connections(NamedTuple):
    """The readers for each class of queries."""

    small: Readers
    users: Readers
    operator: Readers

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, version: Callable[[], object]) -> AsyncIterator[Connections]:
        """`version` returns another value after each commit; only queries of the same version may share an answer."""
        async with AsyncExitStack() as stack:
            opened = []
            for connections, each in (
                (SMALL_READERS, SMALL_READERS),
                (USER_READERS, LARGE_EACH),
                (OPERATOR_READERS, LARGE_EACH),
            ):
                readers = await Readers.open(path, connections=connections, each=each, version=version)
                stack.push_async_callback(readers.aclose)
                opened.append(readers)
            yield cls(*opened)

    @property
    def large(self) -> Readers:
        """The readers for large queries of the current requester."""
        return self.users if is_user(current_requester.get()) else self.operator


class Questions:
    """The base of all query classes. Raises Unavailable if the database does not answer."""

    def __init__(self, path: Path, connections: Connections) -> None:
        self._path = path
        self._connections = connections

    async def rows(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[Any]:
        """Rows as dicts by column name; `small` for queries by an index that should not wait for large ones."""
        names, rows, _ = await self._ask(sql, values, small=small)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def tuples(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[Any]:
        """As `rows`, as tuples."""
        return (await self._ask(sql, values, small=small))[1]

    async def listing(self, sql: str, values: tuple[Any, ...], limit: int, *, by: tuple[str, ...]) -> Listing[Any]:
        """A page of a list. `sql` ends with its LIMIT and is sorted by the columns `by`, which are unique."""
        names, rows, more = await self._ask(sql, (*values, limit + 1), LISTED_BYTES_MAX)
        found = [dict(zip(names, row, strict=True)) for row in rows[:limit]]
        more = more or len(rows) > limit
        return Listing(found, tuple(found[-1][name] for name in by) if more else None)

    async def _ask(
        self, sql: str, values: Sequence[Any], bytes_max: int | None = None, *, small: bool = False
    ) -> _Answer:
        readers = self._connections.small if small else self._connections.large
        return await readers.ask((sql, *values), partial(_fetched, sql, values, bytes_max), QUESTION_TIMEOUT_S)


def narrowed(sql: str, asked: dict[str, Any], end: str) -> tuple[str, tuple[Any, ...]]:
    """`sql` with the conditions in `asked` whose values are not None, then `end`; and the values."""
    given = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join([sql, *given]) + end, tuple(given.values())


class _Answer(NamedTuple):
    """An answer, shared by equal queries, so it must not be changed."""

    names: list[str]
    rows: list[Any]
    cut: bool


def _fetched(sql: str, values: Sequence[Any], bytes_max: int | None, connection: Any) -> _Answer:
    """All rows, or the first ones that together reach `bytes_max`; at least one."""
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    if bytes_max is None:
        return _Answer(names, cursor.fetchall(), False)
    rows: list[Any] = []
    size = 0
    while some := cursor.fetchmany(FETCHED):
        for row in some:
            size += sum(len(value) for value in row if type(value) in (str, bytes))
            if rows and size > bytes_max:
                return _Answer(names, rows, True)
            rows.append(row)
    return _Answer(names, rows, False)
