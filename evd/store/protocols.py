"""The interface of an engine: `Store`, which writes groups of operations; its readers; and both as a `Database`.

An operation says what happened or what is wanted (a status arrived, a phone registers), never how an engine keeps it:
rings, duplicates and the outbox are tables in SQLite. Reads for the API and for maintenance are in `evd.store.queries`.
The readers here are called in the loop and take a few microseconds each.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from evd.auth.access_tokens import AccessToken
from evd.auth.api_keys import Key
from evd.auth.sessions import Session
from evd.model.coarse import CoarseFor
from evd.model.operations import EventDue, Operation, Registration
from evd.model.status import Status
from evd.store.queries import Queries
from evd.store.records import StoredFormat, WaitingRow


def finished(preparation: Generator[None, None, list[Any]]) -> list[Any]:
    """The results of a preparation, run to its end without pauses."""
    while True:
        try:
            next(preparation)
        except StopIteration as end:
            results: list[Any] = end.value
            return results


class Store(Protocol):
    """The writing side of an engine. Only one thread at a time may call the writing methods.

    A group is prepared and its commit is started; once `commit_fd` is readable, the commit is finished. Between
    `prepare` and the end of `finish_commit` no other writing method may be called."""

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        """Prepare all operations in one transaction, to be committed next; returns a result, or an EvdError, for each.

        It pauses after at most a few milliseconds of work, so that a long group does not block the loop; closing the
        generator undoes the work. It never waits for another process. Raises StoreBusy or StoreFull (nothing was
        written, the store remains usable) or StoreBroken (the process must end).
        """

    def start_commit(self) -> None:
        """Start to make the prepared group durable, without blocking the caller."""

    @property
    def commit_fd(self) -> int:
        """A file descriptor that is readable when the started commit has ended; it never changes."""

    def finish_commit(self) -> None:
        """Return when the prepared group is durable; blocks if the commit has not ended.

        Raises as `prepare` does; the group is then undone.
        """

    def commit(self) -> None:
        """`start_commit` and `finish_commit`."""

    def write(self, operations: Sequence[Operation]) -> list[Any]:
        """`prepare` to its end, and `commit`."""

    @property
    def wants_checkpoint(self) -> bool:
        """Whether `checkpoint` should be called once."""

    def checkpoint(self) -> None:
        """Do the long part of a checkpoint, in any thread, while commits go on; `maintain` must wait until it ends."""

    @property
    def wants_maintenance(self) -> bool:
        """Whether `maintain` should be called although the writer is not idle."""

    def maintain(self, *, idle: bool = False) -> bool:
        """Do one bounded step of maintenance, which must not run beside a commit; True if more is left.

        With `idle`, when there is nothing to commit, less urgent work is done too.
        Raises as `prepare` does; the step is then to be done still.
        """

    def close(self) -> None: ...


class DuePushes(Protocol):
    """The pushes that wait for one provider, read in short queries."""

    def registrations_of(self, vehicle: str) -> list[Registration]:
        """All registrations for a vehicle."""

    def last_of(self, vehicle: str) -> Status | None:
        """The vehicle's last status."""

    def registrations_after(self, number: int, limit: int) -> list[Registration]:
        """Registrations with a number above `number`, in order; for the walk that finds pushes that memory has lost."""

    def registrations_due(self, now: int, limit: int) -> list[Registration]:
        """Registrations whose last attempt failed and whose retry is due by now, the longest wait first."""

    def events_due(self, now: int, limit: int) -> list[EventDue]:
        """Events whose push is due, the longest wait first."""

    def next_due(self, now: int) -> int | None:
        """The first time after `now` at which a state or an event becomes due; None if there is none."""

    def put_off_beyond(self, at: int) -> bool:
        """Whether a retry is due later than `at`."""

    def vehicles_after(self, vehicle: str, limit: int) -> list[tuple[str, bool]]:
        """Vehicles in order of their ids, and whether each has a registration."""

    def vehicles(self) -> Iterable[str]:
        """Every vehicle that has a registration; some more than once."""

    def paused_since(self) -> int:
        """The time at which the operator stopped all pushes; 0 if they are not stopped."""


class EventState(Protocol):
    """What the events engine reads. Every method raises StoreError if the database cannot be read."""

    def vehicles_after(self, vehicle: str, limit: int) -> list[str]:
        """Vehicles that have an owner, a registration or event settings, in order of their ids."""

    def event_settings_of(self, vehicle: str) -> tuple[bytes | None, bytes | None]:
        """The vehicle's event memory, and its event settings; None if there is no memory, or for default settings."""

    def last_of(self, vehicle: str) -> Status | None:
        """Its last status."""

    def previous_of(self, vehicle: str, time: int, status_id: str) -> Status | None:
        """The status before this one, if it is among the vehicle's newest ones."""

    def received_of(self, vehicle: str) -> list[int]:
        """The times at which its newest statuses were received, at most `evd.store.records.GAPS_OF`."""

    def close(self) -> None: ...


class WaitingMetadata(Protocol):
    """Radio metadata that wait for their messages. Every method raises StoreError if the database cannot be read."""

    def since(self, until: int | None, limit: int) -> list[WaitingRow]:
        """Those first received by `until`, or all if it is None, the oldest first; at most `limit`."""

    def ahead(self, after: int, limit: int) -> list[WaitingRow]:
        """Those whose time of reception is after `after`, so that it lies in the future."""


class Database(Store, Protocol):
    """An open engine: all that the daemon needs of it. `close` also ends its readers."""

    def preallocate(self) -> None:
        """Make commits cheaper from the first one on; worth its cost only if the process runs for long."""

    def living_keys(self) -> list[Key]:
        """Keys that are not revoked; call before the first `write`."""

    def living_sessions(self) -> list[Session]:
        """All sessions that were not ended, also those that are too old; call before the first `write`."""

    def living_tokens(self) -> list[AccessToken]:
        """All access tokens that were not revoked, also expired ones; call before the first `write`."""

    def own_formats(self) -> list[tuple[str, str]]:
        """(vehicle, format) of the vehicles with a format of their own; call before the first `write`."""

    def ignored_vehicles(self) -> list[str]:
        """Vehicles whose callbacks are not kept; call before the first `write`."""

    def aliases(self) -> list[tuple[str, str]]:
        """(vehicle, the one that it was merged into); call before the first `write`."""

    def coarse_locations(self) -> list[tuple[str, CoarseFor]]:
        """(vehicle, for whom its places are coarse) where its owner said so; call before the first `write`."""

    def type_formats(self) -> list[tuple[str, str]]:
        """(device type, format) of the device types with a format; call before the first `write`."""

    def named_formats(self) -> list[StoredFormat]:
        """The database's formats; call before the first `write`."""

    def due_pushes(self, kinds: Iterable[str]) -> DuePushes:
        """A reader of the pushes that wait for registrations of these kinds."""

    def waiting_metadata(self) -> WaitingMetadata:
        """A reader of the radio metadata that wait for their messages."""

    @property
    def waiting_rows(self) -> int:
        """How many rows wait for their messages; costs no read."""

    def event_state(self) -> EventState:
        """A reader of the events engine's memory."""

    def queries(self, version: Callable[[], object]) -> AbstractAsyncContextManager[Queries]:
        """The queries for the API, valid inside the context.

        `version` returns another value after each commit; only queries of the same version may share an answer.
        """

    def find_damage(self) -> list[str]:
        """The damage found in the files, empty if none; call in a thread of its own, because it may take minutes.

        Raises StoreBroken if they are too damaged to be read, StoreBusy if another process holds a lock.
        """
