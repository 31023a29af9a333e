"""What an engine gives: `Store`, which writes groups of operations, the readers beside it, and both as a `Database`.

An operation says what happened or what is wanted (a status arrived, a phone registers), never how an engine keeps it: a
ring per vehicle, a memory of duplicates and an outbox are tables in SQLite. What is asked by the API and by maintenance
is in `evd.store.queries`; the readers here are asked in the loop, each time for a few microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from evd.auth.api_keys import Key
from evd.model.operations import EventDue, Operation, Registration
from evd.model.status import Status
from evd.store.queries import Queries
from evd.store.records import StoredFormat, WaitingRow


def finished(preparation: Generator[None, None, list[Any]]) -> list[Any]:
    """The results of a preparation that makes no pause."""
    while True:
        try:
            next(preparation)
        except StopIteration as end:
            results: list[Any] = end.value
            return results


class Store(Protocol):
    """What an engine gives. One thread at a time calls the writing methods.

    A group is prepared, its commit is started, and finished once `commit_fd` is readable. From `prepare` to
    `finish_commit` no other writing method may be called."""

    def prepare(self, operations: Sequence[Operation]) -> Generator[None, None, list[Any]]:
        """All operations in one transaction, which a commit must follow; one result each, which may be an EvdError.

        It pauses after every few milliseconds of work at most, so that a long group need not hold the loop; to close
        it undoes what was done. Never waits for another process. Raises StoreBusy, StoreFull (nothing was written, the
        store goes on) or StoreBroken (the process must end).
        """

    def start_commit(self) -> None:
        """Have what was prepared made durable, by whoever does not hold up the caller."""

    @property
    def commit_fd(self) -> int:
        """A file descriptor that is readable when the commit that was started has ended; the same one for good."""

    def finish_commit(self) -> None:
        """What was prepared is durable on return; waits where the commit has not ended.

        Raises as `prepare` does; nothing is prepared any more then.
        """

    def commit(self) -> None:
        """`start_commit` and `finish_commit`."""

    def write(self, operations: Sequence[Operation]) -> list[Any]:
        """`prepare` to its end, and `commit`."""

    @property
    def wants_checkpoint(self) -> bool:
        """Whether `checkpoint` should be called, once."""

    def checkpoint(self) -> None:
        """What takes long and may be done while commits go on, in any thread; `maintain` must wait until it ends."""

    @property
    def wants_maintenance(self) -> bool:
        """Whether `maintain` should not wait until nothing else is to do."""

    def maintain(self, *, idle: bool = False) -> bool:
        """One bounded step of what may wait, but must not run beside a commit; True if more is left.

        `idle`: nothing else is to do, so what could wait longer is done as well.
        """

    def close(self) -> None: ...


class DuePushes(Protocol):
    """What waits to be pushed by one provider, read in short questions."""

    def registrations_of(self, vehicle: str) -> list[Registration]:
        """All registrations for a vehicle."""

    def last_of(self, vehicle: str) -> Status | None:
        """The vehicle's last status."""

    def registrations_after(self, number: int, limit: int) -> list[Registration]:
        """Registrations with a number above `number`, in their order: to find what no one remembers."""

    def registrations_due(self, now: int, limit: int) -> list[Registration]:
        """Registrations whose last attempt failed and is to be repeated by now, those first that waited longest."""

    def events_due(self, now: int, limit: int) -> list[EventDue]:
        """Events whose push is due, those first that waited longest."""

    def next_due(self, now: int) -> int | None:
        """When the next state or event will be due, after `now`."""

    def put_off_beyond(self, at: int) -> bool:
        """Whether a repeat is due later than that."""

    def vehicles(self) -> Iterable[str]:
        """Every vehicle that somebody is registered for; some more than once."""

    def paused_since(self) -> int:
        """When the operator stopped all pushes; 0: he did not."""


class EventState(Protocol):
    """What the events engine reads. Every method raises StoreError where the database cannot be read."""

    def vehicles_after(self, vehicle: str, limit: int) -> list[str]:
        """Those that somebody owns, is registered for, or has set alerts for, in their order."""

    def alerts_of(self, vehicle: str) -> tuple[bytes | None, bytes | None]:
        """What is remembered of it, and how alerts are set for it; None: nothing, and the defaults."""

    def last_of(self, vehicle: str) -> Status | None:
        """Its last status."""

    def previous_of(self, vehicle: str, time: int, status_id: str) -> Status | None:
        """The status before this one, where it is among the vehicle's newest ones."""

    def received_of(self, vehicle: str) -> list[int]:
        """When its newest statuses were received, `evd.store.records.GAPS_OF` at most."""

    def close(self) -> None: ...


class WaitingMetadata(Protocol):
    """What waits for its message. Every method raises StoreError where the database cannot be read."""

    def since(self, until: int | None, limit: int) -> list[WaitingRow]:
        """Those first received until then, or all, the oldest first; `limit` at most."""

    def ahead(self, after: int, limit: int) -> list[WaitingRow]:
        """Those received after a time that is still to come."""


class Database(Store, Protocol):
    """An engine that was opened: all that a daemon needs of it. `close` ends its readers, too."""

    def preallocate(self) -> None:
        """Make commits cheaper from the first one on; only where a daemon runs for long."""

    def living_keys(self) -> list[Key]:
        """Those that are not revoked; to be asked before the first `write`."""

    def own_formats(self) -> list[tuple[str, str]]:
        """(vehicle, format) of the vehicles with a format of their own; likewise."""

    def type_formats(self) -> list[tuple[str, str]]:
        """(device type, format) of the device types with a format; likewise."""

    def named_formats(self) -> list[StoredFormat]:
        """The database's formats; likewise."""

    def due_pushes(self, kinds: Iterable[str]) -> DuePushes:
        """What waits for registrations of these kinds."""

    def waiting_metadata(self) -> WaitingMetadata:
        """What waits for its message."""

    @property
    def waiting_rows(self) -> int:
        """How many rows wait for their messages; costs nothing."""

    def event_state(self) -> EventState:
        """What the events engine remembers."""

    def queries(self, version: Callable[[], object]) -> AbstractAsyncContextManager[Queries]:
        """What the API may ask, while the block lasts.

        `version` is another one after each commit; it says which answers may be shared.
        """

    def find_damage(self) -> list[str]:
        """What is wrong with the files, empty if nothing is found; in a thread of its own, for it may take minutes.

        Raises StoreBroken where they are too damaged to be read, StoreBusy where another process stands in the way.
        """
