"""Vehicles' settings, and the repair of what a wrong server clock left in their rings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from evd.model import operations as ops
from evd.store.sqlite.tables.base import SmallTables


def _set_vehicle(tables: SmallTables, op: ops.SetVehicle) -> None:
    if not tables.rings.known(op.vehicle):
        tables.rings.create(op.vehicle, op.created)
    for column, value in (("keep", op.keep), ("format", op.format), ("name", op.name)):
        if value is not msgspec.UNSET:
            tables.db.execute(_SET_COLUMN[column], (value, op.vehicle))
    tables.rings.settings_changed(op.vehicle)


_SET_COLUMN = {
    "keep": "UPDATE vehicles SET keep = ? WHERE vehicle = ?",
    "format": "UPDATE vehicles SET format = ? WHERE vehicle = ?",
    "name": "UPDATE vehicles SET name = ? WHERE vehicle = ?",
}


def _set_tariff(tables: SmallTables, op: ops.PriceCharging) -> None:
    if not tables.rings.known(op.vehicle):
        raise ops.UnknownVehicle(f"vehicle {op.vehicle} is unknown: it has sent no status and was not set up")
    tables.db.execute(_SET_TARIFF, (op.vehicle, op.tariff))


_SET_TARIFF = """
INSERT INTO vehicle_profiles (vehicle, tariff) VALUES (?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET tariff = excluded.tariff"""


def _mend_clock(tables: SmallTables, op: ops.MendClock) -> None:
    tables.rings.upkeep.clock_mended(op.until)


HANDLERS: dict[type[ops.Operation], Callable[[SmallTables, Any], Any]] = {
    ops.SetVehicle: _set_vehicle,
    ops.PriceCharging: _set_tariff,
    ops.MendClock: _mend_clock,
}
