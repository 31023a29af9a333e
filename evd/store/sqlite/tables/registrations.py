"""Registrations, their deliveries, the outbox and the push log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from evd.model.operations import (
    ForgetExpired,
    ForgetUnseen,
    LimitReached,
    Operation,
    Outcome,
    Outcomes,
    PausePushes,
    PutOff,
    Register,
    Renew,
    Unregister,
)
from evd.model.target_kinds import TargetKind
from evd.store.rules import PUSHED_LATELY_MS, RENEWED_AGAIN_MS, RENEWED_FOR_MS
from evd.store.sqlite.tables.base import PERSONAL_KINDS, ROOMY_KINDS, STALE_KINDS, SmallTables

_INSERT = """
INSERT INTO registrations (vehicle, token, kind, spelling, uid, created, renewed, client)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
_RENEW = """
UPDATE registrations SET kind = ?, spelling = ?, renewed = ?, client = ?, imported = NULL
WHERE vehicle = ? AND token = ? AND uid = ?"""
# Also a registration whose renewal lies in the future because the clock was set back since.
_RENEW_ALL = f"""
UPDATE registrations SET renewed = ?1
WHERE uid = ?2 AND kind IN {PERSONAL_KINDS} AND abs(renewed - ?1) >= ?3 RETURNING vehicle"""  # noqa: S608

# The queries are built of constants (S608).
_OF_OTHERS = f"SELECT number FROM registrations WHERE token = ? AND uid <> ? AND kind IN {PERSONAL_KINDS}"  # noqa: S608
_PHONES_OF_VEHICLE = f"SELECT count(*) FROM registrations WHERE vehicle = ? AND kind IN {ROOMY_KINDS}"  # noqa: S608
_OTHER_PHONES_OF_USER = f"""
SELECT count(DISTINCT token) FROM registrations
WHERE uid = ? AND kind IN {PERSONAL_KINDS} AND token <> ?"""  # noqa: S608
_OF_KIND = "SELECT count(*) FROM registrations WHERE vehicle = ? AND kind = ?"

# Room is made by the targets that have been inactive longest: no app renewed them, and no provider took a push for
# them. The new registration is never removed, even if the clock was set back.
_HEARD = "max(renewed, ifnull(given_at, 0))"
#: First a user's phones beyond those that others have, too: else one user could displace everybody's.
_OVER_OF_VEHICLE = f"""
SELECT number FROM (
    SELECT number, {_HEARD} AS heard,
        row_number() OVER (PARTITION BY uid ORDER BY number = ?1 DESC, {_HEARD} DESC, number DESC) AS of_user
    FROM registrations JOIN deliveries ON registration = number WHERE vehicle = ?2 AND kind IN {ROOMY_KINDS})
ORDER BY number = ?1 DESC, of_user, heard DESC, number DESC LIMIT -1 OFFSET ?3"""  # noqa: S608
#: Whole phones: one phone may be registered for many vehicles.
_OVER_OF_USER = f"""
SELECT number FROM registrations WHERE uid = ?1 AND kind IN {ROOMY_KINDS} AND token NOT IN (
    SELECT token FROM registrations JOIN deliveries ON registration = number WHERE uid = ?1 AND kind IN {ROOMY_KINDS}
    GROUP BY token ORDER BY max(number = ?2) DESC, max({_HEARD}) DESC, max(number) DESC LIMIT ?3)"""  # noqa: S608

_PUSHED_SINCE = "SELECT count(*) FROM deliveries WHERE registration = ? AND given_at > ?"

# The vehicle's status from before the registration is no news.
_FIRST = """
INSERT INTO deliveries (registration, given) VALUES (?, coalesce((SELECT id FROM last WHERE vehicle = ?), ''))"""

_TAKEN = """
UPDATE deliveries SET given = ?, given_at = ?, due = NULL, attempts = 0, outcome = '' WHERE registration = ?"""
_EVENT_TAKEN = "UPDATE deliveries SET given_at = ? WHERE registration = ?"
_FAILED = "UPDATE deliveries SET given = ?, due = NULL, attempts = 0, outcome = ? WHERE registration = ?"
_LATER = "UPDATE deliveries SET due = ?, attempts = ?, outcome = ? WHERE registration = ?"
_EVENT_LATER = """
UPDATE outbox SET due = ?, attempts = ?, outcome = ?, expires = max(expires, ?) WHERE number = ?"""
_EXPIRED = """
DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE due <= ?1 AND expires < ?1 LIMIT ?2)"""
_EVENT_DONE = "DELETE FROM outbox WHERE number = ?"
_LOG = """
INSERT OR REPLACE INTO pushed
    (slot, number, vehicle, token, kind, what, status_id, committed, sent, finished, taken, outcome)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


def forget(tables: SmallTables, number: int) -> None:
    """Remove a registration with its waiting pushes."""
    tables.db.execute("DELETE FROM registrations WHERE number = ?", (number,))
    tables.db.execute("DELETE FROM deliveries WHERE registration = ?", (number,))
    gone = tables.db.execute("DELETE FROM outbox WHERE registration = ?", (number,))
    tables.waiting -= gone.rowcount
    tables.registered -= 1


def forget_all(tables: SmallTables, sql: str, values: tuple[Any, ...]) -> int:
    """Remove the registrations whose numbers `sql` selects; returns how many."""
    numbers = tables.db.execute(sql, values).fetchall()
    for (number,) in numbers:
        forget(tables, number)
    return len(numbers)


_UNKNOWN = TargetKind("", personal=False, goes_stale=False, makes_room=False)
"""A kind that the table refuses."""


def _register(tables: SmallTables, op: Register) -> int | None:
    """If the vehicle or user has too many, the traits of the kind say whether another registration makes room."""
    db, limits, kind = tables.db, tables.limits, tables.target_kinds.get(op.kind, _UNKNOWN)
    if kind.personal:  # it receives nothing more for its previous user
        forget_all(tables, _OF_OTHERS, (op.token, op.uid))
    if db.execute(_RENEW, (op.kind, op.spelling, op.at, op.client, op.vehicle, op.token, op.uid)).rowcount:
        return None
    if tables.registered >= limits.registrations:
        raise LimitReached(f"{tables.registered} phones are registered: raise app.registrations_max to take in more")
    if not kind.makes_room:
        (of_kind,) = db.execute(_OF_KIND, (op.vehicle, op.kind)).fetchone()
        if of_kind >= limits.registrations_per_vehicle:
            raise LimitReached(
                f"vehicle {op.vehicle} has {of_kind} registrations of kind {op.kind}: "
                "remove one, or raise app.registrations_per_vehicle"
            )
    elif not op.displaces:
        _require_room(tables, op)
    tables.rings.flush()
    values = (op.vehicle, op.token, op.kind, op.spelling, op.uid, op.at, op.at, op.client)
    new = db.execute(_INSERT, values).lastrowid
    db.execute(_FIRST, (new, op.vehicle))
    tables.registered += 1
    if not kind.makes_room:
        return None
    over = (
        (_OVER_OF_VEHICLE, (new, op.vehicle, limits.registrations_per_vehicle)),
        (_OVER_OF_USER, (op.uid, new, limits.registrations_per_user)),
    )
    return sum(_make_room(tables, sql, values, op.at - PUSHED_LATELY_MS) for sql, values in over) or None


def _require_room(tables: SmallTables, op: Register) -> None:
    limits = tables.limits
    (of_vehicle,) = tables.db.execute(_PHONES_OF_VEHICLE, (op.vehicle,)).fetchone()
    if of_vehicle >= limits.registrations_per_vehicle:
        raise LimitReached(
            f"vehicle {op.vehicle} has {of_vehicle} phones: raise app.registrations_per_vehicle to take in more"
        )
    (of_user,) = tables.db.execute(_OTHER_PHONES_OF_USER, (op.uid, op.token)).fetchone()
    if of_user >= limits.registrations_per_user:
        raise LimitReached(f"user {op.uid} has {of_user} phones: raise app.registrations_per_user to take in more")


def _make_room(tables: SmallTables, sql: str, values: tuple[Any, ...], since: int) -> int:
    """Remove the registrations whose numbers `sql` selects; returns how many of them had a push taken after `since`."""
    pushed = 0
    for (number,) in tables.db.execute(sql, values).fetchall():
        (lately,) = tables.db.execute(_PUSHED_SINCE, (number, since)).fetchone()
        pushed += lately
        forget(tables, number)
    return pushed


def _unregister(tables: SmallTables, op: Unregister) -> bool:
    sql = "SELECT number FROM registrations WHERE vehicle = ?1 AND token = ?2 AND (?3 IS NULL OR uid = ?3)"
    return bool(forget_all(tables, sql, (op.vehicle, op.token, op.uid)))


def _renew(tables: SmallTables, op: Renew) -> list[str]:
    return [vehicle for (vehicle,) in tables.db.execute(_RENEW_ALL, (op.at, op.uid, RENEWED_FOR_MS)).fetchall()]


def _forget_unseen(tables: SmallTables, op: ForgetUnseen) -> int:
    """Only phones of an app that registers at each start: for the original app's, only the provider knows."""
    return forget_all(tables, _UNSEEN, (op.before, op.limit))


_UNSEEN = f"""
SELECT number FROM registrations WHERE renewed < ? AND kind IN {STALE_KINDS} AND client <> 'original'
ORDER BY renewed LIMIT ?"""  # noqa: S608


def _forget_expired(tables: SmallTables, op: ForgetExpired) -> int:
    gone = tables.db.execute(_EXPIRED, (op.before, op.limit)).rowcount
    tables.waiting -= gone
    return int(gone)


def _outcomes(tables: SmallTables, op: Outcomes) -> None:
    for outcome in op.outcomes:
        _VERDICTS[outcome.verdict](tables, outcome)
    finished = [outcome for outcome in op.outcomes if outcome.verdict != "later"]
    tables.db.executemany(_LOG, [_row(tables, outcome) for outcome in finished])


def _taken(tables: SmallTables, one: Outcome) -> None:
    if one.outbox:
        tables.waiting -= tables.db.execute(_EVENT_DONE, (one.outbox,)).rowcount
        tables.db.execute(_EVENT_TAKEN, (one.at, one.registration))
    else:
        tables.db.execute(_TAKEN, (one.status_id, one.at, one.registration))


def _failed(tables: SmallTables, one: Outcome) -> None:
    if one.outbox:
        tables.waiting -= tables.db.execute(_EVENT_DONE, (one.outbox,)).rowcount
    else:
        tables.db.execute(_FAILED, (one.status_id, one.said, one.registration))


def _drop(tables: SmallTables, one: Outcome) -> None:
    """Remove the target for all vehicles, except registrations renewed after the send, which are alive."""
    sql = "SELECT number FROM registrations WHERE token = ? AND kind = ? AND renewed <= ?"
    forget_all(tables, sql, (one.token, one.kind, one.sent))
    _later(tables, msgspec.structs.replace(one, due=one.at + RENEWED_AGAIN_MS))  # this push did not reach it


def _later(tables: SmallTables, one: Outcome) -> None:
    if one.outbox:
        tables.db.execute(_EVENT_LATER, (one.due, one.attempts, one.said, one.expires, one.outbox))
    else:
        tables.db.execute(_LATER, (one.due, one.attempts, one.said, one.registration))


_VERDICTS: dict[str, Callable[[SmallTables, Outcome], None]] = {
    "taken": _taken,
    "failed": _failed,
    "drop": _drop,
    "later": _later,
}


def _row(tables: SmallTables, one: Outcome) -> tuple[Any, ...]:
    number = tables.next_push
    tables.next_push += 1
    return (
        *(number % tables.limits.pushed, number, one.vehicle, one.token, one.kind, one.what, one.status_id),
        *(one.committed, one.sent, one.at, one.verdict == "taken", one.said),
    )


def _pause(tables: SmallTables, op: PausePushes) -> None:
    sql = "INSERT INTO meta VALUES ('pushes_paused', ?) ON CONFLICT DO UPDATE SET value = excluded.value"
    tables.db.execute(sql, (op.at if op.paused else 0,))


def _put_off(tables: SmallTables, op: PutOff) -> None:
    tables.db.execute("UPDATE deliveries SET due = ? WHERE due > ?", (op.latest, op.latest))
    # An event may have waited for the end of its user's quiet hours without an attempt.
    tables.db.execute("UPDATE outbox SET due = ? WHERE due > ? AND attempts > 0", (op.latest, op.latest))


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    Register: _register,
    Unregister: _unregister,
    Renew: _renew,
    ForgetUnseen: _forget_unseen,
    ForgetExpired: _forget_expired,
    Outcomes: _outcomes,
    PausePushes: _pause,
    PutOff: _put_off,
}
