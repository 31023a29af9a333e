"""Pushes out of the outbox to a provider: at least once, bounded in flight, never in the way of a callback.

The outbox in the database is the queue, so nothing waits in memory but what is being sent; a crash sends that again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Literal

import trio

from evd.clock import Clock, now_ms
from evd.errors import DropRegistration, GiveUp, Pause, RetryAfter, StoreBusy, Unavailable
from evd.log import log
from evd.push import Push, Pusher
from evd.push.retry import delay_s
from evd.store import Operation, PendingPush, PushFailed, PushLater, PushSent, Store
from evd.writer import Writer

BUSY_S = 1.0
"""Until the outbox is read again after another process stood in the way."""

LOOK_EVERY_S = 30.0
"""The longest sleep: a wall clock that jumped must not keep a push waiting for ever."""


MESSAGE_ID_MAX = 200
"""Characters kept of a provider's message id; FCM's has about 60."""


class Dispatcher:
    """One long task, `run`; `wake` after each commit that made pushes.

    `rate_max` is in messages a second; `in_flight_max` bounds what is sent and not answered, which is also the most
    that a crash can send twice.
    """

    def __init__(
        self,
        pusher: Pusher,
        store: Store,
        writer: Writer,
        *,
        in_flight_max: int,
        rate_max: float,
        ttl_s: int,
        priority: Literal["normal", "high"],
        package: str | None,
        clock: Clock = now_ms,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._pusher = pusher
        self._store = store
        self._writer = writer
        self._slots = trio.Semaphore(in_flight_max)
        self._in_flight_max = in_flight_max
        self._gap_s = 1.0 / rate_max
        self._ttl_s = ttl_s
        self._priority: Literal["normal", "high"] = priority
        self._package = package
        self._clock = clock
        self._chance = chance
        self._reading = trio.CapacityLimiter(1)
        self._in_flight: set[int] = set()
        self._next_send = 0.0
        self._paused_until = 0.0
        self._wake = trio.Event()
        self._finishing = False
        self.outcomes: Counter[str] = Counter()
        self.paused_because = ""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    def wake(self) -> None:
        self._wake.set()

    async def finish(self) -> None:
        """Start nothing more, and wait for what is in flight; the caller has the deadline."""
        self._finishing = True
        for _ in range(self._in_flight_max):
            await self._slots.acquire()

    async def run(self) -> None:
        """Send what is due, for ever. Cancelling is safe: rows stay in the outbox until FCM's answer is on disk."""
        async with trio.open_nursery() as nursery:
            while True:
                self._wake = trio.Event()
                sleep_s = await self._send_due(nursery)
                with trio.move_on_after(sleep_s):
                    await self._wake.wait()

    async def _send_due(self, nursery: trio.Nursery) -> float:
        """Start sending all that is due; the seconds until something else will be."""
        while True:
            now = self._clock()
            limit = 2 * self._in_flight_max
            # What was in flight when the rows were read may be finished by the time they are looked at.
            busy = set(self._in_flight)
            try:
                due, later = await trio.to_thread.run_sync(
                    self._store.pending_pushes, now, limit + len(busy), limiter=self._reading
                )
            except StoreBusy:
                return BUSY_S
            fresh = [push for push in due if push.number not in busy]
            if not fresh:
                return LOOK_EVERY_S if later is None else min(max(later - now, 10) / 1000, LOOK_EVERY_S)
            for push in fresh:
                await self._pace()
                await self._slots.acquire()
                if self._finishing:
                    self._slots.release()
                    return LOOK_EVERY_S
                self._in_flight.add(push.number)
                nursery.start_soon(self._send, push)

    async def _pace(self) -> None:
        now = trio.current_time()
        start = max(now, self._next_send, self._paused_until)
        self._next_send = start + self._gap_s
        # A gap below a millisecond is made up by the next push: sleeping costs more than it.
        if start - now > 0.001:
            await trio.sleep(start - now)

    async def _send(self, row: PendingPush) -> None:
        try:
            # Until FCM's answer is on disk the push counts as in flight: it must not be read from the outbox again.
            await self._record(await self._attempt(row))
        finally:
            self._in_flight.discard(row.number)
            self._slots.release()
            self.wake()  # its row may be due again, and its slot is free

    async def _attempt(self, row: PendingPush) -> Operation:
        """One message to the provider; what its answer means for the outbox."""
        now = self._clock()
        if row.expires <= now:
            self.outcomes["expired"] += 1
            return PushFailed(row.number, "expired before it could be sent", now)
        push = Push(
            id=row.number,
            target=row.token,
            serialized=row.serialized,
            status_id=row.status_id,
            ttl_s=self._ttl_s,
            priority=self._priority,
            package=self._package,
            time_ms=row.created,
        )
        try:
            message_id = await self._pusher.send(push)
        except DropRegistration as error:
            self.outcomes["registration dropped"] += 1
            log.info("registration dropped", vehicle=row.vehicle, push=row.number, reason=str(error))
            return PushFailed(row.number, str(error), self._clock(), drop=True)
        except GiveUp as error:
            self.outcomes["given up"] += 1
            log.warning("push given up", vehicle=row.vehicle, push=row.number, reason=str(error))
            return PushFailed(row.number, str(error), self._clock())
        except RetryAfter as error:
            self.outcomes["retried"] += 1
            delay = delay_s(row.attempts, error.delay_s, self._chance())
            if isinstance(error, Pause):
                self._pause(error)
            log.debug("push later", vehicle=row.vehicle, push=row.number, delay_s=delay, reason=str(error))
            return PushLater(row.number, str(error), self._clock() + int(delay * 1000))
        self.outcomes["sent"] += 1
        self.paused_because = ""
        return PushSent(row.number, message_id[:MESSAGE_ID_MAX], self._clock())

    def _pause(self, error: Pause) -> None:
        self._paused_until = max(self._paused_until, trio.current_time() + error.delay_s)
        if str(error) != self.paused_because:
            self.paused_because = str(error)
            log.error("pushes paused", pusher=self._pusher.name, reason=str(error), delay_s=error.delay_s)

    async def _record(self, operation: Operation) -> None:
        while True:
            try:
                await self._writer.write(operation)
            except Unavailable:
                await trio.sleep(1)
            else:
                return
