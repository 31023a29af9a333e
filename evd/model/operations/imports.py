"""Owners, phones and profiles of another system that move in: what is there already stays as it is."""

from __future__ import annotations

from evd.model.operations.access import AddOwner
from evd.model.operations.profiles import SetProfile
from evd.model.operations.registrations import Register


class ImportOwner(AddOwner, frozen=True, gc=False):
    """An owner. The result is False where this user owns or sees the vehicle already; LimitReached as ever."""

    imported: bytes | None = None
    """What no column has of the item that it came from, a JSON object; None: nothing."""


class ImportRegistration(Register, frozen=True, gc=False):
    """A phone, as `Register` with `displaces=False`. The result is False if it is registered for the vehicle already.

    ForeignPhone where another user has registered the phone: evd knows better than an older system.
    """

    imported: bytes | None = None
    """As in ImportOwner."""

    @property
    def size_bytes(self) -> int:
        return 256 + len(self.imported or b"")


class ImportProfile(SetProfile, frozen=True, gc=False):
    """A profile: of its members only those that evd knows nothing of yet, and not `coarseLocation`. The result is False
    if there are none."""
