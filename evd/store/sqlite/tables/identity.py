"""Local users, sessions and access tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evd.model.operations import (
    AddToken,
    AddUser,
    EndSessions,
    LimitReached,
    NotOwner,
    OpenSession,
    Operation,
    RemoveUser,
    RevokeToken,
    SeeSession,
    SetPassword,
    UseToken,
)
from evd.store.sqlite.tables.base import SmallTables


def _add_user(tables: SmallTables, op: AddUser) -> bool:
    if tables.db.execute("SELECT count(*) >= ? FROM users", (tables.limits.users,)).fetchone()[0]:
        raise LimitReached(f"there are {tables.limits.users} users: raise auth.users_max to take in more")
    cursor = tables.db.execute(
        "INSERT INTO users (uid, password, admin, created, changed) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (op.uid, op.password, op.admin, op.created, op.created),
    )
    return bool(cursor.rowcount)


def _set_password(tables: SmallTables, op: SetPassword) -> bool | tuple[str, ...]:
    if not op.ends_sessions:
        sql = "UPDATE users SET password = ? WHERE uid = ? AND password = ?"
        return () if tables.db.execute(sql, (op.password, op.uid, op.instead_of)).rowcount else False
    sql = "UPDATE users SET password = ?1, changed = ?2 WHERE uid = ?3 AND (?4 = '' OR password = ?4)"
    if not tables.db.execute(sql, (op.password, op.changed, op.uid, op.instead_of)).rowcount:
        return False
    return _ended(tables, "DELETE FROM sessions WHERE uid = ? AND id IS NOT ? RETURNING id", op.uid, op.keeps)


def _remove_user(tables: SmallTables, op: RemoveUser) -> bool | tuple[str, ...]:
    was_local = tables.db.execute("DELETE FROM users WHERE uid = ?", (op.uid,)).rowcount
    ended = _ended(tables, "DELETE FROM sessions WHERE uid = ? RETURNING id", op.uid)
    ended += _ended(tables, "DELETE FROM access_tokens WHERE uid = ? RETURNING id", op.uid)
    invited = tables.db.execute("DELETE FROM invitations WHERE invited_by = ?", (op.uid,)).rowcount
    return ended if was_local or ended or invited else False


def _open_session(tables: SmallTables, op: OpenSession) -> bool | tuple[str, ...]:
    limits = tables.limits
    if op.password is not None and not tables.db.execute(_STILL, (op.uid, op.password, op.admin)).fetchone():
        return False
    ended = _ended(tables, _OVER_BY_TIME, op.over, OVER_AT_ONCE)
    ended += _ended(tables, _OVER_OF_USER, op.uid, limits.sessions_per_user - 1)
    ended += _ended(tables, _OVER_OF_ALL, limits.sessions)
    tables.db.execute(
        "INSERT INTO sessions (id, digest, uid, admin, client, address, created, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (op.session_id, op.digest, op.uid, op.admin, op.client, op.address, op.created, op.created),
    )
    return ended


#: The comparison took a while, in which the user may have been removed.
_STILL = "SELECT 1 FROM users WHERE uid = ? AND password = ? AND admin = ?"

OVER_AT_ONCE = 100
"""Sessions that are removed with a sign-in because they ended by time: a ms or two."""

_OVER_BY_TIME = """
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE seen < ? ORDER BY seen LIMIT ?) RETURNING id"""
_OVER_OF_USER = """
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE uid = ? ORDER BY seen DESC, id LIMIT -1 OFFSET ?) RETURNING id"""
#: One is enough: each new session makes room for itself.
_OVER_OF_ALL = """
DELETE FROM sessions WHERE (SELECT count(*) FROM sessions) >= ?
    AND id = (SELECT id FROM sessions ORDER BY seen, id LIMIT 1) RETURNING id"""


def _end_sessions(tables: SmallTables, op: EndSessions) -> tuple[str, ...]:
    if op.session_id is None:
        return _ended(tables, "DELETE FROM sessions WHERE uid = ? RETURNING id", op.uid)
    return _ended(tables, "DELETE FROM sessions WHERE uid = ? AND id = ? RETURNING id", op.uid, op.session_id)


def _ended(tables: SmallTables, sql: str, *values: Any) -> tuple[str, ...]:
    return tuple([session_id for (session_id,) in tables.db.execute(sql, values)])


def _see_session(tables: SmallTables, op: SeeSession) -> None:
    tables.db.execute("UPDATE sessions SET seen = ? WHERE id = ?", (op.seen, op.session_id))


def _add_token(tables: SmallTables, op: AddToken) -> tuple[str, ...] | NotOwner:
    if "ingest" in op.scopes:
        for vehicle in sorted(op.vehicles or ()):
            if not tables.db.execute(_OWNS, (op.uid, vehicle)).fetchone():
                return NotOwner(
                    f"user {op.uid} does not own vehicle {vehicle}: `evd owner add` makes the user an owner"
                )
    expired = _made_room(tables, op)
    tables.db.execute(
        "INSERT INTO access_tokens (id, digest, uid, name, scopes, limited, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(op.token_id, op.digest, op.uid, op.name, ",".join(sorted(op.scopes))),
            *(op.vehicles is not None, op.created, op.expires),
        ),
    )
    vehicles, tags = sorted(op.vehicles or ()), sorted(op.tags)
    tables.db.executemany("INSERT INTO access_token_vehicles VALUES (?, ?)", [(op.token_id, one) for one in vehicles])
    tables.db.executemany("INSERT INTO access_token_tags VALUES (?, ?)", [(op.token_id, one) for one in tags])
    return expired


_OWNS = "SELECT 1 FROM owners WHERE uid = ? AND vehicle = ? AND relation = 'owner'"


def _made_room(tables: SmallTables, op: AddToken) -> tuple[str, ...]:
    """Remove tokens that have expired, if there are too many; returns their ids. Raises LimitReached."""
    limits = tables.limits
    counts = tables.db.execute(_COUNTS, {"uid": op.uid, "now": op.created}).fetchone()
    of_user, of_all, good_of_user, good_of_all = (count or 0 for count in counts)
    if good_of_user >= limits.tokens_per_user:
        raise LimitReached(f"user {op.uid} has {of_user} access tokens: revoke some, or raise auth.tokens_per_user")
    if good_of_all >= limits.tokens:
        raise LimitReached(f"there are {of_all} access tokens: revoke some, or raise auth.tokens_max")
    if of_user < limits.tokens_per_user and of_all < limits.tokens:
        return ()
    return _ended(tables, "DELETE FROM access_tokens WHERE expires <= ? RETURNING id", op.created)


_COUNTS = """
SELECT sum(own), count(*), sum(own AND good), sum(good)
FROM (SELECT uid = :uid AS own, ifnull(expires > :now, TRUE) AS good FROM access_tokens)"""


def _revoke_token(tables: SmallTables, op: RevokeToken) -> bool:
    sql = "DELETE FROM access_tokens WHERE id = ? AND uid = coalesce(?, uid)"
    return bool(tables.db.execute(sql, (op.token_id, op.uid)).rowcount)


def _use_token(tables: SmallTables, op: UseToken) -> None:
    tables.db.execute("UPDATE access_tokens SET used = ? WHERE id = ?", (op.used, op.token_id))


HANDLERS: dict[type[Operation], Callable[[SmallTables, Any], Any]] = {
    AddUser: _add_user,
    SetPassword: _set_password,
    RemoveUser: _remove_user,
    OpenSession: _open_session,
    EndSessions: _end_sessions,
    SeeSession: _see_session,
    AddToken: _add_token,
    RevokeToken: _revoke_token,
    UseToken: _use_token,
}
