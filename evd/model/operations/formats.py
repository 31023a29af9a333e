"""Payload formats, and the formats of device types."""

from __future__ import annotations

from evd.errors import EvdError
from evd.model.operations.base import Operation


class AddFormat(Operation, frozen=True, gc=False):
    """Add a payload format, or replace the one of this name. The result is None, or LimitReached."""

    name: str
    grammar: str
    fields: bytes
    """Its table of field options, a JSON object."""
    created: int


class RemoveFormat(Operation, frozen=True, gc=False):
    """The result is False if no format has this name; FormatInUse if vehicles or device types have it."""

    name: str


class SetDeviceType(Operation, frozen=True, gc=False):
    """Set the format of a device type; None removes it. The result is None, or LimitReached."""

    device_type: str
    format: str | None
    created: int


class FormatInUse(EvdError):
    """A format that is to be removed belongs to vehicles or device types."""
