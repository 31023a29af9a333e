"""Downlinks: eight bytes for a vehicle, sent when it asks, and their outcome."""

from __future__ import annotations

from evd.model.operations.base import Operation


class QueueDownlink(Operation, frozen=True, gc=False):
    """Queue eight bytes for a vehicle. The result is the downlink's number, or LimitReached."""

    vehicle: str
    payload: bytes
    created: int
    expires: int


class CancelDownlink(Operation, frozen=True, gc=False):
    """The result is False unless it is still queued."""

    number: int
    at: int


class OfferDownlink(Operation, frozen=True, gc=False):
    """A message asks for a downlink. The result is its eight bytes, or None.

    The same message gets the same bytes again, whatever their outcome is.
    """

    vehicle: str
    asked_by: str
    """The id of the message's status."""
    asked_time: int
    at: int


class CloseDownlink(Operation, frozen=True, gc=False):
    """Record the outcome of a downlink (ACKNOWLEDGE). The result is its number, or None if none was offered.

    Sigfox names only device and time: of the downlinks offered to the vehicle, the one asked for nearest to `time` is
    closed.
    """

    vehicle: str
    time: int
    info_code: int
    info: str
    at: int
