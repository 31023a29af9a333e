"""Annotations of messages, and frames that are no messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.errors import Unavailable
from evd.model.operations import Annotate, Frame, Operation, WaitNoLonger
from evd.store.sqlite.annotations import Said
from evd.store.sqlite.tables.base import Registry


def _annotate(registry: Registry, op: Annotate) -> bool | Unavailable:
    if _annotated(registry, op.vehicle, op.time, op.seq, Said(op.source, op.payload, op.radio, op.location)):
        return True
    registry.rings.require_taken(op.vehicle)
    return registry.rings.annotations.wait(op) or False


def _annotated(registry: Registry, vehicle: str, time: int, seq: int | None, said: Said) -> bool:
    places = registry.rings.places(vehicle, time, seq)
    done = [registry.rings.annotations.annotate(place, said) for place in places]
    return any(done)


def _wait_no_longer(registry: Registry, op: WaitNoLonger) -> None:
    annotations = registry.rings.annotations
    found = annotations.waiting_row(op.number)
    if found is not None:
        key, said = found
        _annotated(registry, *key, said)
        annotations.forget_waiting(op.number, key)


def _count(registry: Registry, op: Frame) -> None:
    registry.rings.count_frame(op)


HANDLERS: dict[type[Operation], Callable[[Registry, Any], Any]] = {
    Annotate: _annotate,
    WaitNoLonger: _wait_no_longer,
    Frame: _count,
}
