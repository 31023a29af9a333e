"""The small tables in SQLite: rejected requests, keys, owners, vehicles' settings, registrations and the outbox.

`HANDLERS` maps each operation to the function that does it inside the caller's transaction and gives its result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from evd import store as ops
from evd.store import LimitReached
from evd.store.network import ForgetRejected
from evd.store.rings import Rings

KEYS_MAX = 10_000  # all are held in memory
PUSHED_ROWS_MAX = 10_000  # a day's pushes of a hundred vehicles, to look things up in


class Limits(NamedTuple):
    """Row caps of the tables that belong to no ring (DESIGN, promise 9)."""

    rejected: int
    owners: int
    registrations: int
    registrations_per_vehicle: int
    outbox: int
    notes_per_vehicle: int = 200
    downlinks_per_vehicle: int = 16
    downlinks: int = 100_000


class Registered(NamedTuple):
    """A phone that is to hear of a vehicle."""

    token: str
    spelling: str
    renewed: int


class Registry:
    """The small tables on one writing connection. Registrations are held in memory too: each arrival asks for them."""

    def __init__(self, connection: Any, rings: Rings, limits: Limits) -> None:
        self.db = connection
        self.rings = rings
        self.limits = limits
        self._next_push = 1 + max(self._one("SELECT max(max(number), 0) FROM outbox"), self._one(_LAST_PUSHED))
        self._count()
        self._load_registrations()

    def forget(self) -> None:
        """The transaction was rolled back: what memory says is no longer true."""
        self._count()
        self._load_registrations()

    def phones_of(self, vehicle: str) -> list[Registered]:
        phones = self._phones.get(vehicle)
        return [Registered(token, *rest) for token, rest in phones.items()] if phones else []

    def enqueue(self, arrival: ops.Arrive, phone: Registered, serialized: str, lasts_ms: int) -> None:
        """A push in the transaction of its status; the oldest waiting one makes room where the outbox is full."""
        if self._waiting >= self.limits.outbox:
            oldest = self._one("SELECT min(number) FROM outbox")
            self.finish_push(oldest, "dropped: push.outbox_rows_max pushes were waiting", arrival.received)
        created = arrival.received
        self.db.execute(
            "INSERT INTO outbox (number, vehicle, token, status_id, serialized, created, expires, due)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._next_push, arrival.vehicle, phone.token, arrival.status_id, serialized),
                *(created, created + lasts_ms, created),
            ),
        )
        self._next_push += 1
        self._waiting += 1

    def finish_push(self, number: int, outcome: str, at: int) -> tuple[str, str, int] | None:
        """Out of the outbox, into the log; the push's (vehicle, token, created), or None if it is gone already."""
        row = self.db.execute(
            "DELETE FROM outbox WHERE number = ? RETURNING vehicle, token, status_id, created", (number,)
        ).fetchone()
        if row is None:
            return None
        self._waiting -= 1
        vehicle, token, status_id, created = row
        self.db.execute(
            "INSERT OR REPLACE INTO pushed (number, vehicle, token, status_id, created, finished, outcome)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, vehicle, token, status_id, created, at, outcome),
        )
        self.db.execute("DELETE FROM pushed WHERE number <= ?", (number - PUSHED_ROWS_MAX,))
        return vehicle, token, created

    def remember_phone(self, operation: ops.Register) -> None:
        phones = self._phones.get(operation.vehicle, {})
        if operation.token not in phones:
            if self._registrations >= self.limits.registrations:
                raise LimitReached(
                    f"{self._registrations} phones are registered: raise app.registrations_max to take in more"
                )
            self._registrations += 1
        phones[operation.token] = (operation.spelling, operation.at)
        self._phones[operation.vehicle] = phones

    def forget_phone(self, vehicle: str, token: str) -> bool:
        phones = self._phones.get(vehicle, {})
        if phones.pop(token, None) is None:
            return False
        self._registrations -= 1
        if not phones:
            del self._phones[vehicle]
        self.db.execute("DELETE FROM registrations WHERE vehicle = ? AND token = ?", (vehicle, token))
        unsent = self.db.execute("DELETE FROM outbox WHERE vehicle = ? AND token = ?", (vehicle, token))
        self._waiting -= unsent.rowcount
        return True

    def renewed(self, vehicle: str, token: str) -> int | None:
        found = self._phones.get(vehicle, {}).get(token)
        return found[1] if found else None

    def _count(self) -> None:
        """Rows of the tables that may be too long to be counted for each operation."""
        self._waiting = self._one("SELECT count(*) FROM outbox")
        self.downlinks = self._one("SELECT count(*) FROM downlinks")
        self.modems = self._one("SELECT count(*) FROM modems")

    def _load_registrations(self) -> None:
        self._phones: dict[str, dict[str, tuple[str, int]]] = {}
        rows = self.db.execute("SELECT vehicle, token, spelling, renewed FROM registrations ORDER BY renewed")
        self._registrations = 0
        for vehicle, token, spelling, renewed in rows:
            self._phones.setdefault(vehicle, {})[token] = (spelling, renewed)
            self._registrations += 1

    def _one(self, sql: str) -> int:
        (value,) = self.db.execute(sql).fetchone()
        return value or 0


_LAST_PUSHED = "SELECT max(number) FROM pushed"


def _reject(registry: Registry, op: ops.Reject) -> None:
    digest = hashlib.sha256(op.route.encode() + b"\0" + op.body).digest()
    again = registry.db.execute(
        "UPDATE rejected SET times = times + 1, received = ? WHERE digest = ?", (op.received, digest)
    )
    if again.rowcount:
        return
    cursor = registry.db.execute(
        "INSERT INTO rejected (digest, received, route, error, detail, headers, body)"
        " VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?)",
        (digest, op.received, op.route, op.error, op.detail, op.headers, op.body),
    )
    registry.db.execute("DELETE FROM rejected WHERE number <= ?", (cursor.lastrowid - registry.limits.rejected,))


def _forget_rejected(registry: Registry, op: ForgetRejected) -> bool:
    return bool(registry.db.execute("DELETE FROM rejected WHERE number = ?", (op.number,)).rowcount)


def _add_key(registry: Registry, op: ops.AddKey) -> bool:
    full = registry.db.execute("SELECT count(*) >= ? FROM keys", (KEYS_MAX,)).fetchone()[0]
    if full and not registry.db.execute(_DELETE_REVOKED).rowcount:
        raise LimitReached(f"there are {KEYS_MAX} keys: revoke some")
    cursor = registry.db.execute(
        "INSERT INTO keys (id, role, digest, name, vehicle, created) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (op.key_id, op.role, op.digest, op.name, op.vehicle, op.created),
    )
    return bool(cursor.rowcount)


#: The key that was revoked the longest ago makes room.
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
    tokens = registry.db.execute(
        "SELECT token FROM registrations WHERE uid = ? AND vehicle = ?", (op.uid, op.vehicle)
    ).fetchall()
    for (token,) in tokens:
        registry.forget_phone(op.vehicle, token)
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


def _register(registry: Registry, op: ops.Register) -> None:
    # A phone is one user's at a time: it hears no more of what it was registered for by the one before him.
    others = registry.db.execute(
        "SELECT vehicle FROM registrations WHERE token = ? AND uid <> ? AND vehicle <> ?",
        (op.token, op.uid, op.vehicle),
    ).fetchall()
    for (vehicle,) in others:
        registry.forget_phone(vehicle, op.token)
    registry.remember_phone(op)
    registry.db.execute(
        "INSERT INTO registrations (vehicle, token, spelling, uid, created, renewed) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET spelling = excluded.spelling, uid = excluded.uid, renewed = excluded.renewed",
        (op.vehicle, op.token, op.spelling, op.uid, op.at, op.at),
    )
    # The phone that was not renewed for the longest time makes room.
    phones = sorted(registry.phones_of(op.vehicle), key=lambda phone: phone.renewed)
    for phone in phones[: -registry.limits.registrations_per_vehicle]:
        registry.forget_phone(op.vehicle, phone.token)


def _unregister(registry: Registry, op: ops.Unregister) -> bool:
    return registry.forget_phone(op.vehicle, op.token)


def _push_sent(registry: Registry, op: ops.PushSent) -> None:
    registry.finish_push(op.number, op.message_id, op.at)


def _push_failed(registry: Registry, op: ops.PushFailed) -> None:
    push = registry.finish_push(op.number, op.outcome, op.at)
    if push is not None and op.drop:
        vehicle, token, created = push
        renewed = registry.renewed(vehicle, token)
        if renewed is not None and renewed <= created:
            registry.forget_phone(vehicle, token)


def _push_later(registry: Registry, op: ops.PushLater) -> None:
    registry.db.execute(
        "UPDATE outbox SET attempts = attempts + 1, due = ?, outcome = ? WHERE number = ?",
        (op.due, op.outcome, op.number),
    )


HANDLERS: dict[type[ops.Operation], Callable[[Registry, Any], Any]] = {
    ops.Reject: _reject,
    ForgetRejected: _forget_rejected,
    ops.AddKey: _add_key,
    ops.RevokeKey: _revoke_key,
    ops.AddOwner: _add_owner,
    ops.RemoveOwner: _remove_owner,
    ops.SetVehicle: _set_vehicle,
    ops.Register: _register,
    ops.Unregister: _unregister,
    ops.PushSent: _push_sent,
    ops.PushFailed: _push_failed,
    ops.PushLater: _push_later,
}
