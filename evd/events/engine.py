"""Runs evd.events.rules beside the callbacks, on each new last status of a vehicle whose events are wanted.

The queue in memory may lose statuses: a walk through these vehicles evaluates the last status of each one, at the
start, every few minutes, and after more was offered than the queue holds. Events are recorded in one transaction with
the rules' memory, and to evaluate the same status again changes nothing. So a crash, a full queue or a full disk loses
at most what only the statuses between showed, and no event is repeated.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from math import inf

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.errors import EvdError, StoreBusy, Unavailable
from evd.events import memory as memories
from evd.events import rules as alerts
from evd.events.memory import VehicleMemory
from evd.events.rules import VehicleEventSettings
from evd.events.samples import Event, Sample
from evd.log.logger import log
from evd.model.commits import CommitSummary
from evd.model.daemon_state import EventsState
from evd.model.json_bytes import json_bytes
from evd.model.listeners import Listeners
from evd.model.operations import Arrive, Client, NewEvent, RecordEvents
from evd.model.status import Status
from evd.store.protocols import EventState
from evd.store.receipt import Receipt
from evd.store.writer import Writer

BATCH = 128
"""Statuses evaluated in one step: some 2 ms of the loop, and at most as many operations of the writer."""

PAGE = 64
"""Vehicles of the walk evaluated in one step: some 5 ms of the loop."""

REST = 4
"""The walk rests so many times as long as it works: it takes a fifth of the loop at most."""

WALK_EVERY_S = 300.0
"""Silences are found with this delay; a walk of 10,000 vehicles takes some seconds."""

RETRY_S = 1.0
"""Until what could not be read or written is retried."""

JUMP_MS = 60_000
"""If the wall clock gains or loses more on the monotonic one, it was set, or the machine was suspended."""

SHORT_STOP_MS = 15 * 60_000
"""During a longer stop of evd statuses may be lost, so silences count only from its end."""


def listening_since(last_alive: int | None, before: int | None, now: int) -> int:
    """From when on silences count, if evd last took callbacks at `last_alive`; epoch ms.

    `before` is the result at the previous start.
    """
    short = last_alive is not None and 0 <= now - last_alive <= SHORT_STOP_MS
    return before or 0 if short else now


class KnownVehicle:
    """The cached state of a vehicle; `settings` is None if they must be read again.

    `sample` is the last one that was evaluated; None: the previous one must be read from the ring.
    """

    __slots__ = ("memory", "sample", "settings")

    def __init__(self, memory: VehicleMemory, settings: VehicleEventSettings) -> None:
        self.memory = memory
        self.settings: VehicleEventSettings | None = settings
        self.sample: Sample | None = None


class EventEngine:
    """One long task, `run`. It observes each commit by `committed`, which costs very little.

    `queue_max` bounds the statuses that wait, `memories_max` the vehicles that are cached. `listening_since` is when
    evd began to listen (epoch ms); 0: always. `self_told` returns the apps that show an event by themselves.
    """

    def __init__(
        self,
        watched: EventState,
        writer: Writer,
        *,
        queue_max: int,
        memories_max: int,
        listening_since: int = 0,
        clock: Clock = now_ms,
        self_told: Callable[[Event], tuple[Client, ...]] = lambda event: (),
    ) -> None:
        self._watched = watched
        self._writer = writer
        self._queue_max = queue_max
        self._memories_max = memories_max
        self._since = listening_since
        self._clock = clock
        self._self_told = self_told
        self._listeners = Listeners()
        self._queue: deque[Arrive] = deque()
        self._looks: deque[str] = deque()
        """Vehicles whose events began to be wanted."""
        self._known: dict[str, KnownVehicle] = {}  # the least recently used one first
        self._unconfirmed: list[tuple[int, str]] = []
        """A heap of (epoch ms, vehicle): when the wait for a second reading ends. The walk finds these, too."""
        self._unwritten: dict[str, RecordEvents] = {}
        """Vehicle → what is in memory and not yet in the database."""
        self._walk_after = ""
        self._forgot = False
        """Something did not fit into the queue, or could not be read, since the walk began."""
        self._page_at = 0.0
        self._clock_ahead = 0.0
        self._wake = trio.Event()
        self.recorded: Counter[str] = Counter()
        """Kind → events since the start."""
        self.walks = 0
        """Finished walks."""

    @property
    def waiting(self) -> int:
        """Statuses in the queue."""
        return len(self._queue)

    @property
    def behind(self) -> bool:
        """Whether there is work to do before the next walk."""
        return bool(self._queue or self._looks or self._unwritten or self._forgot or self._walk_after)

    def state(self) -> EventsState:
        """For statistics."""
        return EventsState(waiting=self.waiting, recorded=dict(self.recorded))

    def committed(self, summary: CommitSummary) -> None:
        """Queue the new last statuses; event settings that were changed will be read again."""
        self._offer(summary.newest)
        for vehicle in summary.alerts_set:
            if known := self._known.get(vehicle):
                known.settings = None
        for vehicle in summary.attended:
            self._attend(vehicle)

    def _offer(self, arrivals: Iterable[Arrive]) -> None:
        """If the queue is full, the walk will find the last status of each vehicle."""
        heard, queue = self._listeners.of(arrivals), self._queue
        room = self._queue_max - len(queue)
        if len(heard) > room:
            self._forgot = True
            del heard[room:]
        queue.extend(heard)
        if queue:
            self._wake.set()

    def close(self) -> None:
        """To be called after `run`."""
        self._watched.close()

    def _attend(self, vehicle: str) -> None:
        self._listeners.add(vehicle)
        if len(self._looks) < self._queue_max:
            self._looks.append(vehicle)
        else:
            self._forgot = True
        self._wake.set()

    async def run(self) -> None:
        """Evaluate statuses until cancelled, which is safe: the next start finds what was not recorded."""
        self._clock_ahead = self._clock() - trio.current_time() * 1000
        while True:
            self._wake = trio.Event()
            try:
                self._turn()
            except StoreBusy:
                self._forgot = True
                self._page_at = trio.current_time() + RETRY_S
            await self._write()
            if self._queue or self._looks:
                await trio.lowlevel.checkpoint()
                continue
            with trio.move_on_after(max(min(self._page_at - trio.current_time(), self._confirm_in_s()), 0)):
                await self._wake.wait()

    def _turn(self) -> None:
        """Evaluate some of the queued statuses, and a page of the walk if it is due."""
        now = self._clock()
        for _ in range(min(len(self._queue), BATCH)):
            arrival = self._queue.popleft()
            self._see(arrival.vehicle, self._remember(arrival.vehicle), arrival, now)
        for _ in range(min(len(self._looks), PAGE)):
            self._look(self._looks.popleft(), now)
        for _ in range(PAGE):
            if not self._unconfirmed or self._unconfirmed[0][0] > now:
                break
            vehicle = heappop(self._unconfirmed)[1]
            self._settle(vehicle, self._remember(vehicle), now)
        if self._forgot and not self._walk_after:
            self._page_at = 0.0
        if trio.current_time() >= self._page_at:
            self._page(now)

    def _page(self, now: int) -> None:
        began = trio.current_time()
        self._detect_clock_jump(began, now)
        if not self._walk_after:
            self._forgot = False
        page = self._watched.vehicles_after(self._walk_after, PAGE)
        for vehicle in page:
            self._listeners.add(vehicle)
            self._look(vehicle, now)
        ended = len(page) < PAGE
        self._walk_after = "" if ended else page[-1]
        self.walks += ended
        now_s = trio.current_time()
        self._page_at = now_s + (WALK_EVERY_S if ended and not self._forgot else REST * (now_s - began))

    def _look(self, vehicle: str, now: int) -> None:
        """Evaluate the vehicle's last status, unless that was done, and how long the vehicle has been silent."""
        last = self._watched.last_of(vehicle)
        if last is None:
            return
        known = self._known.get(vehicle) or self._load(vehicle)  # a walk must not evict what is in use
        if last.time > known.memory.time:
            self._see(vehicle, known, last, now)
        self._settle(vehicle, known, now)
        self._listen(vehicle, known, last, now)

    def _see(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        before, sample, settings = known.memory, _sample(last), self._settings(vehicle, known)
        known.memory, events = alerts.step(settings, before, sample, known.sample)
        if known.sample is None and before.time and memories.worth_keeping(before, known.memory):
            # The previous sample is read from the ring only if the status changes something.
            known.memory, events = alerts.step(settings, before, sample, self._sample_before(vehicle, sample))
        if sample.time >= before.time:
            known.sample = sample
        if events or memories.worth_keeping(before, known.memory):
            self._record(vehicle, known.memory, events, now)
            self._confirm_later(vehicle, known.memory)

    def _sample_before(self, vehicle: str, sample: Sample) -> Sample | None:
        last = self._watched.previous_of(vehicle, sample.time, sample.status_id)
        return _sample(last) if last else None

    def _settle(self, vehicle: str, known: KnownVehicle, now: int) -> None:
        """Record the events whose wait for a second reading has ended."""
        known.memory, events = alerts.settle(known.memory, now)
        if events:
            self._record(vehicle, known.memory, [one for one in events if not self._is_off(vehicle, known, one)], now)
        self._confirm_later(vehicle, known.memory)

    def _is_off(self, vehicle: str, known: KnownVehicle, event: Event) -> bool:
        return event.kind in self._settings(vehicle, known).off

    def _confirm_later(self, vehicle: str, memory: VehicleMemory) -> None:
        at = alerts.settles_at(memory)
        if at is not None and len(self._unconfirmed) < self._queue_max and (at, vehicle) not in self._unconfirmed[:1]:
            heappush(self._unconfirmed, (at, vehicle))

    def _confirm_in_s(self) -> float:
        """Seconds until the next wait for a second reading ends."""
        return (self._unconfirmed[0][0] - self._clock()) / 1000 if self._unconfirmed else inf

    def _listen(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        settings = self._settings(vehicle, known)
        silent_at_least_ms = alerts.SILENT_AT_LEAST_MS if settings.silent_after_h is None else 0
        silent_ms = now - max(last.received, self._since)
        if silent_ms <= silent_at_least_ms or known.memory.silent_since is not None:
            return  # so most vehicles need no read of their rings
        received = self._watched.received_of(vehicle)  # also later than the last status, whose clock may have run ahead
        heard = max([last.received, *received])
        usual_ms = alerts.usual_gap_ms(received)
        known.memory, events = alerts.overdue(
            settings, known.memory, received=heard, since=self._since, usual_ms=usual_ms, now=now
        )
        if events:
            heard_last = {"time": last.time, "status_id": last.status_id}
            self._record(vehicle, known.memory, [one._replace(samples=[heard_last, None]) for one in events], now)

    def _record(self, vehicle: str, memory: VehicleMemory, events: Sequence[Event], now: int) -> None:
        """One operation for each vehicle: otherwise a retry could overwrite a newer memory with an older one."""
        self.recorded.update(event.kind for event in events)
        new = tuple([self._new(event) for event in events])
        earlier = self._unwritten.get(vehicle)
        if earlier is not None:
            new = earlier.events + new
        self._unwritten[vehicle] = RecordEvents(vehicle, memories.stored(memory), new, now)

    def _new(self, event: Event) -> NewEvent:
        shown = event.samples[-1] if event.samples else None
        status_id = str(shown["status_id"]) if shown else ""
        samples = json_bytes(list(event.samples))
        return NewEvent(event.kind, event.time, status_id, json_bytes(event.details), samples, self._self_told(event))

    def _remember(self, vehicle: str) -> KnownVehicle:
        """The cached state of the vehicle; the least recently used one is evicted."""
        known = self._known.pop(vehicle, None)
        if known is None:
            known = self._load(vehicle)
            if len(self._known) >= self._memories_max:
                del self._known[next(iter(self._known))]
        self._known[vehicle] = known
        return known

    def _load(self, vehicle: str) -> KnownVehicle:
        state, settings = self._watched.alerts_of(vehicle)
        return KnownVehicle(memories.remembered(state), alerts.read(settings))

    def _settings(self, vehicle: str, known: KnownVehicle) -> VehicleEventSettings:
        if known.settings is None:
            known.settings = alerts.read(self._watched.alerts_of(vehicle)[1])
        return known.settings

    def _detect_clock_jump(self, now_s: float, now: int) -> None:
        """After the clock jumped, or the machine was suspended, silences count only from now on."""
        ahead = now - now_s * 1000
        if abs(ahead - self._clock_ahead) > JUMP_MS:
            self._clock_ahead = ahead
            self._since = now

    async def _write(self) -> None:
        """Write until all is on disk; meanwhile statuses queue, and the walk finds those that do not fit."""
        while self._unwritten:
            await self._try(list(self._unwritten.values()))
            if self._unwritten:
                await trio.sleep(RETRY_S)

    async def _try(self, operations: Sequence[RecordEvents]) -> None:
        """Try to write; what cannot be written now, because evd is too busy or the disk is full, stays in memory."""
        receipts: list[tuple[RecordEvents, Receipt]] = []
        for operation in operations:
            with suppress(Unavailable):
                receipts.append((operation, self._writer.submit(operation)))
        for operation, receipt in receipts:
            try:
                await receipt.wait()
            except Unavailable:
                continue
            except EvdError as error:
                log.error("events could not be recorded", vehicle=operation.vehicle, reason=str(error))
            del self._unwritten[operation.vehicle]


def _sample(last: Status) -> Sample:
    return Sample(last.time, orjson.loads(last.fields), last.received, last.status_id)
