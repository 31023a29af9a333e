"""Payload formats, and which device type has which."""

from __future__ import annotations

from evd.errors import EvdError
from evd.model.operations.base import Operation


class AddFormat(Operation, frozen=True, gc=False):
    """A payload format by name, new or in place of the one of this name. The result is None, or LimitReached."""

    name: str
    grammar: str
    fields: bytes
    """Its table of field options, a JSON object."""
    created: int


class RemoveFormat(Operation, frozen=True, gc=False):
    """The result is False if there is none of this name; FormatInUse where vehicles or device types have it."""

    name: str


class SetDeviceType(Operation, frozen=True, gc=False):
    """The format of the devices of one type; None takes it back. The result is None, or LimitReached."""

    device_type: str
    format: str | None
    created: int


class FormatInUse(EvdError):
    """A format that is to be removed belongs to vehicles or device types."""
