"""The life of a vehicle, and of a user's data: deleted, merged, ignored, forgotten.

What is deleted is overwritten in the file (SQLite's secure_delete). A ring is emptied in steps afterwards, and no
reader sees it meanwhile.
"""

from __future__ import annotations

from evd.model.operations.base import Operation


class DeleteVehicle(Operation, frozen=True, gc=False):
    """Delete all that is known of a vehicle; if it is ignored, it stays so.

    The result is an Implied with counts by table, or False if nothing was known.
    """

    vehicle: str


class MergeVehicle(Operation, frozen=True, gc=False):
    """The vehicle becomes another: its statuses arrive there, by the rules of that ring, and owners, registrations,
    keys, events and downlinks move. Later callbacks under its id go there, too.

    The result is an Implied. Raises UnknownVehicle unless both are known, LimitReached.
    """

    vehicle: str
    into: str
    at: int


class IgnoreVehicle(Operation, frozen=True, gc=False):
    """Callbacks of the vehicle are answered and not kept, or are kept again. The result is False if nothing changed, or
    LimitReached."""

    vehicle: str
    ignored: bool
    at: int


class CountIgnored(Operation, frozen=True, gc=False):
    """A callback of an ignored vehicle came. The result is None."""

    vehicle: str


class ForgetUser(Operation, frozen=True, gc=False):
    """Delete all that is known of a user. The result is an Implied with counts by table, or False if nothing was."""

    uid: str
