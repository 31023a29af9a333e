"""An engine that keeps everything in memory: what a newcomer would write first. It keeps statuses, keys and owners."""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import AsyncIterator, Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from evd.auth.api_keys import Key
from evd.errors import EvdError, StoreRefused
from evd.model.operations import AddKey, AddOwner, Arrive, Operation, Relation, Renew, Several, Stored
from evd.model.retention import Verdict
from evd.model.status import Status
from evd.store.engines import Engine
from evd.store.protocols import finished
from evd.store.records import PushedLately, StoppedPhones
from evd.store.settings import StoreSettings


class NoRows:
    """The readers of what this engine does not keep: registrations, events, metadata."""

    def _none(self, *_: Any) -> list[Any]:
        return []

    registrations_of = registrations_after = registrations_due = events_due = vehicles = vehicles_after = _none
    vehicles_after = received_of = since = ahead = _none

    def next_due(self, now: int) -> None:
        return None

    def put_off_beyond(self, at: int) -> bool:
        return False

    def paused_since(self) -> int:
        return 0

    def close(self) -> None: ...


class MemoryQueries:
    """Of `evd.store.queries.Queries` what the app asks for a last status, and what a daemon asks by itself."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def last(self, vehicle: str) -> Status | None:
        ring = self._database.rings.get(vehicle, [])
        return ring[-1][1] if ring else None

    async def relation(self, uid: str, vehicle: str) -> Relation | None:
        return self._database.owners.get((uid, vehicle))

    async def heard_after(self, time: int) -> bool:
        return any(ring[-1][1].time > time for ring in self._database.rings.values())

    async def image_files(self, names: Collection[str]) -> set[str]:
        return set()

    async def stopped_after(self, number: int, limit: int, lately: PushedLately) -> StoppedPhones:
        return {"registered": 0, "last": None, "stale": 0, "missed": 0}


class MemoryDatabase:
    """See `evd.store.protocols.Database`: a group is done as it is prepared, and durable as long as this lives."""

    wants_checkpoint = wants_maintenance = False
    waiting_rows = 0

    def __init__(self, settings: StoreSettings) -> None:
        self._capacity = settings.capacity
        self.rings: dict[str, list[tuple[tuple[int, int, str], Status]]] = {}
        self.keys: dict[str, Key] = {}
        self.owners: dict[tuple[str, str], Relation] = {}
        self.commit_fd = os.eventfd(0)
        self._do: Mapping[type[Operation], Callable[[Any], Any]] = {
            Arrive: self._arrive,
            AddKey: lambda op: self.keys.setdefault(op.key_id, Key(op.key_id, op.role, op.digest, op.vehicle)) and True,
            AddOwner: lambda op: self.owners.setdefault((op.uid, op.vehicle), op.relation),
            Renew: lambda op: [],
            Several: lambda op: list(map(self._result, op.operations)),
        }

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        yield from ()
        return list(map(self._result, operations))

    def start_commit(self) -> None:
        os.eventfd_write(self.commit_fd, 1)

    def finish_commit(self) -> None:
        os.eventfd_read(self.commit_fd)

    def commit(self) -> None:
        self.start_commit()
        self.finish_commit()

    def write(self, operations: Sequence[Operation]) -> list[Any]:
        results = finished(self.prepare(operations))
        self.commit()
        return results

    def checkpoint(self) -> None: ...

    def maintain(self, *, idle: bool = False) -> bool:
        return False

    def preallocate(self) -> None: ...

    def living_keys(self) -> list[Key]:
        return list(self.keys.values())

    def own_formats(self) -> list[Any]:
        return []

    ignored_vehicles = aliases = type_formats = named_formats = find_damage = living_sessions = living_tokens = (
        coarse_locations
    ) = own_formats

    def due_pushes(self, kinds: Iterable[str] = ()) -> NoRows:
        return NoRows()

    waiting_metadata = event_state = due_pushes

    @asynccontextmanager
    async def queries(self, version: Callable[[], object]) -> AsyncIterator[MemoryQueries]:
        yield MemoryQueries(self)

    def close(self) -> None:
        os.close(self.commit_fd)

    def _result(self, operation: Operation) -> Any:
        do = self._do.get(type(operation))
        return do(operation) if do else EvdError(f"the memory engine keeps no {type(operation).__name__}")

    def _arrive(self, message: Arrive) -> Stored:
        ring = self.rings.setdefault(message.vehicle, [])
        names = ("vehicle", "status_id", "time", "seq", "connectivity", "payload", "fields", "received", "flags")
        status = Status(**{name: getattr(message, name) for name in names})
        if any(place == status.sort_key for place, _ in ring):
            return Stored(Verdict.DUPLICATE)
        insort(ring, (status.sort_key, status), key=lambda one: one[0])
        newest = ring[-1][1] is status
        del ring[: -self._capacity]
        return Stored(Verdict.NEWEST if newest else Verdict.LATE)


def memory_engine(write_first: Sequence[Operation]) -> Engine:
    """Each database begins with these."""
    databases: dict[Path, MemoryDatabase] = {}

    def opened(path: Path, settings: StoreSettings, tell: Callable[[str], None]) -> MemoryDatabase:
        database = MemoryDatabase(settings)
        database.write(write_first)
        databases[path] = database
        return database

    def refuse(*arguments: object) -> Any:
        raise StoreRefused("this engine keeps nothing on disk")

    return Engine(
        opened,
        files=lambda path: {},
        fleet_command=lambda path: "true",
        queries=lambda path: databases[path].queries(object),
        copy=refuse,
        examine=refuse,
    )
