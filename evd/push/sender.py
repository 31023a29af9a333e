"""Send one push, and apply its answer to the rate limiter, to the provider's health and to the outcome."""

from __future__ import annotations

import random
from collections.abc import Callable

from evd.clock import Clock
from evd.errors import (
    DropRegistration,
    ForeignSender,
    GiveUp,
    Pause,
    PushError,
    QuotaExceeded,
    RetryAfter,
    Unreachable,
)
from evd.log.logger import log
from evd.model.daemon_state import PushOutcome
from evd.net.client.retry_delay import delay_s
from evd.push.delivery import Delivery
from evd.push.health import Health
from evd.push.outcomes import OutcomeWriter
from evd.push.protocols import Push, Pusher
from evd.push.rate_limiter import RateLimiter
from evd.push.traits import ProviderTraits

UNFORESEEN_S = 60.0
"""Pause before a push is retried at which evd itself failed."""


class Sender:
    """Sends through one provider. `paused` is called when a refusal pauses all pushes.

    `compose` makes the message of a delivery and may raise GiveUp. `clock` is the wall clock, `seconds` is
    monotonic.
    """

    def __init__(
        self,
        pusher: Pusher,
        traits: ProviderTraits,
        compose: Callable[[Delivery], Push],
        *,
        pace: RateLimiter,
        outcomes: OutcomeWriter,
        paused: Callable[[], None],
        clock: Clock,
        seconds: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.pusher = pusher
        self.traits = traits
        self.health = Health()
        self._compose = compose
        self._pace = pace
        self._outcomes = outcomes
        self._paused = paused
        self._clock = clock
        self._seconds = seconds
        self._chance = chance

    async def send(self, delivery: Delivery) -> None:
        """Send one message and apply the answer. Never raises."""
        delivery.sent = self._clock()
        begun = self._seconds()
        try:
            try:
                message_id = await self.pusher.send(self._composed(delivery))
            finally:
                self.health.times.note(self._seconds() - begun)
        except PushError as error:
            self._refused(delivery, error)
        except Exception as error:
            # It must not end the daemon, which would fail at the same push after its next start.
            log.error("a push failed", vehicle=delivery.registration.vehicle, what=delivery.what, exc_info=error)
            failed = f"evd failed at it ({type(error).__name__}): its log says why"
            self._refused(delivery, RetryAfter(failed, delay_s=UNFORESEEN_S))
        else:
            self.health.taken()
            self._pace.answered(self._seconds())
            self._outcomes.settle(delivery, "taken", message_id, self._clock())

    def _composed(self, delivery: Delivery) -> Push:
        """The delivery's message. Raises GiveUp, also if no message can be made of its status or event."""
        try:
            return self._compose(delivery)
        except PushError:
            raise
        except Exception as error:
            log.error(
                "no message can be made", vehicle=delivery.registration.vehicle, what=delivery.what, exc_info=error
            )
            raise GiveUp(f"evd failed at it ({type(error).__name__}): its log says why") from error

    def _refused(self, delivery: Delivery, error: PushError) -> None:
        now, at = self._seconds(), self._clock()
        reason = str(error)
        where = {"vehicle": delivery.registration.vehicle, "what": delivery.what, "reason": reason}
        if isinstance(error, Unreachable):
            self._pace.unanswered(now)
        else:
            self._pace.answered(now)
        if isinstance(error, RetryAfter):
            self.health.put_off(now)
            if isinstance(error, Pause):
                self._pause(error, now)
            delay = delay_s(delivery.attempts, error.delay_s, self._chance())
            log.debug("push later", delay_s=delay, **where)
            due = at + int(delay * 1000)
            self._outcomes.settle(delivery, "later", reason, at, due=due, attempts=delivery.attempts + 1)
        elif isinstance(error, DropRegistration):
            self.health.ended(PushOutcome.DROPPED)
            self.health.outcomes[PushOutcome.FOREIGN_SENDER] += isinstance(error, ForeignSender)
            log.info("registration dropped", **where)
            self._outcomes.settle(delivery, "drop", reason, at)
        else:
            self.health.ended(PushOutcome.GIVEN_UP)
            log.warning("push given up", **where)
            self._outcomes.settle(delivery, "failed", reason, at)

    def _pause(self, error: Pause, now: float) -> None:
        known = self.health.trouble is not None and str(self.health.trouble) == str(error)
        if not self.health.refused(error, now):
            return
        if isinstance(error, QuotaExceeded):
            self._pace.halve(now, error.delay_s)
        else:
            self._pace.pause(now, error.delay_s)
        if not known:
            log.error("pushes paused", pusher=self.traits.name, reason=str(error), delay_s=error.delay_s)
        self._paused()
