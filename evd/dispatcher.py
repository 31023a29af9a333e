"""Pushes to one provider: at least once, bounded in flight, never in the way of a callback.

What is to be sent is the backlog's to say, how fast the pace's. Lanes send, one push each at a time; one task writes
what became of them in groups, and until that is on disk a push counts as in flight: a crash sends no more than these
again.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import trio

from evd.backlog import Backlog, Flight
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
    Unavailable,
    Unreachable,
)
from evd.log import log
from evd.push import Push, Pusher
from evd.push.devices import DeviceLimits
from evd.push.pace import Pace
from evd.push.retry import DUE_MAX_MS, LONGEST_S, delay_s
from evd.store import Arrive
from evd.store.outward import Outcome, Outcomes, Pending, PutOff
from evd.writer import Writer

BUSY_S = 1.0
"""Until what could not be read or written is tried again."""

JUMP_MS = 60_000
"""A wall clock that gains or loses more on the other one was set."""

SAID_MAX = 200
"""Characters kept of a provider's message id or error; FCM's ids have about 60."""

BEGIN_MAX = 128
"""Begun in one go: some milliseconds of the loop."""

OUTCOMES_MAX = 1024
"""Written in one operation: some 10 ms of the writer."""


class Rules(msgspec.Struct, frozen=True):
    """Bounds of one dispatcher. `in_flight_max` is also the most that a crash can send twice."""

    in_flight_max: int
    rate_max: float
    ramp_s: float
    give_up_after_s: int


class Dispatcher:
    """One long task, `run`; told of each commit by `offer` and `look_again`.

    `compose` makes the message of a flight; it may raise GiveUp. `clock` is the wall's, `seconds` one that never jumps.
    """

    def __init__(
        self,
        pusher: Pusher,
        backlog: Backlog,
        writer: Writer,
        *,
        rules: Rules,
        compose: Callable[[Flight], Push],
        pending: Pending,
        clock: Clock = now_ms,
        seconds: Callable[[], float] = trio.current_time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.pusher = pusher
        self.outcomes: Counter[str] = Counter()
        self.trouble: PushError | None = None
        """Why the sender was refused last, until something is taken again."""
        self._backlog = backlog
        self._writer = writer
        self._rules = rules
        self._compose = compose
        self._pending = pending
        self._clock = clock
        self._seconds = seconds
        self._chance = chance
        self._pace = Pace(rules.rate_max, ramp_s=rules.ramp_s)
        self._devices = DeviceLimits()
        self._queue: deque[Flight] = deque()
        self._landed: list[tuple[Flight, Outcome]] = []
        self._in_flight = 0
        self._lanes = 0
        self._resting = trio.lowlevel.ParkingLot()
        self._wake = trio.Event()
        self._land = trio.Event()
        self._idle = trio.Event()
        self._held = False
        self._finishing = False
        self._waiting_since: float | None = None
        self._failing_since: float | None = None
        self._clock_ahead = 0.0
        self._lenient_until = 0.0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def behind_s(self) -> float:
        """For how long, in s, there was always more to send than was begun, or every push failed for now."""
        since = [one for one in (self._waiting_since, self._failing_since) if one is not None]
        return self._seconds() - min(since) if since else 0.0

    def offer(self, statuses: Sequence[Arrive], committed: int) -> None:
        """These became their vehicles' last statuses, and somebody may listen."""
        self._backlog.offer(statuses, committed)
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
        self._clock_ahead = self._clock() - self._seconds() * 1000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._record)
            while True:
                self._wake = trio.Event()
                try:
                    sleep_s = await self._begin(nursery)
                except StoreBusy:
                    sleep_s = BUSY_S
                with trio.move_on_after(sleep_s):
                    await self._wake.wait()

    async def _begin(self, nursery: trio.Nursery) -> float:
        """Begin what may begin; the seconds until there may be more, unless something happens."""
        now = self._seconds()
        now_ms = self._clock()
        await self._mind_the_clock(now, now_ms)
        if self._held or self._finishing:
            return LONGEST_S
        room = min(self._rules.in_flight_max - self._in_flight, self._pace.allowed(now), BEGIN_MAX)
        if room > 0:
            flights = self._backlog.take(room, now_ms)
            self._pace.began(now, len(flights))
            for flight in flights:
                self._launch(flight, nursery, now)
        waiting = self._backlog.waiting
        self._waiting_since = (self._waiting_since or now) if waiting else None
        if self._in_flight >= self._rules.in_flight_max:
            return LONGEST_S  # until something lands
        if room <= 0:
            return self._pace.ready_in(now)
        if not waiting:
            return max(self._backlog.next_look - now_ms, 10) / 1000
        return 0.001 if self._backlog.walking else 0.0

    def _launch(self, flight: Flight, nursery: trio.Nursery, now: float) -> None:
        self._in_flight += 1
        wait_s = self._devices.wait_s(flight.phone.token, now)
        if wait_s > 0:
            due = self._clock() + int(wait_s * 1000)
            self._settle(flight, "later", "a phone is sent 4,800 messages an hour at most", due=due)
            return
        self._queue.append(flight)
        if self._resting:
            self._resting.unpark()
        elif self._lanes < self._rules.in_flight_max:
            self._lanes += 1
            nursery.start_soon(self._lane)

    async def _lane(self) -> None:
        while True:
            while not self._queue:
                await self._resting.park()
            await self._send(self._queue.popleft())

    async def _send(self, flight: Flight) -> None:
        """One message to the provider, and what its answer means."""
        flight.sent = self._clock()
        if stale := self._not_worth_it(flight):
            self.outcomes["expired"] += 1
            self._failing_since = None
            self._settle(flight, "failed", stale)
            return
        try:
            message_id = await self.pusher.send(self._compose(flight))
        except PushError as error:
            self._refused(flight, error)
        except Exception as error:
            # A push that cannot be made must not end the daemon, which would make it again at the next start.
            log.error("a push failed", vehicle=flight.phone.vehicle, what=flight.what, exc_info=error)
            self._refused(flight, GiveUp(f"evd failed at it ({type(error).__name__}): its log says why"))
        else:
            self.outcomes["sent"] += 1
            self._failing_since = self.trouble = None
            self._pace.answered(self._seconds())
            self._settle(flight, "taken", message_id)

    def _not_worth_it(self, flight: Flight) -> str:
        if flight.event is not None:
            return "expired before it could be sent" if flight.event.expires <= flight.sent else ""
        if flight.state is None:
            return "its vehicle has no status any more"
        return "expired before it could be sent" if self._backlog.is_old(flight.state, flight.sent) else ""

    def _refused(self, flight: Flight, error: PushError) -> None:
        now = self._seconds()
        reason = str(error)
        where = {"vehicle": flight.phone.vehicle, "what": flight.what, "reason": reason}
        if isinstance(error, Unreachable):
            self._pace.unanswered(now)
        else:
            self._pace.answered(now)
        if isinstance(error, RetryAfter):
            self.outcomes["retried"] += 1
            self._failing_since = self._failing_since or now
            if isinstance(error, Pause):
                self._pause(error, now)
            delay = delay_s(flight.attempts, error.delay_s, self._chance())
            log.debug("push later", delay_s=delay, **where)
            self._settle(flight, "later", reason, due=self._clock() + int(delay * 1000), attempts=flight.attempts + 1)
        elif isinstance(error, DropRegistration):
            self.outcomes["registration dropped"] += 1
            self.outcomes["foreign sender"] += isinstance(error, ForeignSender)
            log.info("registration dropped", **where)
            self._settle(flight, "drop", reason)
        else:
            self.outcomes["given up"] += 1
            log.warning("push given up", **where)
            self._settle(flight, "failed", reason)

    def _pause(self, error: Pause, now: float) -> None:
        wait_s = error.delay_s
        if isinstance(error, QuotaExceeded):
            self.outcomes["quota"] += 1
            self._pace.halve(now, wait_s)
        else:
            self._pace.pause(now, wait_s)
        if self.trouble is None or type(self.trouble) is not type(error) or str(self.trouble) != str(error):
            log.error("pushes paused", pusher=self.pusher.name, reason=str(error), delay_s=wait_s)
        self.trouble = error
        self.withdraw()

    def _settle(self, flight: Flight, verdict: Any, said: str, *, due: int = 0, attempts: int | None = None) -> None:
        phone = flight.phone
        outcome = Outcome(
            registration=phone.number,
            outbox=flight.event.number if flight.event else 0,
            vehicle=phone.vehicle,
            token=phone.token,
            kind=phone.kind,
            what=flight.what,
            status_id=flight.event.status_id
            if flight.event
            else flight.state.status_id
            if flight.state
            else phone.given,
            verdict=verdict,
            said=said[:SAID_MAX],
            committed=flight.committed,
            sent=flight.sent,
            at=self._clock(),
            due=due,
            attempts=flight.attempts if attempts is None else attempts,
        )
        self._landed.append((flight, outcome))
        self._land.set()

    async def _record(self) -> None:
        """Write what became of pushes; what comes meanwhile is the next group."""
        while True:
            await self._land.wait()
            group, self._landed = self._landed[:OUTCOMES_MAX], self._landed[OUTCOMES_MAX:]
            if not self._landed:
                self._land = trio.Event()
            await self._write(Outcomes(tuple([outcome for _, outcome in group])))
            for flight, outcome in group:
                self._in_flight -= 1
                self._backlog.landed(flight)
                if outcome.verdict == "later":
                    self._backlog.look_again(outcome.due)
            if not self._in_flight:
                self._idle.set()
            self._wake.set()

    async def _write(self, operation: Outcomes | PutOff) -> None:
        while True:
            try:
                await self._writer.write(operation)
            except Unavailable:
                await trio.sleep(BUSY_S)
            else:
                return

    async def _mind_the_clock(self, now: float, now_ms: int) -> None:
        """A wall clock that was set makes nothing look old for a while, and nothing wait for longer than it would."""
        ahead = now_ms - now * 1000
        if abs(ahead - self._clock_ahead) > JUMP_MS:
            log.warning("the clock was set", seconds=round((ahead - self._clock_ahead) / 1000))
            self._clock_ahead = ahead
            self._lenient_until = now + self._rules.give_up_after_s
            self._backlog.look_again()
        self._backlog.lenient = now < self._lenient_until
        if self._backlog.next_look <= now_ms and self._pending.put_off_beyond(now_ms + DUE_MAX_MS):
            await self._write(PutOff(now_ms + DUE_MAX_MS))
