"""How pushes to a provider go: for alarms and readiness, and for whether a refusal is everybody's."""

from __future__ import annotations

from collections import Counter
from math import inf

from evd.errors import Pause, PushError, QuotaExceeded
from evd.model.daemon_state import PauseReason, PushOutcome

PAUSED_AGAIN_S = 3600.0
"""A refusal that some pushes hear while others are taken holds up all of them once in so long."""

REASONS_MAX = 16
"""Of pauses that are remembered."""


def pause_reason(trouble: PushError | None) -> PauseReason:
    """What it means to the operator that a provider refused evd with `trouble`; None: it takes pushes."""
    if trouble is None:
        return PauseReason.NONE
    if isinstance(trouble, QuotaExceeded):
        return PauseReason.QUOTA
    return PauseReason.CREDENTIALS if isinstance(trouble, Pause) else PauseReason.OTHER


class Health:
    """Told of each push's end; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self.outcomes: Counter[PushOutcome] = Counter()
        self.trouble: PushError | None = None
        """Why the sender was refused last, until something is taken again."""
        self._waiting_since: float | None = None
        self._failing_since: float | None = None
        self._lost = False
        """Something expired since the provider took the last push."""
        self._paused: dict[str, float] = {}
        self.failed_at = -inf
        """When the provider last did not take a push for now."""

    def behind_s(self, now: float) -> float:
        """For how long there was always more to send than was begun, or every push failed for now."""
        since = [one for one in (self._waiting_since, self._failing_since) if one is not None]
        return now - min(since) if since else 0.0

    def waits(self, more: bool, now: float) -> None:
        """Whether more is to be sent than was begun."""
        if not more:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now

    def rests(self) -> None:
        """Nothing waits, flies or is put off: what was wrong concerns nobody, unless it made pushes expire."""
        if not self._lost:
            self._failing_since = self.trouble = None

    def taken(self) -> None:
        self.outcomes[PushOutcome.SENT] += 1
        self.trouble = None
        self._end_of_failing()

    def ended(self, outcome: PushOutcome) -> None:
        """The provider will never take a push: that is an answer, too."""
        self.outcomes[outcome] += 1
        self._end_of_failing()

    def expired(self) -> None:
        self.outcomes[PushOutcome.EXPIRED] += 1
        self._lost = self._failing_since is not None

    def put_off(self, now: float) -> None:
        """The provider did not take a push for now."""
        self.outcomes[PushOutcome.RETRIED] += 1
        self.failed_at = now
        if self._failing_since is None:
            self._failing_since = now

    def refused(self, error: Pause, now: float) -> bool:
        """The sender was refused; whether all pushes are to pause for it.

        One app's credential may be broken behind FCM, and whoever has that app must not throttle all others.
        """
        self.outcomes[PushOutcome.QUOTA] += isinstance(error, QuotaExceeded)
        said = str(error)
        again = self.trouble is not None and str(self.trouble) == said
        self.trouble = error
        lately = now - self._paused.get(said, now - PAUSED_AGAIN_S) < PAUSED_AGAIN_S
        if lately and not again and not isinstance(error, QuotaExceeded):
            return False
        if len(self._paused) >= REASONS_MAX:
            self._paused.clear()
        if not lately:
            self._paused[said] = now
        return True

    def _end_of_failing(self) -> None:
        self._failing_since = None
        self._lost = False
