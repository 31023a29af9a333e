"""Pictures of vehicles."""

from __future__ import annotations

from evd.model.operations.base import Operation


class SetImage(Operation, frozen=True, gc=False):
    """A vehicle's picture, whose files are on disk. The result is a tuple of the names of the files that it had before.

    Raises UnknownVehicle for a vehicle without a ring and without an owner, LimitReached.
    """

    vehicle: str
    media: str
    """`image/jpeg` or another type of picture."""
    file: str
    """Names of files: SHA-256 of their content, in hex."""
    bytes: int
    width: int
    height: int
    thumbnail: str
    thumbnail_bytes: int
    changed: int


class RemoveImage(Operation, frozen=True, gc=False):
    """Remove a vehicle's picture. The result is a tuple of the names of its files, or False if it had none."""

    vehicle: str
