"""Registrations: who wants a vehicle's pushes."""

from __future__ import annotations

from typing import Literal

import msgspec

from evd.model.operations.base import Operation

Client = Literal["original", "v1"]
"""By whose routes a phone registered: the original's, as its app does once, at log-in, or `/api/v1`, at each start."""


ORIGINAL: Client = "original"


class Register(Operation, frozen=True, gc=False):
    """A phone wants a vehicle's pushes, with the vehicle's id spelled its way; said again, it renews.

    A phone is one user's at a time: it hears no more of what it was registered for by the one before him. The result is
    None, or how many phones made room for it though a provider took a push for them lately.
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
    """Whether another phone makes room where there are too many; else LimitReached is raised."""


class Renew(Operation, frozen=True, gc=False):
    """A user asked for something: his phones count as seen. Those that were renewed within a day stay as they are.

    The result is the vehicles that the others hear of.
    """

    uid: str
    at: int


class Unregister(Operation, frozen=True, gc=False):
    """The result is False if there is no such registration, of `uid` where one is given."""

    vehicle: str
    token: str
    uid: str | None = None


class ForgetUnseen(Operation, frozen=True, gc=False):
    """Registrations that were not renewed since `before` go, `limit` at most; the result is how many went."""

    before: int
    limit: int


class Registration(msgspec.Struct, frozen=True, gc=False):
    """A registration, and how far its deliveries are."""

    number: int
    vehicle: str
    token: str
    kind: str
    spelling: str
    uid: str
    renewed: int
    given: str
    """The id of the status it was given last."""
    due: int | None
    attempts: int
    client: Client = "v1"
