"""Sessions of signed-in users: the cookie, the CSRF token that belongs to it, and when a session ends.

The cookie is one of evd's secret texts (evd.auth.secret_texts), of which the SHA-256 is stored. Its CSRF token is
derived from it, so it need not be stored, and it shows nothing of the cookie.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from evd.auth.secret_texts import digest_of, id_in, is_well_formed, new_secret_text
from evd.model.units import HOUR_MS

KIND = frozenset({"session"})

COOKIE = "evd"
SECURE_COOKIE = "__Host-evd"
"""Over TLS: browsers take a cookie of this name from no other host, and over TLS only (RFC 6265bis, section 4.1.3)."""

CSRF_HEADER = b"x-csrf-token"

SEEN_EVERY_MS = HOUR_MS
"""How often a session's or a token's last use is written at most."""


class Session(NamedTuple):
    """A session as it is stored; times are epoch ms."""

    session_id: str
    uid: str
    admin: bool
    digest: bytes
    created: int
    seen: int
    """Its last use, exact to SEEN_EVERY_MS."""


class SessionLife(NamedTuple):
    """When a session ends: if it was not used for `idle_ms`, and `longest_ms` after it began."""

    idle_ms: int
    longest_ms: int

    def is_over(self, created: int, seen: int, now: int) -> bool:
        return now >= seen + self.idle_ms or now >= created + self.longest_ms


class Sessions:
    """The sessions that have not ended, in memory."""

    def __init__(self, sessions: Iterable[Session], life: SessionLife) -> None:
        self._sessions = {session.session_id: session for session in sessions}
        self._life = life

    def find(self, cookie: str, now: int) -> Session | None:
        """The session of a cookie's value; None if there is none, or if it has ended."""
        if not is_well_formed(cookie, KIND):
            return None
        session = self._sessions.get(id_in(cookie))
        if session is None or not hmac.compare_digest(session.digest, digest_of(cookie)):
            return None
        return None if self._life.is_over(session.created, session.seen, now) else session

    def note_use(self, session: Session, now: int) -> bool:
        """Whether this use is to be written; then it counts as the last one."""
        if abs(now - session.seen) < SEEN_EVERY_MS or session.session_id not in self._sessions:
            return False
        self._sessions[session.session_id] = session._replace(seen=now)
        return True

    def add(self, session: Session) -> None:
        self._sessions[session.session_id] = session

    def remove(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            self._sessions.pop(session_id, None)


def new_session(uid: str, *, admin: bool, at: int) -> tuple[str, Session]:
    """The cookie's value, and what is stored of it."""
    text = new_secret_text("session")
    return text, Session(id_in(text), uid, admin, digest_of(text), at, at)


def cookie_in(headers: Mapping[bytes, bytes], name: str) -> str:
    """The value of a request's cookie of this name, "" if there is none; `headers` have lower-case names.

    With two of one name there is none: a browser would send the one that another site planted first.
    """
    pairs = [pair.strip().partition(b"=") for pair in headers.get(b"cookie", b"").split(b";")]
    found = [value for key, _, value in pairs if key == name.encode()]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def csrf_token(cookie: str) -> str:
    """The CSRF token of a session, by its cookie's value."""
    return "evd_csrf_" + hmac.digest(cookie.encode(), b"evd csrf", "sha256").hex()


def has_csrf_token(headers: Mapping[bytes, bytes], cookie: str) -> bool:
    return hmac.compare_digest(headers.get(CSRF_HEADER, b""), csrf_token(cookie).encode())
