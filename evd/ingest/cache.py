"""What the loop knows without asking the database: living keys, and which format belongs to whom.

It is told of every change by the writer, after the commit, so it cannot go stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from evd.auth.api_keys import Key, KeyRing
from evd.config.settings import FormatSettings
from evd.errors import EvdError
from evd.model.operations import (
    AddFormat,
    AddKey,
    Operation,
    RemoveFormat,
    RevokeKey,
    SetDeviceType,
    SetVehicle,
    Several,
)
from evd.payload.formats import Formats


class IngestCache:
    """Follows the changes of keys, vehicles, device types and formats.

    `formats` are (vehicle in normal form, format's name or grammar) of the vehicles that have one of their own,
    `type_formats` likewise (device type in lower case, format). `library` gets and loses the database's formats; None
    where nobody decodes.
    """

    def __init__(
        self,
        keys: Iterable[Key],
        formats: Iterable[tuple[str, str]],
        type_formats: Iterable[tuple[str, str]] = (),
        library: Formats | None = None,
    ) -> None:
        self.keys = KeyRing(list(keys))
        self.formats: Mapping[str, str] = (changing := dict(formats))
        """The vehicles with a format of their own, kept up to date."""
        self.type_formats: Mapping[str, str] = (of_types := dict(type_formats))
        """The device types with a format, kept up to date."""
        self._formats = changing
        self._type_formats = of_types
        self._library = library
        self._followers: dict[type[Operation], Callable[[Any, Any], None]] = {
            AddKey: self._key_added,
            RevokeKey: self._key_revoked,
            SetVehicle: self._vehicle_set,
            AddFormat: self._format_added,
            RemoveFormat: self._format_removed,
            SetDeviceType: self._device_type_set,
            Several: self._several_done,
        }

    def format_of(self, vehicle: str) -> str | None:
        return self._formats.get(vehicle)

    def format_for(self, vehicle: str, device_type: str | None) -> str | None:
        """The vehicle's own format, else its device type's; None: the default format decodes its messages."""
        own = self._formats.get(vehicle)
        return own if own is not None or device_type is None else self._type_formats.get(device_type)

    def committed(self, operations: Sequence[Operation], results: Sequence[Any]) -> None:
        """Follow what a commit changed."""
        followers = self._followers
        for operation, result in zip(operations, results, strict=True):
            follow = followers.get(type(operation))
            if follow is not None and result is not False and not isinstance(result, EvdError):
                follow(operation, result)

    def _several_done(self, operation: Several, results: Sequence[Any]) -> None:
        self.committed(operation.operations, results)

    def _key_added(self, operation: AddKey, result: Any) -> None:
        role = result if isinstance(result, str) else operation.role
        self.keys.add(Key(operation.key_id, role, operation.digest, operation.vehicle))

    def _key_revoked(self, operation: RevokeKey, _: Any) -> None:
        self.keys.remove(operation.key_id)

    def _vehicle_set(self, operation: SetVehicle, _: Any) -> None:
        if operation.format is not msgspec.UNSET:
            _assign(self._formats, operation.vehicle, operation.format)

    def _device_type_set(self, operation: SetDeviceType, _: Any) -> None:
        _assign(self._type_formats, operation.device_type, operation.format)

    def _format_added(self, operation: AddFormat, _: Any) -> None:
        if self._library is not None:
            self._library.put(operation.name, FormatSettings(operation.grammar, orjson.loads(operation.fields)))

    def _format_removed(self, operation: RemoveFormat, _: Any) -> None:
        if self._library is not None:
            self._library.drop(operation.name)


def _assign(formats: dict[str, str], who: str, format: str | msgspec.UnsetType | None) -> None:
    if isinstance(format, str):
        formats[who] = format
    else:
        formats.pop(who, None)
