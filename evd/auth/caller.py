"""Who sent a request: a user, an administrator, or a program with a key."""

from __future__ import annotations

from typing import Literal

import msgspec

from evd.auth.api_keys import Key

Means = Literal["local", "key", "firebase", "session", "token", "header"]
"""What proved it: the control socket's file permissions, a key alone, a Firebase ID token, a session's cookie, a
personal access token, or the bare userId header of `app.trust_user_header`."""

Scope = Literal["read", "write", "ingest"]

ALL_SCOPES: frozenset[Scope] = frozenset({"read", "write", "ingest"})


class Caller(msgspec.Struct, frozen=True):
    """`uid` is None for an administrator's key, for the control socket, and for a key on a route that needs no user."""

    uid: str | None
    admin: bool
    means: Means
    key: Key | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    vehicles: frozenset[str] | None = None
    """The only vehicles that an access token is good for, in normal form; None: no limit."""
    tags: frozenset[str] = frozenset()
    """Tags of vehicles that it is good for as well; with `vehicles` None and no tags there is no limit."""
    proof: str = ""
    """The id of the session or of the access token."""

    @property
    def limited(self) -> bool:
        """Whether it is good for some vehicles only."""
        return self.vehicles is not None or bool(self.tags)


LOCAL = Caller(None, admin=True, means="local")
