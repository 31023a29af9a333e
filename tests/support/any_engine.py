"""A database of whichever engine, as the contract's tests use it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import trio
from builders import ROOMY

from evd.config.settings import Config
from evd.push.providers import target_kinds
from evd.store.engines import Engine
from evd.store.protocols import Database
from evd.store.queries import Queries
from evd.store.records import NUMBER_MAX, PageLimit, TimeSpan
from evd.store.settings import store_settings

T = TypeVar("T")

WHOLE = PageLimit(rows=10_000, size_bytes=1 << 30)


class AnyDatabase:
    """It is open from the first `write` on, or from `open`, until the test ends or opens it anew."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._opened: Database | None = None
        self._settings = store_settings(Config(), target_kinds())._replace(capacity=10, limits=ROOMY)

    def open(self, **settings: Any) -> Database:
        """Anew, with these of StoreSettings changed."""
        self.close()
        self._settings = self._settings._replace(**settings)
        self._opened = self._engine.open(self._path, self._settings, lambda doing: None)
        return self._opened

    @property
    def store(self) -> Database:
        return self._opened or self.open()

    def write(self, *operations: Any) -> list[Any]:
        return self.store.write(operations)

    def ask(self, question: Callable[[Queries], Awaitable[T]]) -> T:
        async def asked() -> T:
            async with self.store.queries(object) as queries:
                return await question(queries)

        return trio.run(asked)

    def ring(self, vehicle: str = "386625") -> list[str]:
        """The ids of a vehicle's statuses, the lowest first; also those of the future."""
        span = TimeSpan(vehicle, -NUMBER_MAX, NUMBER_MAX)
        return [row.status_id for row in self.ask(lambda queries: queries.range_page(span, None, WHOLE))[0]]

    def last(self, vehicle: str = "386625") -> str | None:
        status = self.ask(lambda queries: queries.last(vehicle))
        return status.status_id if status else None

    def close(self) -> None:
        if self._opened:
            self._opened.close()
        self._opened = None
