"""Requests that were refused, kept for their operator."""

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
    """The address that it came from, "" where that was no connection from elsewhere."""

    @property
    def size_bytes(self) -> int:
        return 512 + len(self.body)


class ForgetRejected(Operation, frozen=True, gc=False):
    """A rejected request was taken after all, or is not wanted. The result is False if it is gone."""

    number: int
