"""Registrations: who wants a vehicle's pushes."""

from __future__ import annotations

from typing import Literal

import msgspec

from evd.model.operations.base import Operation

Client = Literal["original", "v1"]
"""The routes by which it registered: the original's, whose app does so once, at log-in, or `/api/v1`, at each start."""

ORIGINAL: Client = "original"


class Register(Operation, frozen=True, gc=False):
    """Register a target for a vehicle's pushes, with the vehicle's id as it spells it; or renew the registration.

    A phone belongs to one user at a time: the registrations of its former user are deleted. The result is None, or how
    many registrations made room for this one although a provider accepted a push for them lately.
    """

    vehicle: str
    spelling: str
    token: str
    uid: str
    at: int
    kind: str = "token"
    """The name of a `TargetKind`."""
    client: Client = "v1"
    displaces: bool = True
    """Whether the oldest registration makes room if there are too many; else LimitReached is raised."""


class Renew(Operation, frozen=True, gc=False):
    """Renew all registrations of a user who sent a request, except those renewed within a day.

    The result is the vehicles of the registrations that were renewed.
    """

    uid: str
    at: int


class Unregister(Operation, frozen=True, gc=False):
    """Delete a registration, of `uid` if one is given. The result is False if there is none."""

    vehicle: str
    token: str
    uid: str | None = None


class ForgetUnseen(Operation, frozen=True, gc=False):
    """Delete registrations that were not renewed since `before`, at most `limit`. The result is their number."""

    before: int
    limit: int


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A registration and the state of its deliveries."""

    number: int
    vehicle: str
    token: str
    kind: str
    spelling: str
    uid: str
    renewed: int
    given: str
    """The id of the status that it was sent last."""
    due: int | None
    attempts: int
    client: Client = "v1"
    viewer: bool = False
    """Whether its user may only look at the vehicle."""
