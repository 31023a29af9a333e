"""What an engine gives: writing, in groups of operations, and what a provider's backlog reads.

An operation says what happened or what is wanted (a status arrived, a phone registers), never how an engine keeps it: a
ring per vehicle, a memory of duplicates and an outbox are tables in SQLite.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any, Protocol

from evd.model.operations import EventDue, Operation, Registration
from evd.model.status import Status


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
