"""Callbacks of vehicles that are ignored, or that were merged into another one."""

from __future__ import annotations

import msgspec

from evd.ingest.cache import IngestCache
from evd.ingest.transaction import Callback
from evd.model.operations import CountIgnored, Operation

IGNORED = "ignored"
"""The outcome of a callback that is counted and not kept."""


def treated(callback: Callback, directory: IngestCache) -> Callback:
    """The callback as it is kept. Its status keeps its id, so that a redelivery changes nothing after a merge."""
    into = directory.aliases.get(callback.vehicle)
    if into is not None:
        operations = tuple(_moved(operation, callback.vehicle, into) for operation in callback.operations)
        callback = callback._replace(vehicle=into, operations=operations)
    if callback.vehicle not in directory.ignored:
        return callback
    return callback._replace(kind=IGNORED, operations=(CountIgnored(callback.vehicle),), asks=False)


def _moved(operation: Operation, vehicle: str, into: str) -> Operation:
    if getattr(operation, "vehicle", None) != vehicle:
        return operation
    return msgspec.structs.replace(operation, vehicle=into)
