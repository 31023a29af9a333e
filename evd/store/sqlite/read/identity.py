"""Queries for local users, sessions and access tokens."""

from __future__ import annotations

from typing import Any

import orjson

from evd.auth.access_tokens import AccessToken
from evd.auth.sessions import Session
from evd.store.records import LISTED_MAX, AccessTokenRow, Listing, SessionRow, UserRow
from evd.store.sqlite.read.base import Questions, narrowed

_TOKENS = """
SELECT id, uid, name, scopes, limited, created, expires, used,
    (SELECT json_group_array(vehicle) FROM access_token_vehicles WHERE token = id) AS vehicles,
    (SELECT json_group_array(tag) FROM access_token_tags WHERE token = id) AS tags
FROM access_tokens WHERE (created, id) > (?, ?)"""

_LIVING_TOKENS = """
SELECT id, uid, digest, scopes, limited, expires, used,
    (SELECT json_group_array(vehicle) FROM access_token_vehicles WHERE token = id),
    (SELECT json_group_array(tag) FROM access_token_tags WHERE token = id),
    (SELECT json_group_array(v.vehicle) FROM access_token_vehicles AS v
        JOIN owners ON owners.uid = access_tokens.uid AND owners.vehicle = v.vehicle AND relation = 'owner'
        WHERE v.token = id AND 'ingest' IN (SELECT value FROM json_each('["' || replace(scopes, ',', '","') || '"]')))
FROM access_tokens"""


def living_sessions(connection: Any) -> list[Session]:
    """See `evd.store.protocols.Database.living_sessions`."""
    sql = "SELECT id, uid, admin, digest, created, seen FROM sessions"
    return [Session(*row)._replace(admin=bool(row[2])) for row in connection.execute(sql)]


def living_tokens(connection: Any) -> list[AccessToken]:
    """See `evd.store.protocols.Database.living_tokens`."""
    return [_token(*row) for row in connection.execute(_LIVING_TOKENS)]


def _token(
    token_id: str,
    uid: str,
    digest: bytes,
    scopes: str,
    limited: int,
    expires: int | None,
    used: int | None,
    vehicles: str,
    tags: str,
    posts_for: str,
) -> AccessToken:
    named, tagged, owned = (frozenset(orjson.loads(one)) for one in (vehicles, tags, posts_for))
    good_for = named if limited else None
    return AccessToken(token_id, uid, digest, frozenset(scopes.split(",")), good_for, tagged, expires, used, owned)


class SqliteIdentityQueries(Questions):
    """See `evd.store.queries.IdentityQueries`."""

    async def password_of(self, uid: str) -> tuple[str, bool] | None:
        sql = "SELECT password, admin FROM users WHERE uid = ?"
        rows = await self.tuples(sql, (uid,), small=True)
        return (rows[0][0], bool(rows[0][1])) if rows else None

    async def users(self, after: tuple[str] = ("",), limit: int = LISTED_MAX) -> Listing[UserRow]:
        sql = "SELECT uid, admin, created, changed FROM users WHERE uid > ? ORDER BY uid LIMIT ?"
        found = await self.listing(sql, after, limit, by=("uid",))
        return found._replace(rows=[{**row, "admin": bool(row["admin"])} for row in found.rows])

    async def sessions(
        self, uid: str, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX
    ) -> Listing[SessionRow]:
        sql = """
        SELECT id, client, address, created, seen FROM sessions WHERE uid = ? AND (created, id) > (?, ?)
        ORDER BY created, id LIMIT ?"""
        return await self.listing(sql, (uid, *after), limit, by=("created", "id"))

    async def access_tokens(
        self, after: tuple[int, str] = (-1, ""), limit: int = LISTED_MAX, *, uid: str | None = None
    ) -> Listing[AccessTokenRow]:
        sql, given = narrowed(_TOKENS, {"uid = ?": uid}, " ORDER BY created, id LIMIT ?")
        found = await self.listing(sql, (*after, *given), limit, by=("created", "id"))
        return found._replace(rows=[_shown(row) for row in found.rows])


def _shown(row: dict[str, Any]) -> AccessTokenRow:
    vehicles, tags = orjson.loads(row["vehicles"]), orjson.loads(row["tags"])
    return {
        "id": row["id"],
        "uid": row["uid"],
        "name": row["name"],
        "scopes": row["scopes"].split(","),
        "vehicles": vehicles if row["limited"] else None,
        "tags": tags,
        "created": row["created"],
        "expires": row["expires"],
        "used": row["used"],
    }
