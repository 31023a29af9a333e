"""What ingest needs to know without asking the database: valid keys, and the formats of vehicles and device types.

The cache observes every commit before any other listener, so it is never stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import orjson

from evd.auth.api_keys import Key, KeyRing
from evd.config.settings import FormatSettings
from evd.model.commits import CommitSummary
from evd.model.operations import (
    AddFormat,
    AddKey,
    DeleteVehicle,
    IgnoreVehicle,
    MergeVehicle,
    Operation,
    RemoveFormat,
    RevokeKey,
    SetDeviceType,
    SetVehicle,
)
from evd.payload.formats import Formats


class IngestCache:
    """Keeps track of keys, vehicles, device types and formats.

    `formats` are pairs of (vehicle in normal form, its format's name or grammar) for vehicles with a format of their
    own; `type_formats` are pairs of (device type in lower case, format). `library` is updated with the database's
    formats; None if nothing is decoded.
    """

    def __init__(
        self,
        keys: Iterable[Key],
        formats: Iterable[tuple[str, str]],
        type_formats: Iterable[tuple[str, str]] = (),
        library: Formats | None = None,
        *,
        ignored: Iterable[str] = (),
        aliases: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.keys = KeyRing(list(keys))
        self.formats: Mapping[str, str] = (changing := dict(formats))
        """Vehicle → its own format; kept up to date."""
        self.type_formats: Mapping[str, str] = (of_types := dict(type_formats))
        """Device type → its format; kept up to date."""
        self._formats = changing
        self._type_formats = of_types
        self._library = library
        self.ignored = set(ignored)
        """Vehicles whose callbacks are not kept."""
        self.aliases = dict(aliases)
        """Vehicle → the one that it was merged into."""
        self.special = {*changing, *self.ignored, *self.aliases}
        """Vehicles with a format of their own, and those that are ignored or merged: no others need a look."""
        self._followers: dict[type[Operation], Callable[[Any], None]] = {
            AddKey: self._key_added,
            RevokeKey: self._key_revoked,
            SetVehicle: self._vehicle_set,
            AddFormat: self._format_added,
            RemoveFormat: self._format_removed,
            SetDeviceType: self._device_type_set,
            IgnoreVehicle: self._vehicle_ignored,
            DeleteVehicle: self._vehicle_deleted,
            MergeVehicle: self._vehicle_merged,
        }

    def format_of(self, vehicle: str) -> str | None:
        return self._formats.get(vehicle)

    def format_for(self, vehicle: str, device_type: str | None) -> str | None:
        """The vehicle's own format, else its device type's, else None: the default format decodes its messages.

        A vehicle that was merged has the format of the one that it stands for.
        """
        own = self._formats.get(self.aliases.get(vehicle, vehicle))
        return own if own is not None or device_type is None else self._type_formats.get(device_type)

    def committed(self, summary: CommitSummary) -> None:
        """Apply a commit's changes."""
        for operation in (*summary.keys, *summary.formats, *summary.treatments):
            self._followers[type(operation)](operation)

    def _key_added(self, operation: AddKey) -> None:
        self.keys.add(Key(operation.key_id, operation.role, operation.digest, operation.vehicle))

    def _key_revoked(self, operation: RevokeKey) -> None:
        self.keys.remove(operation.key_id)

    def _vehicle_set(self, operation: SetVehicle) -> None:
        _assign(self._formats, operation.vehicle, operation.format)
        self._sort(operation.vehicle)

    def _vehicle_ignored(self, operation: IgnoreVehicle) -> None:
        (self.ignored.add if operation.ignored else self.ignored.discard)(operation.vehicle)
        self._sort(operation.vehicle)

    def _vehicle_deleted(self, operation: DeleteVehicle) -> None:
        vehicle = operation.vehicle
        for alias in [alias for alias, into in self.aliases.items() if vehicle in (alias, into)]:
            del self.aliases[alias]
            self._sort(alias)
        self._sort(vehicle)

    def _vehicle_merged(self, operation: MergeVehicle) -> None:
        vehicle, into = operation.vehicle, operation.into
        self.aliases = {alias: into if old == vehicle else old for alias, old in self.aliases.items() if alias != into}
        self.aliases[vehicle] = into
        self.ignored.discard(vehicle)
        self._sort(vehicle)
        self._sort(into)

    def _sort(self, vehicle: str) -> None:
        """Note whether the vehicle is special."""
        is_special = vehicle in self._formats or vehicle in self.ignored or vehicle in self.aliases
        (self.special.add if is_special else self.special.discard)(vehicle)

    def _device_type_set(self, operation: SetDeviceType) -> None:
        _assign(self._type_formats, operation.device_type, operation.format)

    def _format_added(self, operation: AddFormat) -> None:
        if self._library is not None:
            self._library.put(operation.name, FormatSettings(operation.grammar, orjson.loads(operation.fields)))

    def _format_removed(self, operation: RemoveFormat) -> None:
        if self._library is not None:
            self._library.drop(operation.name)


def _assign(formats: dict[str, str], who: str, format: str | msgspec.UnsetType | None) -> None:
    if isinstance(format, str):
        formats[who] = format
    else:
        formats.pop(who, None)
