"""The dispatcher of one provider: sends each push at least once, bounded in flight, without delaying callbacks.

The backlog finds what to send, the rate limiter says when. Workers send one push at a time each. Outcomes are written
in groups, and a push counts as in flight until its outcome is on disk.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import msgspec
import trio

from evd.clock import Clock, now_ms
from evd.errors import StoreBusy
from evd.log.logger import log
from evd.model.operations import Arrive, Outcome, PutOff
from evd.net.client.retry_delay import DUE_MAX_MS, LONGEST_S
from evd.push.backlog import Backlog
from evd.push.clock_jumps import ClockJumps
from evd.push.delivery import Delivery
from evd.push.device_limits import DeviceLimits
from evd.push.health import Health
from evd.push.in_flight import InFlight
from evd.push.operator_pause import OperatorPause
from evd.push.outcomes import OutcomeWriter
from evd.push.protocols import Push, Pusher
from evd.push.rate_limiter import RateLimiter
from evd.push.sender import Sender
from evd.push.skip_policy import SkipPolicy
from evd.push.traits import ProviderTraits
from evd.push.workers import Workers
from evd.store.protocols import DuePushes
from evd.store.writer import Writer

BUSY_S = 1.0
"""Pause before a failed read of the database is repeated."""

BEGIN_MAX = 128
"""Pushes that are begun at once: some milliseconds of the loop."""


PACED_S = 0.001
"""The shortest wait for the rate limiter: one that makes up for a rounding error (1e-16 s) does not move a clock on."""


class DispatchRules(msgspec.Struct, frozen=True):
    """The bounds of one dispatcher. `in_flight_max` is also the most that a crash can send twice.

    A state is not sent after `give_up_after_s`, nor to a phone whose app has not started for `stale_after_s`.
    """

    in_flight_max: int
    rate_max: float
    ramp_s: float
    give_up_after_s: int
    stale_after_s: int


class Dispatcher:
    """One long task, `run`, which `offer`, `look_up` and `look_again` wake after a commit.

    `compose` makes the message of a delivery and may raise GiveUp. `clock` is the wall clock, `seconds` is
    monotonic.
    """

    def __init__(
        self,
        pusher: Pusher,
        traits: ProviderTraits,
        pending: DuePushes,
        writer: Writer,
        *,
        rules: DispatchRules,
        compose: Callable[[Delivery], Push],
        clock: Clock = now_ms,
        seconds: Callable[[], float] = trio.current_time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._jumps = ClockJumps(lenient_s=rules.give_up_after_s)
        self._policy = SkipPolicy(
            traits.kinds,
            give_up_after_ms=rules.give_up_after_s * 1000,
            stale_after_ms=rules.stale_after_s * 1000,
            devices=DeviceLimits() if traits.limits_devices else None,
        )
        self._backlog = Backlog(pending, self._policy)
        self._pace = RateLimiter(rules.rate_max, ramp_s=rules.ramp_s)
        self._pause = OperatorPause(seconds)
        self._in_flight = InFlight(rules.in_flight_max)
        self._outcomes = OutcomeWriter(writer, self._completed)
        self._sender = Sender(
            *(pusher, traits, compose),
            pace=self._pace,
            outcomes=self._outcomes,
            paused=self.withdraw,
            clock=clock,
            seconds=seconds,
            chance=chance,
        )
        self._workers = Workers(self._sender.send, most=rules.in_flight_max)
        self._wake = trio.Event()

    @property
    def pusher(self) -> Pusher:
        return self._sender.pusher

    @property
    def traits(self) -> ProviderTraits:
        return self._sender.traits

    @property
    def health(self) -> Health:
        return self._sender.health

    @property
    def in_flight(self) -> int:
        return self._in_flight.count

    @property
    def behind_s(self) -> float:
        """For how many seconds there has always been more to send than was begun, or every push has failed for now."""
        return self.health.behind_s(self._seconds())

    @property
    def unhindered_s(self) -> float:
        """For how many seconds neither the operator's pause nor the provider has kept it from sending."""
        return self._pause.free_s(self.health.failed_at)

    def offer(self, statuses: Sequence[Arrive], committed: int) -> None:
        """Take new last statuses of vehicles, which may have registrations."""
        self._backlog.offer(statuses, committed)
        if self._in_flight.room > 0:  # else the end of a push makes room and wakes the task
            self._wake.set()

    def look_up(self, vehicles: Sequence[str]) -> None:
        """Look up new registrations of these vehicles."""
        self._backlog.look_up(vehicles)
        self._wake.set()

    def look_again(self) -> None:
        """Query for due pushes: events were recorded."""
        self._backlog.look_again()
        self._wake.set()

    def withdraw(self) -> None:
        """Look up again everything that was not begun: registrations changed."""
        taken = self._workers.take_back()
        self._in_flight.end(len(taken))
        self._backlog.withdraw(taken)
        self._wake.set()

    def hold(self, held: bool) -> None:
        """Begin no push, or continue: the operator's pause."""
        if self._pause.hold(held):
            self._pace.pause(self._seconds(), 0)
        self._wake.set()

    async def finish(self) -> None:
        """Begin no more pushes, and wait for those in flight; the caller sets the deadline."""
        self.withdraw()
        await self._in_flight.drain()

    async def run(self) -> None:
        """Send what is due, for ever. Cancelling is safe: a push whose outcome is not on disk is sent again."""
        self._pause.begin()
        self._jumps.begin(self._seconds(), self._clock())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._outcomes.run)
            while True:
                self._wake = trio.Event()
                try:
                    sleep_s = await self._begin(nursery)
                except StoreBusy:
                    sleep_s = BUSY_S
                with trio.move_on_after(sleep_s):
                    await self._wake.wait()

    async def _begin(self, nursery: trio.Nursery) -> float:
        """Begin all pushes that may begin; returns the seconds until more may, unless an event wakes it before."""
        now = self._seconds()
        now_ms = self._clock()
        await self._detect_clock_jump(now, now_ms)
        if self._in_flight.draining:
            return LONGEST_S
        room = min(self._in_flight.room, self._pace.allowed(now), BEGIN_MAX)
        if room > 0 and not self._pause.held:
            deliveries = self._backlog.take(room, now_ms)
            self._pace.began(now, sum([self._launch(delivery, nursery, now, now_ms) for delivery in deliveries]))
        waiting = self._backlog.waiting
        self.health.waits(waiting, now)
        if self._backlog.empty:
            self.health.rests()
        if self._pause.held or self._in_flight.room <= 0:
            return LONGEST_S  # until the pause ends or an outcome is on disk
        if room <= 0:
            return max(self._pace.ready_in(now), PACED_S)
        if not waiting:
            return max(self._backlog.next_look - now_ms, 10) / 1000
        return 0.001 if self._backlog.walking else 0.0

    def _launch(self, delivery: Delivery, nursery: trio.Nursery, now: float, now_ms: int) -> bool:
        """Hand a push to a worker; False if the policy does not send it now, which does not count against the rate."""
        self._in_flight.begin()
        delivery.sent = now_ms
        skipped = self._policy.skip_reason(delivery, now_ms, now)
        if skipped is not None:
            self._withhold(delivery, skipped.said, skipped.due)
            return False
        self._workers.put(delivery, nursery)
        return True

    def _withhold(self, delivery: Delivery, said: str, due: int) -> None:
        """Put a push off until `due` (epoch ms); 0: for good. An event's time to live is extended by the wait."""
        if not due:
            self.health.expired()
            self._outcomes.settle(delivery, "failed", said, delivery.sent)
            return
        expires = delivery.event.expires + due - delivery.sent if delivery.event else 0
        self._outcomes.settle(delivery, "later", said, delivery.sent, due=due, expires=expires)

    def _completed(self, group: list[tuple[Delivery, Outcome]]) -> None:
        """Note that these outcomes are on disk."""
        for delivery, outcome in group:
            self._backlog.completed(delivery)
            if outcome.verdict in ("later", "drop"):  # a dropped one that was renewed meanwhile is retried
                self._backlog.look_again(outcome.due)
        self._in_flight.end(len(group))
        self._wake.set()

    async def _detect_clock_jump(self, now: float, now_ms: int) -> None:
        """After the wall clock was set: for a while nothing counts as old, and no retry waits longer than usual."""
        gained_ms = self._jumps.gained_ms(now, now_ms)
        if gained_ms:
            log.warning("the clock was set", seconds=round(gained_ms / 1000))
            self._backlog.look_again()
            self._backlog.walk_again()
            if gained_ms < 0:
                await self._outcomes.write(PutOff(now_ms + int(LONGEST_S * 1000)))
        self._policy.lenient = self._jumps.lenient(now)
        if self._backlog.next_look <= now_ms and self._backlog.put_off_beyond(now_ms + DUE_MAX_MS):
            await self._outcomes.write(PutOff(now_ms + DUE_MAX_MS))
