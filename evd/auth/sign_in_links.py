"""One-time sign-in links: whoever opens one is signed in as the user for whom an administrator made it.

Links are kept in memory only, so a restart ends them all. Of each evd keeps the SHA-256 of its code.
"""

from __future__ import annotations

from evd.auth.secret_texts import digest_of, is_well_formed, new_secret_text
from evd.model.units import HOUR_MS

KIND = frozenset({"link"})

GOOD_FOR_MS = HOUR_MS
"""From one person to another by a messenger; the code passes through no server's log, as it stands in the fragment."""

LINKS_MAX = 100
"""Links that are open; the oldest ends for a new one."""


class SignInLinks:
    """Open links. Times are epoch ms."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[str, int]] = {}

    def make(self, uid: str, now: int) -> tuple[str, int]:
        """The code of a new link for the user, and when it expires."""
        while len(self._open) >= LINKS_MAX:
            self._open.pop(next(iter(self._open)))
        code, expires = new_secret_text("link"), now + GOOD_FOR_MS
        self._open[digest_of(code)] = (uid, expires)
        return code, expires

    def take(self, code: str, now: int) -> str | None:
        """The user of a code, which is good no more; None if it never was, was used, or has expired."""
        if not is_well_formed(code, KIND):
            return None
        uid, expires = self._open.pop(digest_of(code), ("", 0))
        return uid if now < expires else None
