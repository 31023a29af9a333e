"""Annotations of messages, and frames that are no messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.errors import Unavailable
from evd.model.operations import Annotate, Frame, Operation, WaitNoLonger
from evd.store.sqlite.annotations import Said
from evd.store.sqlite.tables.base import SmallTables


def _annotate(tables: SmallTables, op: Annotate) -> bool | Unavailable:
    if _annotated(tables, op.vehicle, op.time, op.seq, Said(op.source, op.payload, op.radio, op.location)):
        return True
    tables.rings.require_taken(op.vehicle)
    return tables.rings.annotations.wait(op) or False


def _annotated(tables: SmallTables, vehicle: str, time: int, seq: int | None, said: Said) -> bool:
    places = tables.rings.places(vehicle, time, seq)
    done = False
    for place in places:
        with tables.rings.changing(vehicle, place):
            done = tables.rings.annotations.annotate(place, said) or done
    return done


def _wait_no_longer(tables: SmallTables, op: WaitNoLonger) -> None:
    annotations = tables.rings.annotations
    found = annotations.waiting_row(op.number)
    if found is not None:
        key, said = found
        _annotated(tables, *key, said)
        annotations.forget_waiting(op.number, key)


def _count(tables: SmallTables, op: Frame) -> None:
    tables.rings.count_frame(op)


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    Annotate: _annotate,
    WaitNoLonger: _wait_no_longer,
    Frame: _count,
}
