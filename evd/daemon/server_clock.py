"""The server clock: evd's own time, which does not trust a wall clock that went back (docs/design.md).

A machine without a battery starts with a time in the past, and a virtual one with any time. By a clock that is more
than a day behind, each message lies ahead: it would not become its vehicle's last status, and would find no room in a
full ring. So evd's time never goes back by more than STEP_BACK_MS: it continues from the last heartbeat, by the clock
that counts from the machine's boot. While the two disagree, the messages that Sigfox has dated decide.
"""

from __future__ import annotations

from collections.abc import Callable

from evd.clock import Clock, now_ms, steady_ms
from evd.model.status import AHEAD_MS
from evd.model.units import HOUR_MS

STEP_BACK_MS = HOUR_MS
"""A clock may be set back by so much: a time server corrects a clock that was set by hand by about that."""

AGREE_MS = HOUR_MS
"""Two times that differ by no more agree: Sigfox tries to deliver a message for about an hour."""

VOTES = 3
"""Messages in a row that must agree before they count: a single one may be a test, or a mistake in a template."""


class ServerClock:
    """A call returns the server's time in epoch ms: the wall clock's, or a later one while that is not trusted.

    `alive` is the last heartbeat (epoch ms), None if unknown; with `trusted` the wall clock is always trusted.
    `look` must be called each second.
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
        """By how much the wall clock is behind according to the last messages, which agree with each other, ms."""
        self.behind_ms = 0
        """By how much the wall clock is behind the server's time."""
        self._jumped = False
        # That evd was down for a day and that its clock was a day behind cannot be distinguished.
        self.look(step_ms=AHEAD_MS)

    def __call__(self) -> int:
        return self._wall() + self.behind_ms

    @property
    def doubted(self) -> bool:
        """Whether the wall clock is not trusted."""
        return self.behind_ms > 0

    def look(self, *, step_ms: int = STEP_BACK_MS) -> None:
        """Compare the wall clock with the time counted since the last call; `step_ms` forward is a jump."""
        wall, steady = self._wall(), self._steady()
        expected = self._last + steady - self._last_at
        if not self._trusted and expected - wall > STEP_BACK_MS:
            self.behind_ms = expected - wall
            return
        self._jumped = self._jumped or wall - expected > step_ms
        self._adopt(wall, 0)

    def heard(self, time: int) -> None:
        """A message came that Sigfox has dated `time` (epoch ms). No effect while the wall clock is trusted."""
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
                self._adopt(wall, least if least > STEP_BACK_MS else 0)

    def take_jump(self) -> bool:
        """Whether the server's time jumped forward since the last call: statuses may no longer lie ahead of it."""
        jumped, self._jumped = self._jumped, False
        return jumped

    def _adopt(self, wall: int, behind_ms: int) -> None:
        """Set the server's time to so much later than the wall clock's."""
        self.behind_ms = behind_ms
        self._last, self._last_at = wall + behind_ms, self._steady()
        self._votes.clear()
