"""All operations of the small tables → the functions that execute them inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import Operation
from evd.store.sqlite.tables import (
    access,
    downlinks,
    events,
    firestore,
    identity,
    images,
    imports,
    life,
    notes,
    profiles,
    radio,
    registrations,
    rejections,
    sharing,
    vehicles,
)
from evd.store.sqlite.tables import formats as format_tables
from evd.store.sqlite.tables.base import SmallTables

HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    **rejections.HANDLERS,
    **access.HANDLERS,
    **identity.HANDLERS,
    **sharing.HANDLERS,
    **life.HANDLERS,
    **vehicles.HANDLERS,
    **profiles.HANDLERS,
    **notes.HANDLERS,
    **radio.HANDLERS,
    **downlinks.HANDLERS,
    **format_tables.HANDLERS,
    **registrations.HANDLERS,
    **events.HANDLERS,
    **imports.HANDLERS,
    **firestore.HANDLERS,
    **images.HANDLERS,
}
