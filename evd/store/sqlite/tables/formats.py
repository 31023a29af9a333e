"""Payload formats, device types, and redecoded statuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import AddFormat, FormatInUse, LimitReached, Operation, Redecode, RemoveFormat, SetDeviceType
from evd.store.sqlite.annotations import located
from evd.store.sqlite.tables.base import SmallTables


def _add_format(tables: SmallTables, op: AddFormat) -> None:
    formats_max = tables.limits.formats
    if _is_new_and_full(tables, _ROOM_FOR_FORMAT, op.name, formats_max):
        raise LimitReached(f"there are {formats_max} formats: remove some with `evd format remove`")
    tables.db.execute(
        "INSERT INTO formats (name, grammar, fields, created) VALUES (?, ?, CAST(? AS TEXT), ?)"
        " ON CONFLICT DO UPDATE SET grammar = excluded.grammar, fields = excluded.fields",
        (op.name, op.grammar, op.fields, op.created),
    )


def _remove_format(tables: SmallTables, op: RemoveFormat) -> bool | FormatInUse:
    vehicles, types = tables.db.execute(_USES, {"name": op.name}).fetchone()
    if vehicles or types:
        return FormatInUse(
            f"format {op.name} is used by {vehicles} vehicle(s) and {types} device type(s): "
            "give them another one, or take it back with `evd format assign - …`"
        )
    return bool(tables.db.execute("DELETE FROM formats WHERE name = ?", (op.name,)).rowcount)


_USES = """
SELECT (SELECT count(*) FROM vehicles WHERE format = :name), (SELECT count(*) FROM device_types WHERE format = :name)"""


def _set_device_type(tables: SmallTables, op: SetDeviceType) -> None:
    if op.format is None:
        tables.db.execute("DELETE FROM device_types WHERE device_type = ?", (op.device_type,))
        return
    types_max = tables.limits.device_types
    if _is_new_and_full(tables, _ROOM_FOR_DEVICE_TYPE, op.device_type, types_max):
        raise LimitReached(f"{types_max} device types have a format: take some back with `evd format assign -`")
    tables.db.execute(
        "INSERT INTO device_types (device_type, format, created) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET format = excluded.format",
        (op.device_type, op.format, op.created),
    )


_ROOM_FOR_FORMAT = "SELECT count(*) < ?2 OR total(name = ?1) FROM formats"
_ROOM_FOR_DEVICE_TYPE = "SELECT count(*) < ?2 OR total(device_type = ?1) FROM device_types"


def _is_new_and_full(tables: SmallTables, room: str, name: str, rows_max: int) -> bool:
    return not tables.db.execute(room, (name, rows_max)).fetchone()[0]


_REDECODED = "UPDATE statuses SET fields = CAST(? AS TEXT), flags = ? WHERE place = ?"


def _redecode(tables: SmallTables, op: Redecode) -> bool:
    """If two statuses have the same time and seqNumber, the id selects one."""
    for place in tables.rings.places(op.vehicle, op.time, op.seq):
        row = tables.db.execute(
            "SELECT radio FROM statuses WHERE place = ? AND id = ?", (place, op.status_id)
        ).fetchone()
        if row is not None:
            # Radio metadata may have come since the status was read: they are merged here.
            with tables.rings.changing(op.vehicle, place):
                tables.db.execute(_REDECODED, (located(op.fields, row[0]), op.flags, place))
            return True
    return False


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    AddFormat: _add_format,
    RemoveFormat: _remove_format,
    SetDeviceType: _set_device_type,
    Redecode: _redecode,
}
