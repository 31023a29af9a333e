"""A database of whichever engine, as the contract's tests use it."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import trio
from builders import ROOMY

from evd.config.settings import Config
from evd.model.kept_status import KeptStatus
from evd.push.providers import target_kinds
from evd.store.engines import Engine
from evd.store.protocols import Database, DuePushes, EventState, WaitingMetadata
from evd.store.queries import Queries
from evd.store.records import NUMBER_MAX, PageLimit, RegistrationRow, TimeSpan
from evd.store.settings import store_settings

T = TypeVar("T")

WHOLE = PageLimit(rows=10_000, size_bytes=1 << 30)
KINDS = ("token", "fid", "webhook")
STEPS_MAX = 1000
"""Steps of maintenance after which it should have ended."""


class AnyDatabase:
    """It is open from the first `write` on, or from `open`, until the test ends or opens it anew."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self.path = path
        self._opened: Database | None = None
        self.settings = store_settings(Config(), target_kinds())._replace(capacity=10, limits=ROOMY, rollup_days=1826)

    def open(self, **settings: Any) -> Database:
        """Anew, with these of StoreSettings changed."""
        self.close()
        self.settings = self.settings._replace(**settings)
        self._opened = self.engine.open(self.path, self.settings, lambda doing: None)
        return self._opened

    def limit(self, **rows: int) -> Database:
        """Open it anew, with these row caps."""
        return self.open(limits=ROOMY._replace(**rows))

    @property
    def store(self) -> Database:
        return self._opened or self.open()

    def write(self, *operations: Any) -> list[Any]:
        return self.store.write(operations)

    def tidy(self) -> None:
        """Maintenance until nothing is left."""
        for _ in range(STEPS_MAX):
            if not self.store.maintain():
                return
        raise AssertionError("tidying does not end")

    @cached_property
    def due(self) -> DuePushes:
        return self.store.due_pushes(KINDS)

    @cached_property
    def state(self) -> EventState:
        return self.store.event_state()

    @cached_property
    def waiting(self) -> WaitingMetadata:
        return self.store.waiting_metadata()

    @cached_property
    def _asking(self) -> _Asking:
        return _Asking(self.store)

    def ask(self, question: Callable[[Queries], Awaitable[T]]) -> T:
        return self._asking.ask(question)

    def kept(self, vehicle: str = "386625") -> list[KeptStatus]:
        """A vehicle's statuses, the lowest first; also those of the future."""
        span = TimeSpan(vehicle, -NUMBER_MAX, NUMBER_MAX)
        return self.ask(lambda queries: queries.kept(span, None, WHOLE))[0]

    def ring(self, vehicle: str = "386625") -> list[str]:
        """Their ids."""
        return [row.status_id for row in self.kept(vehicle)]

    def last(self, vehicle: str = "386625") -> str | None:
        status = self.ask(lambda queries: queries.last(vehicle))
        return status.status_id if status else None

    def registered(self) -> list[RegistrationRow]:
        return self.ask(lambda queries: queries.registrations(kinds=KINDS, limit=1000)).rows

    def close(self) -> None:
        if self._opened:
            if "_asking" in vars(self):
                self._asking.close()
            self._opened.close()
        self._opened = None
        for reader in ("due", "state", "waiting", "_asking"):
            vars(self).pop(reader, None)


class _Asking:
    """The queries of a database, in a loop of their own that runs in a thread until it is closed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened: Future[trio.lowlevel.TrioToken] = Future()
        self._send, self._receive = trio.open_memory_channel[Any](1)
        self._thread = threading.Thread(target=trio.run, args=(self._answer,))
        self._thread.start()
        self._token = self._opened.result(timeout=30)

    def ask(self, question: Callable[[Queries], Awaitable[T]]) -> T:
        answer: Future[T] = Future()
        trio.from_thread.run_sync(self._send.send_nowait, (question, answer), trio_token=self._token)
        return answer.result(timeout=30)

    def close(self) -> None:
        trio.from_thread.run_sync(self._send.close, trio_token=self._token)
        self._thread.join()

    async def _answer(self) -> None:
        try:
            async with self._database.queries(object) as queries:
                self._opened.set_result(trio.lowlevel.current_trio_token())
                async for question, answer in self._receive:
                    try:
                        answer.set_result(await question(queries))
                    except Exception as error:
                        answer.set_exception(error)
        except BaseException as error:
            if not self._opened.done():
                self._opened.set_exception(error)
            raise
