"""Downlinks: eight bytes for a vehicle that asks, and what became of them."""

from __future__ import annotations

from evd.model.operations.base import Operation


class QueueDownlink(Operation, frozen=True, gc=False):
    """Eight bytes for a vehicle that asks. The result is the downlink's number, or LimitReached."""

    vehicle: str
    payload: bytes
    created: int
    expires: int


class CancelDownlink(Operation, frozen=True, gc=False):
    """The result is False unless it was queued still."""

    number: int
    at: int


class OfferDownlink(Operation, frozen=True, gc=False):
    """A message asks for a downlink. The result is its eight bytes, or None.

    The same message gets the same bytes again, whatever became of them.
    """

    vehicle: str
    asked_by: str
    """The id of the message's status."""
    asked_time: int
    at: int


class CloseDownlink(Operation, frozen=True, gc=False):
    """What became of a downlink (ACKNOWLEDGE). The result is its number, or None where none was offered.

    Sigfox names device and time only: of the vehicle's offered ones, the one asked for nearest to `time` is meant.
    """

    vehicle: str
    time: int
    info_code: int
    info: str
    at: int
