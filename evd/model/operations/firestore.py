"""Firestore, where the original's app keeps its users' vehicles: what evd read there, and what it wrote."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from evd.model.operations.base import Operation
from evd.model.operations.sharing import Implied

Said = str | float | None
"""A member of a vehicle's profile; None: nothing is said."""


class SyncUser(Operation, frozen=True, gc=False):
    """A user's document has these vehicles, and says this of each: `name`, `regNumber`, `maxVoltage`.

    What changed there since it was read or written last, changes here. A vehicle that is new there becomes the user's,
    unless others own it; one that is there no longer is the user's no longer, if a sync had made it so. A vehicle that
    the user was given or lost here stays so. The result is a Synced.
    """

    uid: str
    vehicles: Mapping[str, Mapping[str, Said]]
    at: int
    owned: bool = False
    """Whether the user also gets vehicles that others own."""
    whole: bool = True
    """Whether vehicles that are not named are there no longer; else some could not be read."""

    @property
    def size_bytes(self) -> int:
        return 256 + 256 * len(self.vehicles)

    @property
    def rows(self) -> int:
        return 1 + len(self.vehicles)


class Synced(Implied, frozen=True):
    """`refused`: vehicles that the user did not get, with the reason of each."""

    refused: Mapping[str, str] = {}


class Mirrored(msgspec.Struct, frozen=True, gc=False):
    """What was written of one user's vehicle."""

    uid: str
    vehicle: str
    status: str | msgspec.UnsetType | None = msgspec.UNSET
    """The id of its last status; None: that was deleted."""
    profile: Mapping[str, Said] = {}
    """The members that the document has now, as far as evd knows."""


class NoteMirrored(Operation, frozen=True, gc=False):
    """Firestore has taken these. The result is None."""

    vehicles: tuple[Mirrored, ...]

    @property
    def size_bytes(self) -> int:
        return 256 * (1 + len(self.vehicles))

    @property
    def rows(self) -> int:
        return max(1, len(self.vehicles))
