"""How SQLite is asked: in classes of questions that do not wait for each other, each with connections of its own.

Small questions look at a few rows that an index leads to. Large ones are shared out between users, who have connections
that nobody else is given, and the operator with evd's own tasks: so nobody's history holds up somebody else's last
status, and an administrator's long question no user's history.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from evd.concurrency.requester import is_user, requester
from evd.store.records import Listing
from evd.store.sqlite.read.connections import Readers

QUESTION_TIMEOUT_S = 5.0
"""With the wait for its turn; the app waits no longer either."""

SMALL_READERS = 2
USER_READERS = 2
OPERATOR_READERS = 2
"""Threads; more of them gain nothing on a small machine, and each page of a large answer takes some milliseconds."""

LARGE_EACH = 1
"""Of one asker at once: the other reader is there for the others."""

LISTED_BYTES_MAX = 2 * 1024 * 1024
"""Of a list's page, or it ends there: entries of vehicles' logs may be as long as a body."""

FETCHED = 256
"""Rows between two looks at how many bytes they are."""


class Connections(NamedTuple):
    """The classes of questions."""

    small: Readers
    users: Readers
    operator: Readers

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, version: Callable[[], object]) -> AsyncIterator[Connections]:
        """`version` is another one after each commit; it says which answers may be shared."""
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
        """Those of whoever asks now."""
        return self.users if is_user(requester.get()) else self.operator


class Questions:
    """What the questions of all subjects are asked by. Raises Unavailable where the database does not answer."""

    def __init__(self, path: Path, connections: Connections) -> None:
        self._path = path
        self._connections = connections

    async def rows(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[Any]:
        """Dicts by the names of the columns; `small`: of what an index leads to, and nobody should wait long for."""
        names, rows, _ = await self._ask(sql, values, small=small)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def tuples(self, sql: str, values: Sequence[Any], *, small: bool = False) -> list[Any]:
        """As `rows`, without the names."""
        return (await self._ask(sql, values, small=small))[1]

    async def listing(self, sql: str, values: tuple[Any, ...], limit: int, *, by: tuple[str, ...]) -> Listing[Any]:
        """A page of a list. `sql` has its LIMIT last, and is sorted by the columns `by`, which make a row unique."""
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
    """`sql` with those conditions of `asked` whose value is not None, then `end`; and the values."""
    given = {condition: value for condition, value in asked.items() if value is not None}
    return " AND ".join([sql, *given]) + end, tuple(given.values())


class _Answer(NamedTuple):
    """Shared between those who asked the same: not to be changed."""

    names: list[str]
    rows: list[Any]
    cut: bool


def _fetched(sql: str, values: Sequence[Any], bytes_max: int | None, connection: Any) -> _Answer:
    """All rows, or those that come until they are `bytes_max` together; one at least."""
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
