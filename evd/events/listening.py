"""Since when evd has been listening: silences do not count while evd or the machine stood still, or a clock jumped."""

from __future__ import annotations

from evd.model.units import MINUTE_MS

JUMP_MS = MINUTE_MS
"""If the wall clock gains or loses more on the monotonic one, it was set, or the machine was suspended."""

SHORT_STOP_MS = 15 * MINUTE_MS
"""During a longer stop of evd statuses may be lost, so silences count only from its end."""


def listening_since(last_alive: int | None, before: int | None, now: int) -> int:
    """From when on silences count, if evd last took callbacks at `last_alive`; epoch ms.

    `before` is the result at the previous start.
    """
    short = last_alive is not None and 0 <= now - last_alive <= SHORT_STOP_MS
    return before or 0 if short else now


class ListeningTime:
    """`since` is epoch ms; 0: always. `now_s` is of a clock that never jumps."""

    def __init__(self, since: int) -> None:
        self.since = since
        self._ahead = 0.0

    def set_clock(self, now_s: float, now: int) -> None:
        """How both clocks stand to each other at the start."""
        self._ahead = now - now_s * 1000

    def detect_clock_jump(self, now_s: float, now: int) -> None:
        ahead = now - now_s * 1000
        if abs(ahead - self._ahead) > JUMP_MS:
            self._ahead = ahead
            self.since = now
