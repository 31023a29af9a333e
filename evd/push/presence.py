"""Users who sent requests lately, so that their phones are renewed once a day and not with each request.

Memory may lose them: the store renews no registration that was renewed within a day.
"""

from __future__ import annotations

from evd.model.units import DAY_MS

USERS_MAX = 16_384
"""Users that are remembered, about 150 bytes each; the one noted first is evicted."""


class RecentUsers:
    """Remembers users; times are epoch ms."""

    def __init__(self) -> None:
        self._noted: dict[str, int] = {}

    def is_news(self, uid: str, now: int) -> bool:
        """Note a request; False if one was noted within a day. A note a day ahead (clock set back) is void."""
        noted = self._noted.get(uid)
        if noted is not None and abs(now - noted) < DAY_MS:
            return False
        self._noted.pop(uid, None)
        if len(self._noted) >= USERS_MAX:
            del self._noted[next(iter(self._noted))]
        self._noted[uid] = now
        return True
