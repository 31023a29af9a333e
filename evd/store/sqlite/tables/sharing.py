"""Invitations and tags of vehicles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import (
    Accepted,
    AcceptInvitation,
    AddOwner,
    Invite,
    LimitReached,
    NotOwner,
    Operation,
    RevokeInvitation,
    TagVehicle,
    UnknownVehicle,
    UnregisterUser,
)
from evd.store.sqlite.tables.access import add_owner
from evd.store.sqlite.tables.base import SmallTables
from evd.store.sqlite.tables.registrations import forget_all

_OWNS = "SELECT 1 FROM owners WHERE uid = ? AND vehicle = ? AND relation = 'owner'"


def _invite(tables: SmallTables, op: Invite) -> NotOwner | None:
    db, limits = tables.db, tables.limits
    if op.invited_by is not None and not db.execute(_OWNS, (op.invited_by, op.vehicle)).fetchone():
        return NotOwner(f"user {op.invited_by} does not own vehicle {op.vehicle}")
    owned = db.execute("SELECT 1 FROM owners WHERE vehicle = ? LIMIT 1", (op.vehicle,)).fetchone()
    if not owned and not tables.rings.known(op.vehicle):
        raise UnknownVehicle(f"vehicle {op.vehicle} is not known: `evd vehicle set {op.vehicle}` adds it")
    db.execute("DELETE FROM invitations WHERE expires <= ?", (op.created,))
    of_vehicle, of_all = db.execute(_COUNTS, (op.vehicle,)).fetchone()
    if of_vehicle >= limits.invitations_per_vehicle:
        raise LimitReached(
            f"vehicle {op.vehicle} has {of_vehicle} open invitations: revoke one, or raise app.invitations_per_vehicle"
        )
    if of_all >= limits.invitations:
        raise LimitReached(f"{of_all} invitations are open: revoke some, or raise app.invitations_max")
    db.execute(
        "INSERT INTO invitations (id, digest, vehicle, relation, invited_by, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (op.invitation_id, op.digest, op.vehicle, op.relation, op.invited_by, op.created, op.expires),
    )
    return None


_COUNTS = "SELECT (SELECT count(*) FROM invitations WHERE vehicle = ?), (SELECT count(*) FROM invitations)"


def _accept(tables: SmallTables, op: AcceptInvitation) -> Accepted | None:
    found = tables.db.execute(_GOOD, (op.invitation_id, op.digest, op.at)).fetchone()
    if found is None:
        return None
    added = AddOwner(op.uid, found[0], op.at, found[1])
    add_owner(tables, added)
    tables.db.execute("DELETE FROM invitations WHERE id = ?", (op.invitation_id,))
    sql = "SELECT relation FROM owners WHERE uid = ? AND vehicle = ?"
    (relation,) = tables.db.execute(sql, (op.uid, added.vehicle)).fetchone()
    return Accepted.of(added, relation)


_GOOD = """
SELECT vehicle, relation FROM invitations AS i WHERE id = ? AND digest = ? AND expires > ? AND (
    invited_by IS NULL
    OR (i.invited_by, i.vehicle) IN (SELECT uid, vehicle FROM owners WHERE relation = 'owner'))"""


def _revoke(tables: SmallTables, op: RevokeInvitation) -> bool:
    sql = "DELETE FROM invitations WHERE id = ? AND vehicle = ?"
    return bool(tables.db.execute(sql, (op.invitation_id, op.vehicle)).rowcount)


def _tag(tables: SmallTables, op: TagVehicle) -> tuple[str, ...]:
    db, most = tables.db, tables.limits.tags_per_vehicle
    now = {tag for (tag,) in db.execute(_TAGS, (op.vehicle,))}
    wanted = (now - set(op.remove)) | set(op.add)
    if len(wanted) > max(most, len(now)):
        raise LimitReached(f"vehicle {op.vehicle} would have {len(wanted)} tags: raise app.tags_per_vehicle")
    db.executemany("DELETE FROM tags WHERE vehicle = ? AND tag = ?", [(op.vehicle, tag) for tag in now - wanted])
    db.executemany("INSERT INTO tags VALUES (?, ?)", [(op.vehicle, tag) for tag in sorted(wanted - now)])
    return tuple(sorted(wanted))


_TAGS = "SELECT tag FROM tags WHERE vehicle = ?"


def _unregister_user(tables: SmallTables, op: UnregisterUser) -> int:
    return forget_all(tables, "SELECT number FROM registrations WHERE uid = ?", (op.uid,)) or False


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    Invite: _invite,
    AcceptInvitation: _accept,
    RevokeInvitation: _revoke,
    TagVehicle: _tag,
    UnregisterUser: _unregister_user,
}
