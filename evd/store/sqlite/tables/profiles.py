"""What owners say of their vehicles: the table `vehicle_profiles`, with a row at most for each known vehicle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from evd.model.operations import ImportProfile, Operation, SetProfile, UnknownVehicle
from evd.model.profile import Profile
from evd.store.sqlite.tables.base import SmallTables

_KNOWN = "SELECT 1 FROM vehicles WHERE vehicle = ?1 UNION ALL SELECT 1 FROM owners WHERE vehicle = ?1 LIMIT 1"
_ADD = "INSERT INTO vehicle_profiles (vehicle) VALUES (?) ON CONFLICT DO NOTHING"
_SET = {
    "name": "UPDATE vehicle_profiles SET name = ? WHERE vehicle = ?",
    "regNumber": "UPDATE vehicle_profiles SET reg_number = ? WHERE vehicle = ?",
    "type": "UPDATE vehicle_profiles SET type = ? WHERE vehicle = ?",
    "battery": "UPDATE vehicle_profiles SET battery_kwh = ? WHERE vehicle = ?",
    "maxVoltage": "UPDATE vehicle_profiles SET max_voltage = ? WHERE vehicle = ?",
    "phases": "UPDATE vehicle_profiles SET phases = ? WHERE vehicle = ?",
    "zone": "UPDATE vehicle_profiles SET zone = ? WHERE vehicle = ?",
    "coarseLocation": "UPDATE vehicle_profiles SET coarse_location = ? WHERE vehicle = ?",
}


def require_known(tables: SmallTables, vehicle: str) -> None:
    """Raises UnknownVehicle for a vehicle without a ring and without an owner."""
    if not tables.rings.known(vehicle) and tables.db.execute(_KNOWN, (vehicle,)).fetchone() is None:
        raise UnknownVehicle(f"vehicle {vehicle} is unknown")


def _set_profile(tables: SmallTables, op: SetProfile) -> None:
    require_known(tables, op.vehicle)
    tables.db.execute(_ADD, (op.vehicle,))
    for member, sql in _SET.items():
        value = getattr(op.profile, member)
        if value is not msgspec.UNSET:
            tables.db.execute(sql, (value, op.vehicle))
    tables.rings.derivation.zones_changed()


def _import_profile(tables: SmallTables, op: ImportProfile) -> bool:
    row = tables.db.execute(_KEPT, (op.vehicle,)).fetchone()
    known = {} if row is None else dict(zip(_IMPORTED, row, strict=True))
    new = {
        member: value
        for member in _IMPORTED
        if known.get(member) is None and (value := getattr(op.profile, member)) not in (None, msgspec.UNSET)
    }
    _set_profile(tables, SetProfile(op.vehicle, Profile(**new)))
    return bool(new)


_IMPORTED = tuple(member for member in _SET if member != "coarseLocation")
"""For whom places are coarse is said in evd only."""

_KEPT = """
SELECT name, reg_number, type, battery_kwh, max_voltage, phases, zone FROM vehicle_profiles WHERE vehicle = ?"""

HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    SetProfile: _set_profile,
    ImportProfile: _import_profile,
}
