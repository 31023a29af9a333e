"""What the network says beside messages, in SQLite: annotations of messages, and frames that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.store import Operation
from evd.store.annotations import Said
from evd.store.network import Annotate, Frame
from evd.store.registry import Registry


def _annotate(registry: Registry, op: Annotate) -> bool:
    said = Said(op.source, op.payload, op.radio, op.location)
    annotations = registry.rings.annotations
    places = registry.rings.places(op.vehicle, op.time, op.seq)
    done = [annotations.annotate(place, said) for place in places]
    if not any(done):
        annotations.wait(op)
    return any(done)


def _count(registry: Registry, op: Frame) -> None:
    registry.rings.count_frame(op)


HANDLERS: dict[type[Operation], Callable[[Registry, Any], Any]] = {
    Annotate: _annotate,
    Frame: _count,
}
