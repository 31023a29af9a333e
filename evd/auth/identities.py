"""All sessions and access tokens, in memory: kept up to date by each commit, and their last uses written.

A commit is observed before it is answered, so what ended is refused from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from evd.auth.access_tokens import AccessToken, PersonalTokens, shown_token
from evd.auth.sessions import COOKIE, SECURE_COOKIE, Session, SessionLife, Sessions, cookie_in
from evd.clock import Clock
from evd.errors import Unavailable
from evd.model.commits import CommitSummary
from evd.model.operations import (
    AddOwner,
    AddToken,
    DeleteVehicle,
    EndSessions,
    ImportOwner,
    MergeVehicle,
    OpenSession,
    Operation,
    RemoveOwner,
    RemoveUser,
    RevokeToken,
    SeeSession,
    SetPassword,
    UseToken,
)


class Identities:
    """`submit` hands an operation to the writer, without waiting for it; `clock` gives the server's time, epoch ms."""

    def __init__(
        self,
        sessions: Iterable[Session],
        tokens: Iterable[AccessToken],
        life: SessionLife,
        *,
        clock: Clock,
        submit: Callable[[Operation], Any],
    ) -> None:
        self._sessions = Sessions(sessions, life)
        self._life = life
        self._tokens = PersonalTokens(tokens)
        self._clock = clock
        self._submit = submit
        self._followers: dict[type[Operation], Callable[[Any, Any], None]] = {
            OpenSession: self._session_opened,
            AddToken: self._token_added,
            **dict.fromkeys((EndSessions, SetPassword, RemoveUser), lambda operation, ended: self._remove(ended)),
            RevokeToken: lambda operation, result: self._remove([operation.token_id]),
            MergeVehicle: lambda one, result: self._tokens.vehicle_gone(one.vehicle, one.into),
            DeleteVehicle: lambda one, result: self._tokens.vehicle_gone(one.vehicle, None),
            AddOwner: self._owner_added,
            ImportOwner: self._owner_added,
            RemoveOwner: lambda one, result: self._tokens.owner_changed(one.uid, one.vehicle, owns=False),
        }

    def session(self, headers: Mapping[bytes, bytes], *, secure: bool | None = None) -> tuple[Session, str] | None:
        """The session of a request and its cookie's value; None if the cookie is missing, wrong, or has ended.

        `secure` says whether the request came over TLS, where only SECURE_COOKIE counts; None: either counts.
        """
        names = [name for name, wanted in ((SECURE_COOKIE, True), (COOKIE, False)) if secure in (None, wanted)]
        cookie = next((value for name in names if (value := cookie_in(headers, name))), "")
        now = self._clock()
        session = self._sessions.find(cookie, now) if cookie else None
        if session is None:
            return None
        if self._sessions.note_use(session, now):
            self._write(SeeSession(session.session_id, now))
        return session, cookie

    def over(self) -> int:
        """Epoch ms; a session that was not used since has ended by time."""
        return self._clock() - self._life.idle_ms

    def has_session(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request has the cookie of a session."""
        return self.session(headers) is not None

    def token(self, headers: Mapping[bytes, bytes]) -> AccessToken | None:
        """The access token of a request; None if it shows none. Raises Unauthorized."""
        text = shown_token(headers)
        return None if text is None else self.token_of(text)

    def token_of(self, text: str) -> AccessToken:
        """The access token of this text. Raises Unauthorized."""
        now = self._clock()
        token = self._tokens.find(text, now)
        if self._tokens.note_use(token, now):
            self._write(UseToken(token.token_id, now))
        return token

    def committed(self, summary: CommitSummary) -> None:
        """Apply a commit's changes."""
        for operation, result in summary.identities:
            self._followers[type(operation)](operation, result)

    def _write(self, use: Operation) -> None:
        with suppress(Unavailable):
            self._submit(use)

    def _session_opened(self, one: OpenSession, ended: tuple[str, ...]) -> None:
        self._remove(ended)
        self._sessions.add(Session(one.session_id, one.uid, one.admin, one.digest, one.created, one.created))

    def _remove(self, ended: Sequence[str]) -> None:
        """Sessions and tokens, by their ids."""
        self._sessions.remove(ended)
        self._tokens.remove(ended)

    def _owner_added(self, one: AddOwner, result: Any) -> None:
        if one.relation == "owner":
            self._tokens.owner_changed(one.uid, one.vehicle, owns=True)

    def _token_added(self, one: AddToken, expired: tuple[str, ...]) -> None:
        self._remove(expired)
        posts_for = (one.vehicles or frozenset()) if "ingest" in one.scopes else frozenset()
        self._tokens.add(
            AccessToken(
                *(one.token_id, one.uid, one.digest, one.scopes, one.vehicles, one.tags, one.expires, None, posts_for)
            )
        )
