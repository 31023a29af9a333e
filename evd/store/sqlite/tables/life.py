"""The life of vehicles and of users' data: every table that has a column `vehicle` or `uid` takes part."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from evd.model.coarse import CoarseFor
from evd.model.operations import (
    AddKey,
    AddOwner,
    CountIgnored,
    DeleteVehicle,
    ForgetUser,
    IgnoreVehicle,
    Implied,
    LimitReached,
    MergeVehicle,
    Operation,
    RemoveOwner,
    RevokeKey,
    RevokeToken,
    SetEventSettings,
    SetProfile,
    SetVehicle,
    UnknownVehicle,
    Unregister,
    UnregisterUser,
)
from evd.model.profile import Profile
from evd.store.sqlite.tables.access import put_owner
from evd.store.sqlite.tables.base import SmallTables
from evd.store.sqlite.tables.registrations import forget_all

TREATED_MAX = 10_000
"""Vehicles that are ignored, and aliases: all are held in memory."""

APART = frozenset({"vehicles", "statuses", "overflow", "left_rings", "registrations", "keys", "ignored"})
"""Tables with rows of a vehicle that are not just deleted."""


def _delete(tables: SmallTables, op: DeleteVehicle) -> Implied | bool:
    vehicle, db = op.vehicle, tables.db
    db.execute("UPDATE left_rings SET goes_to = NULL WHERE goes_to = ?", (vehicle,))
    aliases = db.execute("DELETE FROM aliases WHERE stands_for = ?", (vehicle,)).rowcount
    implied = _lost_owners(db, "SELECT uid, vehicle FROM owners WHERE vehicle = ?", vehicle)
    implied += [RevokeKey(key, 0) for (key,) in db.execute("SELECT id FROM keys WHERE vehicle = ?", (vehicle,))]
    counts = {
        "aliases": aliases,
        "keys": db.execute("DELETE FROM keys WHERE vehicle = ?", (vehicle,)).rowcount,
        "rejected": _forget_rejected(tables, vehicle),
        **_take_out(tables, vehicle, None),
    }
    return _done(counts, [*implied, op])


def _merge(tables: SmallTables, op: MergeVehicle) -> Implied:
    vehicle, into, db = op.vehicle, op.into, tables.db
    for one in (vehicle, into):
        if not tables.rings.known(one):
            raise UnknownVehicle(f"vehicle {one} is not known: `evd vehicle list` shows those that are")
    if vehicle == into:
        raise UnknownVehicle(f"{vehicle} is one vehicle: name two")
    _require_room(tables, "aliases")
    # The merge comes first: a token that names the vehicle names the other one before its user becomes an owner.
    moved: list[Operation] = [op, *_lost_owners(db, "SELECT uid, vehicle FROM owners WHERE vehicle = ?", vehicle)]
    owners = db.execute("SELECT uid, created, relation FROM owners WHERE vehicle = ?", (vehicle,)).fetchall()
    others = {uid for (uid,) in db.execute("SELECT uid FROM owners WHERE vehicle = ?", (into,))}
    if len(others | {uid for uid, *_ in owners}) > tables.limits.owners_per_vehicle:
        raise LimitReached(f"vehicle {into} would have too many owners: remove some, or raise app.owners_per_vehicle")
    for uid, created, relation in owners:
        db.execute("DELETE FROM owners WHERE uid = ? AND vehicle = ?", (uid, vehicle))
        put_owner(tables, added := AddOwner(uid, into, created, relation))
        moved.append(added)
    moved += [
        AddKey(key, role, digest, name, into, created)
        for key, role, digest, name, created, revoked in db.execute(_MOVE_KEYS, (into, vehicle)).fetchall()
        if revoked is None
    ]
    for table, named in _tables_with(db, "vehicle"):
        if named and (table == "registrations" or table not in APART):
            # Where the other vehicle has such a row, its own counts.
            db.execute(_of(table, _MOVE_ROWS), (into, vehicle))
    tables.rings.derivation.zones_changed()
    db.execute(_KEEP_COARSE, (vehicle, into))
    level = db.execute("SELECT coarse_location FROM vehicle_profiles WHERE vehicle = ?", (into,)).fetchone()
    db.execute("UPDATE aliases SET stands_for = ? WHERE stands_for = ?", (into, vehicle))
    db.execute("UPDATE left_rings SET goes_to = ? WHERE goes_to = ?", (into, vehicle))
    db.execute("DELETE FROM ignored WHERE vehicle = ?", (vehicle,))
    counts = _take_out(tables, vehicle, into)
    db.execute("DELETE FROM aliases WHERE vehicle IN (?, ?)", (vehicle, into))
    db.execute("INSERT INTO aliases VALUES (?, ?, ?)", (vehicle, into, op.at))
    told = SetEventSettings(into, None), _coarse(into, level[0] if level else None)
    return Implied((*moved, *_settings_gone(vehicle), *told), counts)


#: Where the other vehicle's owner has not said for whom its places are coarse.
_KEEP_COARSE = """
UPDATE vehicle_profiles
SET coarse_location = (SELECT coarse_location FROM vehicle_profiles WHERE vehicle = ?1)
WHERE vehicle = ?2 AND coarse_location IS NULL"""


def _coarse(vehicle: str, level: CoarseFor | None) -> SetProfile:
    return SetProfile(vehicle, Profile(coarseLocation=level))


_MOVE_KEYS = "UPDATE keys SET vehicle = ? WHERE vehicle = ? RETURNING id, role, digest, name, created, revoked"


def _take_out(tables: SmallTables, vehicle: str, goes_to: str | None) -> dict[str, int]:
    """Delete the rows of a vehicle that is gone, but for its ring, which is emptied in steps; returns how many, by
    table."""
    db, rings = tables.db, tables.rings
    sql = "SELECT number FROM registrations WHERE vehicle = ?"
    counts = {"registrations": forget_all(tables, sql, (vehicle,))}
    number = rings.leave(vehicle, goes_to)
    for table, named in _tables_with(db, "vehicle"):
        if table in APART:
            continue
        key = vehicle if named else number
        if key is not None:
            counts[table] = db.execute(_of(table, _OF_VEHICLE), (key,)).rowcount
    counts["vehicles"] = int(number is not None)
    tables.forget()
    rings.annotations.forget()
    return counts


def _forget_user(tables: SmallTables, op: ForgetUser) -> Implied | bool:
    db, uid = tables.db, op.uid
    implied = _lost_owners(db, "SELECT uid, vehicle FROM owners WHERE uid = ?", uid)
    implied += [RevokeToken(ended, uid) for (ended,) in db.execute(_PROOFS, (uid, uid)).fetchall()]
    counts = {
        "pushed": db.execute(_PUSHED, (uid,)).rowcount,
        "invitations": db.execute("DELETE FROM invitations WHERE invited_by = ?", (uid,)).rowcount,
        "registrations": forget_all(tables, "SELECT number FROM registrations WHERE uid = ?", (uid,)),
    }
    for table, named in _tables_with(db, "uid"):
        if named and table != "registrations":
            counts[table] = db.execute(_of(table, _OF_USER), (uid,)).rowcount
    return _done(counts, [*implied, UnregisterUser(uid)])


#: Sessions and access tokens, whose ids are all different: to whoever observes commits they end alike.
_PROOFS = "SELECT id FROM sessions WHERE uid = ? UNION ALL SELECT id FROM access_tokens WHERE uid = ?"
_PUSHED = "DELETE FROM pushed WHERE token IN (SELECT token FROM registrations WHERE uid = ?)"


def _ignore(tables: SmallTables, op: IgnoreVehicle) -> bool:
    if not op.ignored:
        return bool(tables.db.execute("DELETE FROM ignored WHERE vehicle = ?", (op.vehicle,)).rowcount)
    _require_room(tables, "ignored")
    sql = "INSERT INTO ignored (vehicle, since) VALUES (?, ?) ON CONFLICT DO NOTHING"
    return bool(tables.db.execute(sql, (op.vehicle, op.at)).rowcount)


def _count_ignored(tables: SmallTables, op: CountIgnored) -> None:
    tables.db.execute("UPDATE ignored SET callbacks = callbacks + 1 WHERE vehicle = ?", (op.vehicle,))


def _require_room(tables: SmallTables, table: str) -> None:
    (rows,) = tables.db.execute(_of(table, _COUNT)).fetchone()
    if rows >= TREATED_MAX:
        raise LimitReached(f"the table {table} has {rows} vehicles, and no room for more")


def _lost_owners(db: Any, sql: str, whose: str) -> list[Operation]:
    return [RemoveOwner(uid, vehicle) for uid, vehicle in db.execute(sql, (whose,)).fetchall()]


def _settings_gone(vehicle: str) -> tuple[Operation, ...]:
    settings = SetVehicle(vehicle, 0, format=None), SetEventSettings(vehicle, None), _coarse(vehicle, None)
    return (*settings, Unregister(vehicle, ""))


def _done(counts: dict[str, int], implied: list[Operation]) -> Implied | bool:
    found = {table: rows for table, rows in counts.items() if rows}
    if not found:
        return False
    gone = [one for op in implied if isinstance(op, DeleteVehicle) for one in _settings_gone(op.vehicle)]
    return Implied((*implied, *gone), found)


def _forget_rejected(tables: SmallTables, vehicle: str) -> int:
    """Delete the rejected requests that name the vehicle in their body or path, in any spelling of its id."""
    db, named = tables.db, re.compile(rf"(?i)(?<![0-9a-z])0*{re.escape(vehicle)}(?![0-9a-z])")
    count = 0
    for table in ("rejected", "forgotten"):
        found = [
            (number,)
            for number, route, body in db.execute(_of(table, _MAY_NAME), (vehicle.upper(), vehicle.upper())).fetchall()
            if named.search(route) or named.search(bytes(body).decode("latin-1"))
        ]
        db.executemany(_of(table, "DELETE FROM @table WHERE number = ?"), found)
        count += len(found)
    return count


_MAY_NAME = """
SELECT number, route, body FROM @table
WHERE instr(upper(CAST(body AS TEXT)), ?) OR instr(upper(route), ?)"""


#: The tables are named by `_tables_with`, which reads the names in the schema.
_MOVE_ROWS = "UPDATE OR IGNORE @table SET vehicle = ? WHERE vehicle = ?"
_OF_VEHICLE = "DELETE FROM @table WHERE vehicle = ?"
_OF_USER = "DELETE FROM @table WHERE uid = ?"
_COUNT = "SELECT count(*) FROM @table"


def _of(table: str, sql: str) -> str:
    return sql.replace("@table", table)


def _tables_with(db: Any, column: str) -> list[tuple[str, bool]]:
    """The tables that have this column, and whether it is a text; else it is the vehicle's number."""
    return [(table, kind == "TEXT") for table, kind in db.execute(_TABLES, (column,)).fetchall()]


_TABLES = """
SELECT m.name, c.type FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c
WHERE m.type = 'table' AND c.name = ? ORDER BY m.name"""


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    DeleteVehicle: _delete,
    MergeVehicle: _merge,
    IgnoreVehicle: _ignore,
    CountIgnored: _count_ignored,
    ForgetUser: _forget_user,
}
