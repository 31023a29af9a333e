"""Owners and phones that move in from another system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import AddOwner, ForeignPhone, ImportOwner, ImportRegistration, Operation, Register
from evd.store.sqlite.tables import access, registrations
from evd.store.sqlite.tables.base import SmallTables

_OWNS = "SELECT 1 FROM owners WHERE uid = ? AND vehicle = ?"
_USERS_OF = "SELECT vehicle, uid FROM registrations WHERE token = ?"
_KEEP_OF_OWNER = "UPDATE owners SET imported = CAST(? AS TEXT) WHERE uid = ? AND vehicle = ?"
_KEEP_OF_PHONE = "UPDATE registrations SET imported = CAST(? AS TEXT) WHERE vehicle = ? AND token = ?"


def _import_owner(tables: SmallTables, op: ImportOwner) -> bool:
    if tables.db.execute(_OWNS, (op.uid, op.vehicle)).fetchone():
        return False
    access.HANDLERS[AddOwner](tables, op)
    tables.db.execute(_KEEP_OF_OWNER, (op.imported, op.uid, op.vehicle))
    return True


def _import_registration(tables: SmallTables, op: ImportRegistration) -> bool | ForeignPhone:
    users = dict(tables.db.execute(_USERS_OF, (op.token,)).fetchall())
    if op.vehicle in users:
        return False
    if any(uid != op.uid for uid in users.values()):
        return ForeignPhone("another user has registered this phone, here or later: it belongs to one user at a time")
    registrations.HANDLERS[Register](tables, op)
    tables.db.execute(_KEEP_OF_PHONE, (op.imported, op.vehicle, op.token))
    return True


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    ImportOwner: _import_owner,
    ImportRegistration: _import_registration,
}
