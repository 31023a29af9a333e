"""The ids of users, of Firebase's and of local ones."""

from __future__ import annotations

from evd.errors import BadRequest

UID_MAX = 128
"""Characters; Firebase's bound, too."""


def checked_uid(uid: str, *, error: str | None = None) -> str:
    """The uid, if it can be one. Raises BadRequest, with this `error` if one is given."""
    if not 1 <= len(uid) <= UID_MAX or not uid.isprintable():
        raise BadRequest(f"a user id has 1 to {UID_MAX} printable characters", error=error)
    return uid
