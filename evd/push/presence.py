"""Which users asked for something lately, so that their phones are renewed once a day and not with each request.

Memory may forget: the store renews no registration that was renewed within a day, whoever asks.
"""

from __future__ import annotations

from evd.model.units import DAY_MS

USERS_MAX = 16_384
"""Remembered, some 150 bytes each; the one that was noted first makes room."""


class RecentUsers:
    """Times are epoch ms."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}

    def is_news(self, uid: str, now: int) -> bool:
        """Whether the user was not noted within a day; from now on he is. A clock that was set counts as a day, too."""
        noted = self._noted.get(uid)
        if noted is not None and abs(now - noted) < DAY_MS:
            return False
        self._noted.pop(uid, None)
        if len(self._noted) >= USERS_MAX:
            del self._noted[next(iter(self._noted))]
        self._noted[uid] = now
        return True
