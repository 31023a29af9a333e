"""What the loop knows without asking the database: living keys, and vehicles' own formats.

It is told of every change by the writer, after the commit, so it cannot go stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from evd.auth import Key, KeyRing
from evd.errors import EvdError
from evd.store import AddKey, Arrive, Operation, RevokeKey, SetVehicle


class Directory:
    """`formats` are (vehicle in normal form, format's name or grammar) of the vehicles that have one of their own."""

    def __init__(self, keys: Iterable[Key], formats: Iterable[tuple[str, str]]) -> None:
        self.keys = KeyRing(list(keys))
        self.formats: Mapping[str, str] = (changing := dict(formats))
        """The vehicles with a format of their own, kept up to date."""
        self._formats = changing

    def format_of(self, vehicle: str) -> str | None:
        return self._formats.get(vehicle)

    def committed(self, operations: Sequence[Operation], results: Sequence[Any]) -> None:
        """Follow what a commit changed."""
        for operation, result in zip(operations, results, strict=True):
            if type(operation) is Arrive or result is False or isinstance(result, EvdError):
                continue
            if isinstance(operation, AddKey):
                self.keys.add(Key(operation.key_id, operation.role, operation.digest, operation.vehicle))
            elif isinstance(operation, RevokeKey):
                self.keys.remove(operation.key_id)
            elif isinstance(operation, SetVehicle) and operation.format is not msgspec.UNSET:
                if operation.format is None:
                    self._formats.pop(operation.vehicle, None)
                else:
                    self._formats[operation.vehicle] = operation.format
