"""The small tables of rejected requests, keys, owners and vehicles' settings.

`HANDLERS` maps each operation to the function that executes it inside the caller's transaction and returns its result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from evd.auth.api_keys import joined_roles
from evd.model import operations as ops
from evd.model.operations import ForgetRejected, LimitReached
from evd.request.redacted import is_utf8
from evd.store.sqlite.tables.base import Registry
from evd.store.sqlite.tables.registrations import forget_all


def _reject(registry: Registry, op: ops.Reject) -> None:
    digest = hashlib.sha256(op.route.encode() + b"\0" + op.body).digest()
    again = registry.db.execute(
        "UPDATE rejected SET times = times + 1, received = ?, client = ? WHERE digest = ?",
        (op.received, op.client, digest),
    )
    if again.rowcount:
        return
    cursor = registry.db.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body, is_text, client)"
        " VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?)",
        (digest, op.received, op.route, op.error, op.detail, op.headers, op.body, is_utf8(op.body), op.client),
    )
    registry.db.execute("DELETE FROM rejected WHERE number <= ?", (cursor.lastrowid - registry.limits.rejected,))


def _forget_rejected(registry: Registry, op: ForgetRejected) -> bool:
    return bool(registry.db.execute("DELETE FROM rejected WHERE number = ?", (op.number,)).rowcount)


def _add_key(registry: Registry, op: ops.AddKey) -> bool | str:
    known = registry.db.execute(_KNOWN_KEY, (op.key_id, op.digest)).fetchone()
    if known and op.vehicle is None:
        roles = joined_roles([known[0], op.role])
        if roles == known[0]:
            return False
        registry.db.execute("UPDATE keys SET role = ? WHERE id = ?", (roles, op.key_id))
        return roles
    full = registry.db.execute("SELECT count(*) >= ? FROM keys", (registry.limits.keys,)).fetchone()[0]
    if full and not registry.db.execute(_DELETE_REVOKED).rowcount:
        raise LimitReached(f"there are {registry.limits.keys} keys: revoke some")
    cursor = registry.db.execute(
        "INSERT INTO keys (id, role, digest, name, vehicle, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (op.key_id, op.role, op.digest, op.name, op.vehicle, op.created),
    )
    return bool(cursor.rowcount)


_KNOWN_KEY = "SELECT role FROM keys WHERE id = ? AND digest = ? AND revoked IS NULL AND vehicle IS NULL"

#: The key that was revoked first makes room.
_DELETE_REVOKED = """
DELETE FROM keys WHERE id = (SELECT id FROM keys WHERE revoked IS NOT NULL ORDER BY revoked, id LIMIT 1)"""


def _revoke_key(registry: Registry, op: ops.RevokeKey) -> bool:
    cursor = registry.db.execute(
        "UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (op.revoked, op.key_id)
    )
    return bool(cursor.rowcount)


def _add_owner(registry: Registry, op: ops.AddOwner) -> None:
    if registry.db.execute("SELECT count(*) >= ? FROM owners", (registry.limits.owners,)).fetchone()[0]:
        raise LimitReached(f"there are {registry.limits.owners} owners: raise app.owners_max to take in more")
    registry.db.execute(
        "INSERT INTO owners (uid, vehicle, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (op.uid, op.vehicle, op.created),
    )


def _remove_owner(registry: Registry, op: ops.RemoveOwner) -> bool:
    gone = registry.db.execute("DELETE FROM owners WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle)).rowcount
    forget_all(registry, "SELECT number FROM registrations WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle))
    return bool(gone)


def _set_vehicle(registry: Registry, op: ops.SetVehicle) -> None:
    if not registry.rings.known(op.vehicle):
        registry.rings.create(op.vehicle, op.created)
    for column, value in (("keep", op.keep), ("format", op.format), ("name", op.name)):
        if value is not msgspec.UNSET:
            registry.db.execute(_SET_COLUMN[column], (value, op.vehicle))
    registry.rings.settings_changed(op.vehicle)


_SET_COLUMN = {
    "keep": "UPDATE vehicles SET keep = ? WHERE vehicle = ?",
    "format": "UPDATE vehicles SET format = ? WHERE vehicle = ?",
    "name": "UPDATE vehicles SET name = ? WHERE vehicle = ?",
}


def _mend_clock(registry: Registry, op: ops.MendClock) -> None:
    registry.rings.upkeep.clock_mended(op.until)


HANDLERS: dict[type[ops.Operation], Callable[[Registry, Any], Any]] = {
    ops.Reject: _reject,
    ForgetRejected: _forget_rejected,
    ops.AddKey: _add_key,
    ops.RevokeKey: _revoke_key,
    ops.AddOwner: _add_owner,
    ops.RemoveOwner: _remove_owner,
    ops.SetVehicle: _set_vehicle,
    ops.MendClock: _mend_clock,
}
