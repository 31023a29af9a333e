"""Events and their recipients: `events`, the outbox, event settings and users' preferences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evd.model import preferences
from evd.model.operations import (
    LimitReached,
    NewEvent,
    Operation,
    RecordEvents,
    SetEventSettings,
    SetPreferences,
    UnknownVehicle,
)

if TYPE_CHECKING:
    from evd.store.sqlite.tables.base import SmallTables

_REMEMBER = """
INSERT INTO alert_states (vehicle, state) VALUES (?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET state = excluded.state"""

_SET = """
INSERT INTO alert_states (vehicle, settings) VALUES (?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET settings = excluded.settings"""

#: A vehicle has few events, so all its rows are searched.
_INSERT = """
INSERT INTO events (vehicle, kind, time, status_id, created, details, samples)
SELECT ?1, ?2, ?3, ?4, ?5, CAST(?6 AS TEXT), CAST(?7 AS TEXT)
WHERE NOT EXISTS (
    SELECT 1 FROM events
    WHERE vehicle = ?1 AND kind = ?2 AND time = ?3 AND status_id = ?4 AND details = CAST(?6 AS TEXT))"""

_LISTENERS = """
SELECT r.number, r.kind, r.client, CAST(p.settings AS BLOB)
FROM registrations AS r LEFT JOIN preferences AS p ON p.uid = r.uid
WHERE r.vehicle = ? ORDER BY r.number"""

_WAIT = "INSERT INTO outbox (event, registration, created, due, expires) VALUES (?, ?, ?, ?, ?)"
_OLDEST_WAITING = "DELETE FROM outbox WHERE number = (SELECT min(number) FROM outbox)"

_SURPLUS = "SELECT number FROM events WHERE vehicle = ? ORDER BY number DESC LIMIT -1 OFFSET ?"
_FORGET = "DELETE FROM events WHERE number = ?"
#: By registration, for which the outbox has an index.
_WITHDRAW = """
DELETE FROM outbox WHERE event = ? AND registration IN (SELECT number FROM registrations WHERE vehicle = ?)"""

_PREFER = """
INSERT INTO preferences (uid, settings, changed) VALUES (?, CAST(? AS TEXT), ?)
ON CONFLICT DO UPDATE SET settings = excluded.settings, changed = excluded.changed"""


def _record(tables: SmallTables, op: RecordEvents) -> int:
    tables.db.execute(_REMEMBER, (op.vehicle, op.state))
    made = sum(_keep(tables, op, event) for event in op.events)
    if op.events:
        _forget_oldest(tables, op.vehicle)
    return made


def _keep(tables: SmallTables, op: RecordEvents, event: NewEvent) -> int:
    """Keep an event, and add it to the outbox for each registration that wants it; returns how many rows those are."""
    values = (op.vehicle, event.kind, event.time, event.status_id, op.at, event.details, event.samples)
    new = tables.db.execute(_INSERT, values)
    if not new.rowcount:
        return 0
    made = 0
    for number, kind, client, settings in tables.db.execute(_LISTENERS, (op.vehicle,)).fetchall():
        personal = tables.target_kinds[kind].personal
        if personal and client in event.shown_by_app:
            continue
        # A target that is no user's is a program, which decides itself when to act on an event.
        due = preferences.when(preferences.read(settings), event.kind, op.at) if personal else op.at
        if due is None:
            continue
        if tables.waiting >= tables.limits.outbox:
            tables.waiting -= tables.db.execute(_OLDEST_WAITING).rowcount
        expires = due + tables.limits.event_tries_s * 1000
        tables.db.execute(_WAIT, (new.lastrowid, number, op.at, due, expires))
        tables.waiting += 1
        made += 1
    return made


def _forget_oldest(tables: SmallTables, vehicle: str) -> None:
    surplus = tables.db.execute(_SURPLUS, (vehicle, tables.limits.events_per_vehicle)).fetchall()
    for (number,) in surplus:
        tables.waiting -= tables.db.execute(_WITHDRAW, (number, vehicle)).rowcount
        tables.db.execute(_FORGET, (number,))


def _set_event_settings(tables: SmallTables, op: SetEventSettings) -> None:
    owned = tables.db.execute("SELECT 1 FROM owners WHERE vehicle = ?", (op.vehicle,)).fetchone()
    if not owned and not tables.rings.known(op.vehicle):
        raise UnknownVehicle(f"vehicle {op.vehicle} is not known: `evd vehicle list` shows those that are")
    tables.db.execute(_SET, (op.vehicle, op.settings))


def _set_preferences(tables: SmallTables, op: SetPreferences) -> None:
    known = tables.db.execute("SELECT 1 FROM preferences WHERE uid = ?", (op.uid,)).fetchone()
    if not known:
        # As many users as there may be owners: every user of the Firebase project could otherwise add a row.
        (rows,) = tables.db.execute("SELECT count(*) FROM preferences").fetchone()
        if rows >= tables.limits.owners:
            raise LimitReached(f"{rows} users have preferences: raise app.owners_max to take in more")
    tables.db.execute(_PREFER, (op.uid, op.settings, op.at))


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    RecordEvents: _record,
    SetEventSettings: _set_event_settings,
    SetPreferences: _set_preferences,
}
