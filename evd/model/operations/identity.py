"""Who asks: local users, their sessions, and access tokens. Texts of secrets are in none of these."""

from __future__ import annotations

from evd.errors import EvdError
from evd.model.operations.base import Operation


class NotOwner(EvdError):
    """The user does not own the vehicle."""


class AddUser(Operation, frozen=True, gc=False):
    """A local user. The result is False if there is one with this uid."""

    uid: str
    password: str
    """The hash, with its salt and its parameters."""
    admin: bool
    created: int


class SetPassword(Operation, frozen=True, gc=False):
    """The result is a tuple of the ids of the sessions that ended, or False if there is no such user.

    With `ends_sessions` false it is the same password, hashed with other parameters: it is set only while the hash is
    still `instead_of`, and no session ends. With `instead_of` and `ends_sessions`, a user sets another password: only
    while the hash is still that one.
    """

    uid: str
    password: str
    changed: int
    ends_sessions: bool = True
    instead_of: str = ""
    keeps: str | None = None
    """The session that does not end."""


class RemoveUser(Operation, frozen=True, gc=False):
    """Remove a local user, and end all sessions, tokens and open invitations of the uid.

    The result is a tuple of the ids of the sessions and tokens, or False if there was nothing to remove.
    """

    uid: str


class OpenSession(Operation, frozen=True, gc=False):
    """A user signed in. The result is a tuple of the ids of sessions that ended: some of those that were not used since
    `over`; and if there are too many, those that were not used for the longest time, first of the same user. It is
    False if the user was removed or has another password by now."""

    session_id: str
    digest: bytes
    """SHA-256 of the cookie."""
    uid: str
    admin: bool
    client: str
    address: str
    created: int
    over: int = 0
    """Epoch ms; a session that was not used since has ended by time."""
    password: str | None = None
    """The hash that the user's password was compared with; None: Firebase says who it is."""


class EndSessions(Operation, frozen=True, gc=False):
    """End a session of a user, or all of them. The result is a tuple of the ids of those that ended."""

    uid: str
    session_id: str | None = None


class SeeSession(Operation, frozen=True, gc=False):
    """A session was used."""

    session_id: str
    seen: int


class AddToken(Operation, frozen=True, gc=False):
    """An access token. Tokens that have expired make room if there are too many.

    The result is a tuple of the ids of those; NotOwner if it has the scope `ingest` for a vehicle that its user does
    not own.
    """

    token_id: str
    digest: bytes
    """SHA-256 of the token."""
    uid: str
    name: str
    scopes: frozenset[str]
    vehicles: frozenset[str] | None
    """In normal form, besides those with one of `tags`; None: it is good for all of its user's, and there are no tags.
    """
    tags: frozenset[str]
    created: int
    expires: int | None

    @property
    def size_bytes(self) -> int:
        return 256 + 128 * (len(self.vehicles or ()) + len(self.tags))


class RevokeToken(Operation, frozen=True, gc=False):
    """Revoke a token, of `uid` if one is given. The result is False if there is none."""

    token_id: str
    uid: str | None = None


class UseToken(Operation, frozen=True, gc=False):
    """A token was used."""

    token_id: str
    used: int
