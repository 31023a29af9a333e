"""The store: statuses, registrations, keys and receipts, kept by an engine.

The writer hands a store a group of operations; the store does them in one transaction and gives one result each. An
operation says what happened or what is wanted (a status arrived, a phone registers), never how an engine keeps it: a
ring per vehicle, a memory of duplicates and an outbox are in SQLite tables here, and are a subject, message ids and a
consumer in NATS JetStream.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import msgspec

from evd.errors import EvdError
from evd.ring import Verdict


class Operation(msgspec.Struct, frozen=True, gc=False):
    """Something to be written. All times are epoch ms."""

    @property
    def size_bytes(self) -> int:
        """About what it holds in memory while it waits."""
        return 256

    @property
    def rows(self) -> int:
        """What it counts for in the queue and in a group."""
        return 1


class Arrive(Operation, frozen=True, gc=False):
    """A status arrived. The result is a Stored; UnknownVehicle is raised where vehicles must be known."""

    status_id: str
    vehicle: str
    spelling: str
    time: int
    seq: int | None
    timely: bool
    connectivity: int
    payload: bytes | None
    fields: bytes
    """The status's fields as a JSON object, under the app's names."""
    document: bytes
    """The body as it was received."""
    received: int
    flags: str = ""

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.fields) + len(self.document)


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What became of an arrival."""

    verdict: Verdict


STORED = {verdict: Stored(verdict) for verdict in Verdict}
NEWEST = STORED[Verdict.NEWEST]
"""What becomes of nearly every arrival: this very object."""
NO_ROOM = STORED[Verdict.NO_ROOM]


class Reject(Operation, frozen=True, gc=False):
    """A request with a valid key that could not be taken: kept once, however often it comes."""

    received: int
    route: str
    error: str
    detail: str
    headers: bytes
    body: bytes

    @property
    def size_bytes(self) -> int:
        return 512 + len(self.body)


class AddKey(Operation, frozen=True, gc=False):
    """A new key, or more roles for a living one of the same digest that is bound to no vehicle.

    The result is True, or the roles that it has now; False if one with this id exists and gains nothing.
    """

    key_id: str
    role: str
    digest: bytes
    """SHA-256 of the whole key."""
    name: str
    vehicle: str | None
    created: int


class RevokeKey(Operation, frozen=True, gc=False):
    """The result is False if there is no such living key."""

    key_id: str
    revoked: int


class AddOwner(Operation, frozen=True, gc=False):
    uid: str
    vehicle: str
    created: int


class RemoveOwner(Operation, frozen=True, gc=False):
    """The user owns the vehicle no more, and his phones hear of it no more. The result is False if he never did."""

    uid: str
    vehicle: str


class SetVehicle(Operation, frozen=True, gc=False):
    """Settings of a vehicle, which is created where it is not known; a field that is not given stays as it is."""

    vehicle: str
    created: int
    keep: int | msgspec.UnsetType | None = msgspec.UNSET
    format: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET


class MendClock(Operation, frozen=True, gc=False):
    """The server's clock was behind and is right now: statuses that lay ahead of it, up to `until`, are timely."""

    until: int


class UnknownVehicle(EvdError):
    """The vehicle was never heard, and `ingest.unknown_vehicle` says that it must be known."""


class LimitReached(EvdError):
    """A table is full: the sentence names the setting that bounds it."""


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
    def wants_relief(self) -> bool:
        """Whether `relieve` should be called, once."""

    def relieve(self) -> None:
        """What takes long and may be done while commits go on, in any thread; `tidy` must wait until it ends."""

    @property
    def wants_tidy(self) -> bool:
        """Whether `tidy` should not wait until nothing else is to do."""

    def tidy(self, *, idle: bool = False) -> bool:
        """One bounded step of what may wait, but must not run beside a commit; True if more is left.

        `idle`: nothing else is to do, so what could wait longer is done as well.
        """

    def close(self) -> None: ...
