"""Pushes to one provider: at least once, bounded in flight, never in the way of a callback.

What is to be sent is the backlog's to say, how fast the pace's. Lanes send, one push each at a time; what became of
them is written in groups, and until that is on disk a push counts as in flight: a crash sends no more than these again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import trio

from evd.clock import Clock, now_ms
from evd.errors import (
    DropRegistration,
    ForeignSender,
    GiveUp,
    Pause,
    PushError,
    QuotaExceeded,
    RetryAfter,
    StoreBusy,
    Unreachable,
)
from evd.log.logger import log
from evd.model.daemon_state import PushOutcome
from evd.model.operations import Arrive, Outcome, PutOff
from evd.net.client.backoff import DUE_MAX_MS, LONGEST_S, delay_s
from evd.push.backlog import Backlog
from evd.push.delivery import Delivery
from evd.push.device_limits import DeviceLimits
from evd.push.health import Health
from evd.push.outcomes import OutcomeWriter
from evd.push.policy import DeliveryPolicy
from evd.push.protocols import Push, Pusher
from evd.push.rate_limiter import RateLimiter
from evd.push.traits import ProviderTraits
from evd.store.protocols import DuePushes
from evd.store.writer import Writer

BUSY_S = 1.0
"""Until what could not be read is tried again."""

JUMP_MS = 60_000
"""A wall clock that gains or loses more on the other one was set."""

BEGIN_MAX = 128
"""Begun in one go: some milliseconds of the loop."""

UNFORESEEN_S = 60.0
"""Until a push at which evd failed in a way that nobody thought of is tried again."""


class DispatchRules(msgspec.Struct, frozen=True):
    """Bounds of one dispatcher. `in_flight_max` is also the most that a crash can send twice.

    A state is worth nothing after `give_up_after_s`, and a phone is sent nothing `stale_after_s` after its app's start.
    """

    in_flight_max: int
    rate_max: float
    ramp_s: float
    give_up_after_s: int
    stale_after_s: int


class Dispatcher:
    """One long task, `run`; told of each commit by `offer`, `look_up` and `look_again`.

    `compose` makes the message of a flight; it may raise GiveUp. `clock` is the wall's, `seconds` one that never jumps.
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
        self.pusher = pusher
        self.traits = traits
        self.health = Health()
        self._pending = pending
        self._policy = DeliveryPolicy(
            traits.kinds,
            give_up_after_ms=rules.give_up_after_s * 1000,
            stale_after_ms=rules.stale_after_s * 1000,
        )
        self._backlog = Backlog(pending, self._policy)
        self._rules = rules
        self._compose = compose
        self._clock = clock
        self._seconds = seconds
        self._chance = chance
        self._pace = RateLimiter(rules.rate_max, ramp_s=rules.ramp_s)
        self._devices = DeviceLimits() if traits.limits_devices else None
        self._landing = OutcomeWriter(writer, self._completed)
        self._queue: deque[Delivery] = deque()
        self._in_flight = 0
        self._lanes = 0
        self._resting = trio.lowlevel.ParkingLot()
        self._wake = trio.Event()
        self._full = False
        """Only what lands makes room: no offer need wake the task."""
        self._idle = trio.Event()
        self._held = False
        self._free_since = 0.0
        """When it began, or the operator's pause ended."""
        self._finishing = False
        self._clock_ahead = 0.0
        self._lenient_until = 0.0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def behind_s(self) -> float:
        """For how long, in s, there was always more to send than was begun, or every push failed for now."""
        return self.health.behind_s(self._seconds())

    @property
    def unhindered_s(self) -> float:
        """For how long, in s, nothing kept it from sending: neither the operator's pause nor the provider."""
        return 0.0 if self._held else self._seconds() - max(self._free_since, self.health.failed_at)

    def offer(self, statuses: Sequence[Arrive], committed: int) -> None:
        """These became their vehicles' last statuses, and somebody may listen."""
        self._backlog.offer(statuses, committed)
        if not self._full:
            self._wake.set()

    def look_up(self, vehicles: Sequence[str]) -> None:
        """Somebody registered for these."""
        self._backlog.look_up(vehicles)
        self._wake.set()

    def look_again(self) -> None:
        """Something may be due: events were recorded."""
        self._backlog.look_again()
        self._wake.set()

    def withdraw(self) -> None:
        """Registrations changed: nothing that was not begun goes to whom it was meant for without a new look."""
        self._in_flight -= len(self._queue)
        self._backlog.withdraw(self._queue)
        self._queue.clear()
        self._wake.set()

    def hold(self, held: bool) -> None:
        """Begin nothing, or go on: the operator's pause."""
        if self._held and not held:
            self._pace.pause(self._seconds(), 0)
            self._free_since = self._seconds()
        self._held = held
        self._wake.set()

    async def finish(self) -> None:
        """Begin nothing more, and wait for what is in flight; the caller has the deadline."""
        self._finishing = True
        self.withdraw()
        while self._in_flight:
            self._idle = trio.Event()
            await self._idle.wait()

    async def run(self) -> None:
        """Send what is due, for ever. Cancelling is safe: what is not on disk as answered is sent again."""
        self._free_since = self._seconds()
        self._clock_ahead = self._clock() - self._seconds() * 1000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._landing.run)
            while True:
                self._wake = trio.Event()
                try:
                    sleep_s = await self._begin(nursery)
                except StoreBusy:
                    sleep_s = BUSY_S
                self._full = self._in_flight >= self._rules.in_flight_max
                with trio.move_on_after(sleep_s):
                    await self._wake.wait()

    async def _begin(self, nursery: trio.Nursery) -> float:
        """Begin what may begin; the seconds until there may be more, unless something happens."""
        now = self._seconds()
        now_ms = self._clock()
        await self._detect_clock_jump(now, now_ms)
        if self._finishing:
            return LONGEST_S
        room = min(self._rules.in_flight_max - self._in_flight, self._pace.allowed(now), BEGIN_MAX)
        if room > 0 and not self._held:
            deliveries = self._backlog.take(room, now_ms)
            self._pace.began(now, sum([self._launch(delivery, nursery, now, now_ms) for delivery in deliveries]))
        waiting = self._backlog.waiting
        self.health.waits(waiting, now)
        if self._backlog.empty:
            self.health.rests()
        if self._held or self._in_flight >= self._rules.in_flight_max:
            return LONGEST_S  # until it goes on, or something lands
        if room <= 0:
            return self._pace.ready_in(now)
        if not waiting:
            return max(self._backlog.next_look - now_ms, 10) / 1000
        return 0.001 if self._backlog.walking else 0.0

    def _launch(self, delivery: Delivery, nursery: trio.Nursery, now: float, now_ms: int) -> bool:
        """Hand it to a lane; False where it is not to be sent now, which costs no pace."""
        self._in_flight += 1
        delivery.sent = now_ms
        refusal = self._policy.refusal(delivery, now_ms)
        if refusal is not None:
            self._withhold(delivery, refusal.said, refusal.due)
            return False
        wait_s = self._devices.wait_s(delivery.registration.token, now) if self._devices else 0.0
        if wait_s > 0:
            self._withhold(delivery, "a phone is sent 4,800 messages an hour at most", now_ms + int(wait_s * 1000))
            return False
        self._queue.append(delivery)
        if self._resting:
            self._resting.unpark()
        elif self._lanes < self._rules.in_flight_max:
            self._lanes += 1
            nursery.start_soon(self._worker)
        return True

    def _withhold(self, delivery: Delivery, said: str, due: int) -> None:
        """Until `due` (epoch ms); 0: for good. What an event is worth is not used up while it is held."""
        if not due:
            self.health.expired()
            self._landing.settle(delivery, "failed", said, delivery.sent)
            return
        expires = delivery.event.expires + due - delivery.sent if delivery.event else 0
        self._landing.settle(delivery, "later", said, delivery.sent, due=due, expires=expires)

    async def _worker(self) -> None:
        while True:
            while not self._queue:
                await self._resting.park()
            await self._send(self._queue.popleft())

    async def _send(self, delivery: Delivery) -> None:
        """One message to the provider, and what its answer means."""
        delivery.sent = self._clock()
        try:
            message_id = await self.pusher.send(self._composed(delivery))
        except PushError as error:
            self._refused(delivery, error)
        except Exception as error:
            # It must not end the daemon, which would meet the same push at its next start.
            log.error("a push failed", vehicle=delivery.registration.vehicle, what=delivery.what, exc_info=error)
            failed = f"evd failed at it ({type(error).__name__}): its log says why"
            self._refused(delivery, RetryAfter(failed, delay_s=UNFORESEEN_S))
        else:
            self.health.taken()
            self._pace.answered(self._seconds())
            self._landing.settle(delivery, "taken", message_id, self._clock())

    def _composed(self, delivery: Delivery) -> Push:
        """Raises GiveUp, also for a status or an event of which no message can be made."""
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
            self._landing.settle(delivery, "later", reason, at, due=due, attempts=delivery.attempts + 1)
        elif isinstance(error, DropRegistration):
            self.health.ended(PushOutcome.DROPPED)
            self.health.outcomes[PushOutcome.FOREIGN_SENDER] += isinstance(error, ForeignSender)
            log.info("registration dropped", **where)
            self._landing.settle(delivery, "drop", reason, at)
        else:
            self.health.ended(PushOutcome.GIVEN_UP)
            log.warning("push given up", **where)
            self._landing.settle(delivery, "failed", reason, at)

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
        self.withdraw()

    def _completed(self, group: list[tuple[Delivery, Outcome]]) -> None:
        """Their outcomes are on disk."""
        for delivery, outcome in group:
            self._in_flight -= 1
            self._backlog.completed(delivery)
            if outcome.verdict in ("later", "drop"):  # a dropped one that was renewed meanwhile is put off
                self._backlog.look_again(outcome.due)
        if not self._in_flight:
            self._idle.set()
        self._wake.set()

    async def _detect_clock_jump(self, now: float, now_ms: int) -> None:
        """A wall clock that was set makes nothing look old for a while, and nothing wait for longer than it would."""
        ahead = now_ms - now * 1000
        gained = ahead - self._clock_ahead
        if abs(gained) > JUMP_MS:
            log.warning("the clock was set", seconds=round(gained / 1000))
            self._clock_ahead = ahead
            self._lenient_until = now + self._rules.give_up_after_s
            self._backlog.look_again()
            self._backlog.walk_again()
            if gained < 0:
                await self._landing.write(PutOff(now_ms + int(LONGEST_S * 1000)))
        self._policy.lenient = now < self._lenient_until
        if self._backlog.next_look <= now_ms and self._pending.put_off_beyond(now_ms + DUE_MAX_MS):
            await self._landing.write(PutOff(now_ms + DUE_MAX_MS))
