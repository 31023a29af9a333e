"""What every operation is: something to be written, in one transaction with others; all times are epoch ms."""

from __future__ import annotations

import msgspec

from evd.errors import EvdError


class Operation(msgspec.Struct, frozen=True, gc=False):
    """Something to be written. All times are epoch ms."""

    @property
    def size_bytes(self) -> int:
        """Its approximate size in memory while it waits."""
        return 256

    @property
    def rows(self) -> int:
        """What it counts for in the queue and in a group."""
        return 1


class Several(Operation, frozen=True, gc=False):
    """Operations of one request, in one transaction. The result is the list of their results or errors."""

    operations: tuple[Operation, ...]

    @property
    def size_bytes(self) -> int:
        return sum([operation.size_bytes for operation in self.operations])

    @property
    def rows(self) -> int:
        return len(self.operations)


class UnknownVehicle(EvdError):
    """The vehicle is unknown, and `ingest.unknown_vehicle` requires known ones."""


class ForeignPhone(EvdError):
    """A phone is registered by another user than the one that an import names."""


class LimitReached(EvdError):
    """A table is full: the sentence names the setting that bounds it."""
