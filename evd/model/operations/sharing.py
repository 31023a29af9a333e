"""Sharing: invitations and claim codes, tags of vehicles, and the end of all of a user's registrations."""

from __future__ import annotations

import msgspec

from evd.model.operations.access import AddOwner, Relation
from evd.model.operations.base import Operation


class Implied(msgspec.Struct, frozen=True):
    """The result of an operation that did several things: the same things as operations of their own, for those who
    observe commits, with the result None of each. `counts` says how much of what, for people."""

    operations: tuple[Operation, ...] = ()
    counts: dict[str, int] = {}


class Accepted(Implied, frozen=True):
    """An invitation that was accepted: to which vehicle, and what the user is to it now."""

    vehicle: str = ""
    relation: Relation = "viewer"

    @classmethod
    def of(cls, added: AddOwner, relation: Relation) -> Accepted:
        return cls((added,), vehicle=added.vehicle, relation=relation)


class Invite(Operation, frozen=True, gc=False):
    """A code by which a user becomes an owner or a viewer of the vehicle.

    The result is None; NotOwner if the inviting user does not own the vehicle; LimitReached; UnknownVehicle for one
    that is neither known nor owned. Expired invitations make room.
    """

    invitation_id: str
    digest: bytes
    """SHA-256 of the code."""
    vehicle: str
    relation: Relation
    invited_by: str | None
    """The user who invites; None: an administrator."""
    created: int
    expires: int


class AcceptInvitation(Operation, frozen=True, gc=False):
    """A user accepts an invitation, which is good once. The result is an Accepted; None if there is no such invitation,
    it has expired, or the user who invited is no longer an owner; LimitReached."""

    invitation_id: str
    digest: bytes
    uid: str
    at: int


class RevokeInvitation(Operation, frozen=True, gc=False):
    """The result is False if the vehicle has no such invitation."""

    invitation_id: str
    vehicle: str


class TagVehicle(Operation, frozen=True, gc=False):
    """Add and remove tags of a vehicle. The result is a tuple of the tags that it has then, or LimitReached."""

    vehicle: str
    add: tuple[str, ...]
    remove: tuple[str, ...]


class UnregisterUser(Operation, frozen=True, gc=False):
    """Delete all of a user's registrations. The result is their number, or False if there are none."""

    uid: str
