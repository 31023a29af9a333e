"""Who may call evd, and whose a vehicle is: the tables `keys` and `owners`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.auth.api_keys import joined_roles
from evd.model import operations as ops
from evd.model.operations import LimitReached
from evd.store.sqlite.tables.base import SmallTables
from evd.store.sqlite.tables.registrations import forget_all


def _add_key(tables: SmallTables, op: ops.AddKey) -> bool | str:
    known = tables.db.execute(_KNOWN_KEY, (op.key_id, op.digest)).fetchone()
    if known and op.vehicle is None:
        roles = joined_roles([known[0], op.role])
        if roles == known[0]:
            return False
        tables.db.execute("UPDATE keys SET role = ? WHERE id = ?", (roles, op.key_id))
        return roles
    full = tables.db.execute("SELECT count(*) >= ? FROM keys", (tables.limits.keys,)).fetchone()[0]
    if full and not tables.db.execute(_DELETE_REVOKED).rowcount:
        raise LimitReached(f"there are {tables.limits.keys} keys: revoke some")
    cursor = tables.db.execute(
        "INSERT INTO keys (id, role, digest, name, vehicle, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (op.key_id, op.role, op.digest, op.name, op.vehicle, op.created),
    )
    return bool(cursor.rowcount)


_KNOWN_KEY = "SELECT role FROM keys WHERE id = ? AND digest = ? AND revoked IS NULL AND vehicle IS NULL"

#: The key that was revoked first makes room.
_DELETE_REVOKED = """
DELETE FROM keys WHERE id = (SELECT id FROM keys WHERE revoked IS NOT NULL ORDER BY revoked, id LIMIT 1)"""


def _revoke_key(tables: SmallTables, op: ops.RevokeKey) -> bool:
    cursor = tables.db.execute("UPDATE keys SET revoked = ? WHERE id = ? AND revoked IS NULL", (op.revoked, op.key_id))
    return bool(cursor.rowcount)


def _revive_key(tables: SmallTables, op: ops.ReviveKey) -> ops.Implied | bool:
    (row,) = tables.db.execute(_REVIVE, (op.key_id,)).fetchall() or (None,)
    if row is None:
        return False
    role, digest, name, vehicle, created = row
    return ops.Implied((ops.AddKey(op.key_id, role, digest, name, vehicle, created),))


_REVIVE = """
UPDATE keys SET revoked = NULL WHERE id = ? AND revoked IS NOT NULL RETURNING role, digest, name, vehicle, created"""


def add_owner(tables: SmallTables, op: ops.AddOwner) -> None:
    if tables.db.execute("SELECT count(*) >= ? FROM owners", (tables.limits.owners,)).fetchone()[0]:
        raise LimitReached(f"there are {tables.limits.owners} owners: raise app.owners_max to take in more")
    (others,) = tables.db.execute(_OTHERS, (op.vehicle, op.uid)).fetchone()
    if others >= tables.limits.owners_per_vehicle:
        raise LimitReached(
            f"vehicle {op.vehicle} has {others} owners and viewers: remove one, or raise app.owners_per_vehicle"
        )
    put_owner(tables, op)


def put_owner(tables: SmallTables, op: ops.AddOwner) -> None:
    """As `add_owner`, where the bounds were checked."""
    tables.db.execute(_ADD_OWNER, (op.uid, op.vehicle, op.created, op.relation))


_OTHERS = "SELECT count(*) FROM owners WHERE vehicle = ? AND uid <> ?"

#: A viewer becomes an owner, but no owner a viewer.
_ADD_OWNER = """
INSERT INTO owners (uid, vehicle, created, relation) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET relation = excluded.relation WHERE excluded.relation = 'owner'"""


def _remove_owner(tables: SmallTables, op: ops.RemoveOwner) -> bool:
    gone = tables.db.execute("DELETE FROM owners WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle)).rowcount
    forget_all(tables, "SELECT number FROM registrations WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle))
    tables.db.execute("DELETE FROM invitations WHERE invited_by = ? AND vehicle = ?", (op.uid, op.vehicle))
    tables.db.execute("UPDATE firestore_vehicles SET added = 0 WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle))
    return bool(gone)


HANDLERS: dict[type[ops.Operation], Callable[[SmallTables, Any], Any]] = {
    ops.AddKey: _add_key,
    ops.RevokeKey: _revoke_key,
    ops.ReviveKey: _revive_key,
    ops.AddOwner: add_owner,
    ops.RemoveOwner: _remove_owner,
}
