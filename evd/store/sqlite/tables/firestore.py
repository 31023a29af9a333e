"""What evd read and wrote in Firestore: the tables `firestore_vehicles` and `firestore_statuses`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from evd.model.operations import (
    AddOwner,
    ImportProfile,
    LimitReached,
    NoteMirrored,
    Operation,
    RemoveOwner,
    SetProfile,
    Synced,
    SyncUser,
)
from evd.model.operations.firestore import Said
from evd.model.profile import Profile
from evd.store.sqlite.tables import access, profiles
from evd.store.sqlite.tables.base import SmallTables


class _KnownVehicle(NamedTuple):
    """A row of `firestore_vehicles`."""

    listed: bool
    added: bool
    profile: dict[str, Said]


def _sync_user(tables: SmallTables, op: SyncUser) -> Synced:
    known = {
        vehicle: _KnownVehicle(bool(listed), bool(added), orjson.loads(profile))
        for vehicle, listed, added, profile in tables.db.execute(_OF_USER, (op.uid,)).fetchall()
    }
    implied: list[Operation] = []
    refused: dict[str, str] = {}
    for vehicle, profile in op.vehicles.items():
        before = known.get(vehicle)
        if before is not None and before.listed:
            implied += _changed(tables, op.uid, vehicle, before.profile, profile)
            _put(tables, op.uid, vehicle, added=before.added, profile={**before.profile, **profile})
            continue
        added, why = _newly_listed(tables, op, vehicle)
        if why:
            refused[vehicle] = why
            continue
        implied += added
        imported = ImportProfile(vehicle, msgspec.convert(dict(profile), Profile))
        if profiles.HANDLERS[ImportProfile](tables, imported):
            implied.append(imported)
        _put(tables, op.uid, vehicle, added=bool(added), profile=dict(profile))
    for vehicle, row in known.items():
        if op.whole and row.listed and vehicle not in op.vehicles:
            tables.db.execute("DELETE FROM firestore_vehicles WHERE uid = ? AND vehicle = ?", (op.uid, vehicle))
            removed = RemoveOwner(op.uid, vehicle)
            if row.added and access.HANDLERS[RemoveOwner](tables, removed):
                implied.append(removed)
    counts = {
        "added": sum([isinstance(one, AddOwner) for one in implied]),
        "removed": sum([isinstance(one, RemoveOwner) for one in implied]),
        "profiles": sum([isinstance(one, SetProfile) for one in implied]),
    }
    return Synced(tuple(implied), {name: count for name, count in counts.items() if count}, refused)


def _newly_listed(tables: SmallTables, op: SyncUser, vehicle: str) -> tuple[list[Operation], str]:
    """What makes the user its owner, if that is not so already; or why it is not done."""
    relations = dict(tables.db.execute(_RELATIONS, (vehicle,)).fetchall())
    if relations.get(op.uid) == "owner":
        return [], ""
    if "owner" in relations.values() and not op.owned:
        return [], "others own it: an owner shares it, or an administrator does (`evd owner add`)"
    adds = AddOwner(op.uid, vehicle, op.at)
    try:
        access.add_owner(tables, adds)
    except LimitReached as error:
        return [], str(error)
    return [adds], ""


def _changed(
    tables: SmallTables, uid: str, vehicle: str, before: Mapping[str, Said], now: Mapping[str, Said]
) -> list[Operation]:
    """What the app has changed of the profile of a vehicle that its user owns here, too."""
    changes = {member: said for member, said in now.items() if member in before and before[member] != said}
    if not changes or dict(tables.db.execute(_RELATIONS, (vehicle,)).fetchall()).get(uid) != "owner":
        return []
    change = SetProfile(vehicle, msgspec.convert(changes, Profile))
    profiles.HANDLERS[SetProfile](tables, change)
    return [change]


def _put(tables: SmallTables, uid: str, vehicle: str, *, added: bool, profile: Mapping[str, Said]) -> None:
    tables.db.execute(_PUT, (uid, vehicle, added, orjson.dumps(profile).decode()))


_OF_USER = "SELECT vehicle, listed, added, profile FROM firestore_vehicles WHERE uid = ?"
_RELATIONS = "SELECT uid, relation FROM owners WHERE vehicle = ?"
_PUT = """
INSERT INTO firestore_vehicles (uid, vehicle, listed, added, profile) VALUES (?, ?, 1, ?, ?)
ON CONFLICT DO UPDATE SET listed = 1, added = excluded.added, profile = excluded.profile"""


def _note_mirrored(tables: SmallTables, op: NoteMirrored) -> None:
    for one in op.vehicles:
        if one.status is None:
            tables.db.execute("DELETE FROM firestore_statuses WHERE user = ? AND car = ?", (one.uid, one.vehicle))
        elif one.status is not msgspec.UNSET:
            tables.db.execute(_PUT_STATUS, (one.uid, one.vehicle, one.status))
        if one.profile:
            tables.db.execute(_PUT_PROFILE, (one.uid, one.vehicle, orjson.dumps(dict(one.profile)).decode()))


_PUT_STATUS = """
INSERT INTO firestore_statuses (user, car, status) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET status = excluded.status"""

#: json_patch would take a member that is null away.
_PUT_PROFILE = """
INSERT INTO firestore_vehicles (uid, vehicle, listed, added, profile) VALUES (?, ?, 0, 0, ?)
ON CONFLICT DO UPDATE SET profile = (
    SELECT json_group_object(key, json(quoted)) FROM (
        SELECT key, json_quote(value) AS quoted FROM json_each(excluded.profile)
        UNION ALL
        SELECT key, json_quote(value) FROM json_each(firestore_vehicles.profile)
        WHERE key NOT IN (SELECT key FROM json_each(excluded.profile))))"""

HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    SyncUser: _sync_user,
    NoteMirrored: _note_mirrored,
}
