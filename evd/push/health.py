"""The health of pushes to a provider: for alarms and readiness, and whether a refusal concerns all pushes."""

from __future__ import annotations

from collections import Counter
from math import inf

from evd.errors import Pause, PushError, QuotaExceeded
from evd.model.daemon_state import PauseReason, PushOutcome
from evd.model.durations import FAR_S, DurationHistogram

PAUSED_AGAIN_S = 3600.0
"""A refusal of some pushes, while others are taken, pauses all of them once in this time."""

REASONS_MAX = 16
"""Pauses whose reasons are remembered."""


def pause_reason(trouble: PushError | None) -> PauseReason:
    """What the provider's refusal `trouble` means to the operator; None if the provider takes pushes."""
    if trouble is None:
        return PauseReason.NONE
    if isinstance(trouble, QuotaExceeded):
        return PauseReason.QUOTA
    return PauseReason.CREDENTIALS if isinstance(trouble, Pause) else PauseReason.OTHER


class Health:
    """Follows the ends of pushes; times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self.outcomes: Counter[PushOutcome] = Counter()
        self.times = DurationHistogram(FAR_S)
        """Of the provider's answers, and of waits that ended without one."""
        self.trouble: PushError | None = None
        """The last refusal of the sender, until a push is taken again."""
        self._waiting_since: float | None = None
        self._failing_since: float | None = None
        self._lost = False
        """Whether a push expired since the provider took the last one."""
        self._paused: dict[str, float] = {}
        self.failed_at = -inf
        """When the provider last refused a push for now."""

    def behind_s(self, now: float) -> float:
        """For how many seconds there has always been more to send than was begun, or every push has failed for now."""
        since = [one for one in (self._waiting_since, self._failing_since) if one is not None]
        return now - min(since) if since else 0.0

    def waits(self, more: bool, now: float) -> None:
        """Note whether more is to be sent than was begun."""
        if not more:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now

    def rests(self) -> None:
        """Nothing waits or is in flight: a trouble is over, unless it made pushes expire."""
        if not self._lost:
            self._failing_since = self.trouble = None

    def taken(self) -> None:
        self.outcomes[PushOutcome.SENT] += 1
        self.trouble = None
        self._end_of_failing()

    def ended(self, outcome: PushOutcome) -> None:
        """A push has ended: taken, or refused for good, which is an answer, too."""
        self.outcomes[outcome] += 1
        self._end_of_failing()

    def expired(self) -> None:
        self.outcomes[PushOutcome.EXPIRED] += 1
        self._lost = self._failing_since is not None

    def put_off(self, now: float) -> None:
        """The provider refused a push for now."""
        self.outcomes[PushOutcome.RETRIED] += 1
        self.failed_at = now
        if self._failing_since is None:
            self._failing_since = now

    def refused(self, error: Pause, now: float) -> bool:
        """Note that the sender was refused; returns whether all pushes must pause for it.

        One app's credential behind FCM may be broken, and that must not throttle the pushes to all other apps.
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
