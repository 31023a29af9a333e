"""Who may call evd, and whose a vehicle is."""

from __future__ import annotations

from typing import Literal

from evd.model.operations.base import Operation

Relation = Literal["owner", "viewer"]
"""What a user is to a vehicle. A viewer reads what there is of it and registers own phones, and changes nothing."""


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


class ReviveKey(Operation, frozen=True, gc=False):
    """A revoked key is good again. The result is False if there is no such revoked key, else an Implied: its AddKey."""

    key_id: str


class AddOwner(Operation, frozen=True, gc=False):
    """The user becomes an owner or a viewer of the vehicle; an owner does not become a viewer by it."""

    uid: str
    vehicle: str
    created: int
    relation: Relation = "owner"


class RemoveOwner(Operation, frozen=True, gc=False):
    """The user no longer owns or sees the vehicle or gets its pushes. The result is False for a user who did not."""

    uid: str
    vehicle: str
