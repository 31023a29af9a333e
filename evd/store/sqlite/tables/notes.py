"""Vehicles' logs and modem states: what Sigfox reported of devices besides their messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import Modem, Note, Operation
from evd.store.sqlite.tables.base import SmallTables


def _note(tables: SmallTables, op: Note) -> bool:
    cursor = tables.db.execute(
        "INSERT INTO notes (id, vehicle, kind, severity, time, received, text, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(op.note_id, op.vehicle, op.kind, op.severity, op.time, op.received, op.text),
            op.document.decode("utf-8", "replace"),
        ),
    )
    if not cursor.rowcount:
        return False
    tables.db.execute("DELETE FROM notes WHERE number <= ?", (cursor.lastrowid - tables.limits.notes,))
    tables.db.execute(_FORGET_OLDEST, (op.vehicle, tables.limits.notes_per_vehicle))
    return True


_FORGET_OLDEST = """
DELETE FROM notes WHERE number IN (
    SELECT number FROM notes WHERE vehicle = ? ORDER BY time DESC, number DESC LIMIT -1 OFFSET ?)"""


def _modem(tables: SmallTables, op: Modem) -> None:
    values = (op.time, op.battery_v, op.temperature_c)
    known = tables.db.execute(_NEWER, (op.received, *values, op.vehicle, *values)).rowcount
    if known or tables.modems >= tables.limits.modems:
        return
    tables.modems += tables.db.execute(
        "INSERT INTO modems (vehicle, time, battery_v, temperature_c, received) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (op.vehicle, *values, op.received),
    ).rowcount


#: Of two reports with the same second the higher values count, so that the order of arrival does not matter.
_NEWER = """
UPDATE modems SET received = ?, time = ?, battery_v = ?, temperature_c = ?
WHERE vehicle = ?
  AND (time, ifnull(battery_v, -1000), ifnull(temperature_c, -1000)) < (?, ifnull(?, -1000), ifnull(?, -1000))"""

HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    Note: _note,
    Modem: _modem,
}
