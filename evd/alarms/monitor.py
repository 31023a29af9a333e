"""The task that evaluates the alarms every few seconds, and the tasks that notify the operator.

Each way of notification has a task of its own, which keeps the newest change of each alarm until it is delivered.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import trio

from evd.alarms.readings import Readings
from evd.alarms.state import AlarmChange, AlarmMemory, Alarms
from evd.clock import Clock, now_ms
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError
from evd.log.logger import log
from evd.model.daemon_state import StandingAlarm
from evd.net.client.retry_delay import delay_s

EVERY_S = 5.0
"""Between two evaluations: alarms develop within minutes, and an evaluation takes some 50 µs."""

KEEP_EVERY_S = 60.0
"""Between two writes of the memory while nothing changes: so much of a silence is forgotten by a kill."""

MEMORY_MAX = 65_536
"""Bytes of the memory's file; ten alarms take some 5,000."""

Send = Callable[[AlarmChange, int], Awaitable[None]]
"""Notifies the operator of a change, with the current time (epoch ms). Raises AlarmError."""


class AlarmSender(Protocol):
    """A way to notify the operator."""

    name: str

    async def send(self, change: AlarmChange, now: int) -> None:
        """Raises AlarmError."""
        ...

    async def aclose(self) -> None: ...


class BlockingSender(Protocol):
    """A way whose library blocks."""

    @property
    def name(self) -> str: ...

    def send(self, change: AlarmChange, now: int) -> None:
        """Raises AlarmError."""
        ...


class InThread:
    """A way that blocks, one message at a time, each in a thread; a thread that does not end in time is abandoned."""

    def __init__(self, way: BlockingSender) -> None:
        self.name = way.name
        self._way = way
        self._limiter = trio.CapacityLimiter(1)

    async def send(self, change: AlarmChange, now: int) -> None:
        await trio.to_thread.run_sync(self._way.send, change, now, abandon_on_cancel=True, limiter=self._limiter)

    async def aclose(self) -> None:
        """Nothing is kept open."""


class Notifier:
    """Notifies by one way: retries the newest change of each alarm until it is delivered; logs a failing way once."""

    def __init__(
        self,
        sender: AlarmSender,
        *,
        timeout_s: float,
        clock: Clock = now_ms,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sender = sender
        self._timeout_s = timeout_s
        self._clock = clock
        self._chance = chance
        self._pending: dict[str, AlarmChange] = {}
        self._news = trio.Event()
        self._failures = 0

    @property
    def name(self) -> str:
        return self._sender.name

    @property
    def pending(self) -> list[AlarmChange]:
        return list(self._pending.values())

    def offer(self, change: AlarmChange) -> None:
        self._pending[change.name] = change
        self._news.set()

    async def run(self) -> None:
        """Deliver changes until cancelled, which is safe."""
        try:
            while True:
                while self._pending:
                    await self._notify_next()
                self._news = trio.Event()
                await self._news.wait()
        finally:
            with trio.move_on_after(1, shield=True):
                await self._sender.aclose()

    async def _notify_next(self) -> None:
        name, change = next(iter(self._pending.items()))
        try:
            with trio.fail_after(self._timeout_s):
                await self._sender.send(change, self._clock())
        except trio.TooSlowError:
            await self._failed(name, f"no answer within {self._timeout_s:g} s")
        except AlarmError as error:
            await self._failed(name, str(error))
        except Exception as error:
            # Any fault of a mail library: it must not stop the daemon.
            log.error("an alarm could not be sent because of an internal error", way=self._sender.name, exc_info=error)
            await self._failed(name, type(error).__name__)
        else:
            self._failures = 0
            if self._pending[name] is change:
                del self._pending[name]

    async def _failed(self, name: str, reason: str) -> None:
        if not self._failures:
            log.warning(
                "alarms cannot be delivered to the operator; evd keeps trying", way=self._sender.name, reason=reason
            )
        self._pending[name] = self._pending.pop(name)  # behind the others: perhaps only this one is refused
        delay = delay_s(self._failures, 0.0, self._chance())
        self._failures += 1
        await trio.sleep(delay)


class AlarmMonitor:
    """`read` returns the readings at a time (epoch ms); `memory` is the file that survives restarts."""

    def __init__(
        self,
        settings: AlarmSettings,
        read: Callable[[int], Readings],
        memory: Path,
        senders: Sequence[AlarmSender] = (),
        *,
        clock: Clock = now_ms,
    ) -> None:
        self._read = read
        self._file = memory
        self._clock = clock
        self._notifiers = [Notifier(sender, timeout_s=settings.timeout_s, clock=clock) for sender in senders]
        self._alarms = Alarms(settings, load(memory))
        for notifier in self._notifiers:  # what the previous process could not deliver
            for change in self._alarms.memory.pending.get(notifier.name, ()):
                notifier.offer(change)
        self._unwritable = False

    @property
    def standing(self) -> list[StandingAlarm]:
        """For /readyz and metrics."""
        return [
            StandingAlarm(name=name, severity=one.severity, since=one.since, sentence=one.sentence)
            for name, one in self._alarms.standing.items()
        ]

    async def run(self) -> None:
        """Evaluate, log and notify until cancelled, which is safe."""
        async with trio.open_nursery() as nursery:
            for notifier in self._notifiers:
                nursery.start_soon(notifier.run)
            keep_at = 0.0
            try:
                while True:
                    if self.step() or trio.current_time() >= keep_at:
                        self._keep()
                        keep_at = trio.current_time() + KEEP_EVERY_S
                    await trio.sleep(EVERY_S)
            finally:
                self._keep()

    def step(self) -> list[AlarmChange]:
        """One evaluation."""
        changes = self._alarms.step(self._read(self._clock()))
        for change in changes:
            write = log.info if change.state == "cleared" else log.error
            write("alarm", alarm=change.name, state=change.state, severity=change.severity, text=change.text)
            for notifier in self._notifiers:
                notifier.offer(change)
        return changes

    def _keep(self) -> None:
        self._alarms.memory.pending = {one.name: one.pending for one in self._notifiers if one.pending}
        try:
            keep(self._file, self._alarms.memory)
        except OSError as error:
            if not self._unwritable:
                log.warning("a restart will forget alarms: their file cannot be written", reason=error.strerror)
            self._unwritable = True
        else:
            self._unwritable = False


def load(path: Path) -> AlarmMemory:
    """The memory in the file; an empty one if there is no file or it has other content."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MEMORY_MAX), type=AlarmMemory)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return AlarmMemory()


def keep(path: Path, memory: AlarmMemory) -> None:
    """Write the memory. Not synced: a power failure loses a minute of a silence at most. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.encode(memory))
    fresh.replace(path)
