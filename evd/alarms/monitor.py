"""The task that looks every few seconds what alarms, and those that tell the operator: in nobody's way.

Each way of telling has a task of its own, which holds the newest change of each alarm until it is told.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
import trio

from evd.alarms.rules import Readings
from evd.alarms.state import AlarmChange, AlarmMemory, Alarms
from evd.clock import Clock, now_ms
from evd.config.settings import AlarmSettings
from evd.errors import AlertError
from evd.log.logger import log
from evd.model.daemon_state import StandingAlarm
from evd.net.client.backoff import delay_s

if TYPE_CHECKING:
    from evd.alarms.mail import AlarmMail

EVERY_S = 5.0
"""Between two looks: an alarm is a matter of minutes, a look takes some 50 µs."""

KEEP_EVERY_S = 60.0
"""Between two writes of the memory while nothing changes: what a kill may make evd forget of a silence."""

MEMORY_MAX = 65_536
"""Bytes of its file; ten alarms are some 5,000."""

Send = Callable[[AlarmChange, int], Awaitable[None]]
"""Tells the operator of a change, at the time it is told (epoch ms). Raises AlertError."""


class AlarmSender(Protocol):
    """A way to tell the operator."""

    name: str

    async def send(self, change: AlarmChange, now: int) -> None:
        """Raises AlertError."""
        ...

    async def aclose(self) -> None: ...


class MailInThread:
    """`AlarmMail`, one message at a time, each in a thread; one that does not end in time is left behind."""

    def __init__(self, mail: AlarmMail) -> None:
        self.name = mail.name
        self._mail = mail
        self._limiter = trio.CapacityLimiter(1)

    async def send(self, change: AlarmChange, now: int) -> None:
        await trio.to_thread.run_sync(self._mail.send, change, now, abandon_on_cancel=True, limiter=self._limiter)

    async def aclose(self) -> None:
        """Nothing is kept open."""


class Notifier:
    """Tells by one way: the newest change of each alarm, until it is told; a failing way is logged once."""

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
        self._untold: dict[str, AlarmChange] = {}
        self._news = trio.Event()
        self._failures = 0

    @property
    def name(self) -> str:
        return self._sender.name

    @property
    def pending(self) -> list[AlarmChange]:
        return list(self._untold.values())

    def tell(self, change: AlarmChange) -> None:
        self._untold[change.name] = change
        self._news.set()

    async def run(self) -> None:
        """Tell what there is to tell, for ever. Cancelling is safe."""
        try:
            while True:
                while self._untold:
                    await self._notify_next()
                self._news = trio.Event()
                await self._news.wait()
        finally:
            with trio.move_on_after(1, shield=True):
                await self._sender.aclose()

    async def _notify_next(self) -> None:
        name, change = next(iter(self._untold.items()))
        try:
            with trio.fail_after(self._timeout_s):
                await self._sender.send(change, self._clock())
        except trio.TooSlowError:
            await self._failed(name, f"no answer within {self._timeout_s:g} s")
        except AlertError as error:
            await self._failed(name, str(error))
        except Exception as error:
            # Whatever a mail library trips over: callbacks must not stop for it.
            log.error("telling the operator failed", way=self._sender.name, exc_info=error)
            await self._failed(name, type(error).__name__)
        else:
            self._failures = 0
            if self._untold[name] is change:
                del self._untold[name]

    async def _failed(self, name: str, reason: str) -> None:
        if not self._failures:
            log.warning(
                "the operator cannot be told of alarms, evd goes on trying", way=self._sender.name, reason=reason
            )
        self._untold[name] = self._untold.pop(name)  # behind the others: it may be the only one that is refused
        delay = delay_s(self._failures, 0.0, self._chance())
        self._failures += 1
        await trio.sleep(delay)


class AlarmMonitor:
    """`read` gives the readings at a time (epoch ms), `memory` is the file that outlives the process."""

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
        self._tellers = [Notifier(sender, timeout_s=settings.timeout_s, clock=clock) for sender in senders]
        self._alarms = Alarms(settings, load(memory))
        for teller in self._tellers:  # what the process before could not tell any more
            for change in self._alarms.memory.pending.get(teller.name, ()):
                teller.tell(change)
        self._unwritable = False

    @property
    def standing(self) -> list[StandingAlarm]:
        """For /readyz and metrics."""
        return [
            StandingAlarm(name=name, severity=one.severity, since=one.since, sentence=one.sentence)
            for name, one in self._alarms.standing.items()
        ]

    async def run(self) -> None:
        """Look, log and tell, for ever. Cancelling is safe."""
        async with trio.open_nursery() as nursery:
            for teller in self._tellers:
                nursery.start_soon(teller.run)
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
        """One look."""
        changes = self._alarms.step(self._read(self._clock()))
        for change in changes:
            say = log.info if change.state == "cleared" else log.error
            say("alarm", alarm=change.name, state=change.state, severity=change.severity, text=change.text)
            for teller in self._tellers:
                teller.tell(change)
        return changes

    def _keep(self) -> None:
        self._alarms.memory.pending = {teller.name: teller.pending for teller in self._tellers if teller.pending}
        try:
            keep(self._file, self._alarms.memory)
        except OSError as error:
            if not self._unwritable:
                log.warning("alarms are forgotten at a restart: their file cannot be written", reason=error.strerror)
            self._unwritable = True
        else:
            self._unwritable = False


def load(path: Path) -> AlarmMemory:
    """An empty one where there is none, or one that something else wrote."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MEMORY_MAX), type=AlarmMemory)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return AlarmMemory()


def keep(path: Path, memory: AlarmMemory) -> None:
    """Not synced: what a power failure takes is a minute of a silence. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(msgspec.json.encode(memory))
    fresh.replace(path)
