"""The server's time where its clock may be wrong: a clock that went back is not believed.

A machine without a battery starts in the past, and a virtual one may be given any time. By a clock that is more than a
day behind, each message lies ahead: it would be no vehicle's last status, and find no room in a full ring. So evd's
time never goes back by more than STEP_BACK_MS: it goes on from when evd was last alive, by a clock that counts from the
machine's start. While the two disagree, the messages decide that Sigfox has dated.
"""

from __future__ import annotations

from collections.abc import Callable

from evd.clock import Clock, now_ms, steady_ms
from evd.model.status import AHEAD_MS
from evd.model.units import HOUR_MS

STEP_BACK_MS = HOUR_MS
"""A clock may be set back by so much: what is set by hand is corrected so when its time server is found."""

AGREE_MS = HOUR_MS
"""Two times agree that differ by no more: Sigfox tries to deliver a message for about an hour."""

VOTES = 3
"""Messages in a row that must agree before they are believed: one alone may be a test, or a template's mistake."""


class ServerClock:
    """Called, it gives the server's time in epoch ms: the wall clock's, or a later one while that is not believed.

    `alive` is when evd was last alive (epoch ms), None where that is not known; a `trusted` wall clock is always
    believed. `look` is to be called each second.
    """

    def __init__(
        self,
        alive: int | None = None,
        *,
        trusted: bool = False,
        wall: Clock = now_ms,
        steady: Callable[[], int] = steady_ms,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._trusted = trusted
        self._last, self._last_at = wall() if alive is None else alive, steady()
        self._votes: list[int] = []
        """By how much the wall clock is behind, by the messages that agree with each other, ms."""
        self.behind_ms = 0
        """By how much the wall clock is behind the server's time."""
        self._jumped = False
        # Whether evd was away for a day, or its clock was behind by one, cannot be told apart.
        self.look(step_ms=AHEAD_MS)

    def __call__(self) -> int:
        return self._wall() + self.behind_ms

    @property
    def doubted(self) -> bool:
        """Whether the wall clock is not believed."""
        return self.behind_ms > 0

    def look(self, *, step_ms: int = STEP_BACK_MS) -> None:
        """Compare the wall clock with what was counted since the last look; `step_ms` forward is a jump."""
        wall, steady = self._wall(), self._steady()
        expected = self._last + steady - self._last_at
        if not self._trusted and expected - wall > STEP_BACK_MS:
            self.behind_ms = expected - wall
            return
        self._jumped = self._jumped or wall - expected > step_ms
        self._believe(wall, 0)

    def heard(self, time: int) -> None:
        """A message came that Sigfox has dated `time` (epoch ms). Says nothing where the wall clock is believed."""
        wall = self._wall()
        behind = time - wall
        if not self.doubted:
            return
        if abs(behind - self.behind_ms) <= AGREE_MS:
            self._votes.clear()
        elif abs(behind) <= AGREE_MS or behind > self.behind_ms:
            agreeing = not self._votes or abs(behind - self._votes[0]) <= AGREE_MS
            self._votes = [*self._votes, behind] if agreeing else [behind]
            if len(self._votes) == VOTES:
                least = min(self._votes)
                self._jumped = self._jumped or least > self.behind_ms
                self._believe(wall, least if least > STEP_BACK_MS else 0)

    def take_jump(self) -> bool:
        """Whether the server's time jumped forward since it was asked last: what lay ahead of it may not do so now."""
        jumped, self._jumped = self._jumped, False
        return jumped

    def _believe(self, wall: int, behind_ms: int) -> None:
        """From here on the server's time is later than the wall clock's by so much."""
        self.behind_ms = behind_ms
        self._last, self._last_at = wall + behind_ms, self._steady()
        self._votes.clear()
