"""Requests that were refused, kept for the operator."""

from __future__ import annotations

from evd.model.operations.base import Operation


class Reject(Operation, frozen=True, gc=False):
    """A request with a valid key that could not be taken: kept once, however often it comes."""

    received: int
    route: str
    error: str
    detail: str
    headers: bytes
    body: bytes
    client: str = ""
    """The address that it came from, "" if it did not come over a network connection."""

    @property
    def size_bytes(self) -> int:
        return 512 + len(self.body)


class RestoreRejected(Operation, frozen=True, gc=False):
    """Undo a ForgetRejected of the last day. The result is the number that it has now, or False: there is none."""

    number: int
    at: int
    """Epoch ms."""


class DropForgotten(Operation, frozen=True, gc=False):
    """Delete what was forgotten before `before` (epoch ms), at most `limit`. The result is how many there were."""

    before: int
    limit: int


class ForgetRejected(Operation, frozen=True, gc=False):
    """Delete a rejected request that was replayed or is not wanted. The result is False if it is gone."""

    number: int
    restorable_from: int | None = None
    """When a person forgot it, epoch ms: for a day it can be restored. None: it was taken."""
