"""Runs evd.events.rules beside the callbacks: looks at each new last status that somebody may want to hear of.

Memory may forget: a walk through the vehicles that somebody wants to hear of steps each with its last status, at the
start, every few minutes, and when more was offered than there is room for. Events are recorded in one transaction with
what is remembered of them, and to step with the same status again changes nothing; so a crash, a full queue or a full
disk costs at most what only the statuses between showed, and nothing is told twice.
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
"""Statuses looked at in one go: some 2 ms of the loop, and as many operations of the writer at most."""

PAGE = 64
"""Vehicles of the walk looked at in one go: some 5 ms of the loop."""

REST = 4
"""The walk rests so many times as long as it works: it takes a fifth of the loop at most."""

WALK_EVERY_S = 300.0
"""Silences are found that much later; a walk of 10,000 vehicles takes some seconds."""

RETRY_S = 1.0
"""Until what could not be read or written is tried again."""

JUMP_MS = 60_000
"""A wall clock that gains or loses more on the other one was set, or the machine slept."""

SHORT_STOP_MS = 15 * 60_000
"""Of evd: the statuses of a longer one may be lost, so nobody's silence counts from before it."""


def listening_since(last_alive: int | None, before: int | None, now: int) -> int:
    """From when on silences count, where evd took callbacks last at `last_alive`; epoch ms.

    `before` is what this said at the start before.
    """
    short = last_alive is not None and 0 <= now - last_alive <= SHORT_STOP_MS
    return before or 0 if short else now


class KnownVehicle:
    """What memory holds of a vehicle; `settings` is None where they are to be read anew.

    `sample` is the last one that was seen; None: the ring is to be asked what came before.
    """

    __slots__ = ("memory", "sample", "settings")

    def __init__(self, memory: VehicleMemory, settings: VehicleEventSettings) -> None:
        self.memory = memory
        self.settings: VehicleEventSettings | None = settings
        self.sample: Sample | None = None


class EventEngine:
    """One long task, `run`. It observes each commit by `committed`, which costs next to nothing.

    `queue_max` bounds the statuses that wait to be looked at, `memories_max` the vehicles that are held in memory.
    `listening_since` is when evd began to listen (epoch ms); 0: it did before. `self_told` says which apps tell an
    event themselves.
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
        """Vehicles of which somebody began to want to hear."""
        self._known: dict[str, KnownVehicle] = {}  # the one that was used longest ago comes first
        self._unconfirmed: list[tuple[int, str]] = []
        """A heap of (epoch ms, vehicle): when it is told what no second reading came for. The walk finds it, too."""
        self._unwritten: dict[str, RecordEvents] = {}
        """Vehicle → what memory says already and the table does not."""
        self._walk_after = ""
        self._forgot = False
        """Something did not fit, or could not be read, since the walk began."""
        self._page_at = 0.0
        self._clock_ahead = 0.0
        self._wake = trio.Event()
        self.recorded: Counter[str] = Counter()
        """Kind → events since the start."""
        self.walks = 0
        """Walks that were finished."""

    @property
    def waiting(self) -> int:
        """Statuses to look at."""
        return len(self._queue)

    @property
    def behind(self) -> bool:
        """Whether there is more to do now than to wait for the next walk."""
        return bool(self._queue or self._looks or self._unwritten or self._forgot or self._walk_after)

    def state(self) -> EventsState:
        """For statistics."""
        return EventsState(waiting=self.waiting, recorded=dict(self.recorded))

    def committed(self, summary: CommitSummary) -> None:
        """Keep what is to be looked at; the settings of alerts that were set are read anew."""
        self._offer(summary.newest)
        for vehicle in summary.alerts_set:
            if known := self._known.get(vehicle):
                known.settings = None
        for vehicle in summary.attended:
            self._attend(vehicle)

    def _offer(self, arrivals: Iterable[Arrive]) -> None:
        """Where the queue is full, the walk finds the last status of each vehicle."""
        heard, queue = self._listeners.of(arrivals), self._queue
        room = self._queue_max - len(queue)
        if len(heard) > room:
            self._forgot = True
            del heard[room:]
        queue.extend(heard)
        if queue:
            self._wake.set()

    def close(self) -> None:
        """After `run`."""
        self._watched.close()

    def _attend(self, vehicle: str) -> None:
        self._listeners.add(vehicle)
        if len(self._looks) < self._queue_max:
            self._looks.append(vehicle)
        else:
            self._forgot = True
        self._wake.set()

    async def run(self) -> None:
        """Look at what comes, for ever. Cancelling is safe: the next start finds what was not recorded."""
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
        """Look at some of the statuses that wait, and at a page of the walk if it is time for one."""
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
        """Step with the vehicle's last status, unless that was seen, and see whether it has been silent for long."""
        last = self._watched.last_of(vehicle)
        if last is None:
            return
        known = self._known.get(vehicle) or self._load(vehicle)  # a walk must not drive out what is in use
        if last.time > known.memory.time:
            self._see(vehicle, known, last, now)
        self._settle(vehicle, known, now)
        self._listen(vehicle, known, last, now)

    def _see(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        before, sample, settings = known.memory, _sample(last), self._settings(vehicle, known)
        known.memory, events = alerts.step(settings, before, sample, known.sample)
        if known.sample is None and before.time and memories.worth_keeping(before, known.memory):
            # Only of what changes something the ring is asked what came before.
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
        """Tell what no second reading came for."""
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
        """Until something is told without a second reading."""
        return (self._unconfirmed[0][0] - self._clock()) / 1000 if self._unconfirmed else inf

    def _listen(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        settings = self._settings(vehicle, known)
        silent_at_least_ms = alerts.SILENT_AT_LEAST_MS if settings.silent_after_h is None else 0
        silent_ms = now - max(last.received, self._since)
        if silent_ms <= silent_at_least_ms or known.memory.silent_since is not None:
            return  # which spares most vehicles the look into their rings
        received = self._watched.received_of(vehicle)  # also after the last: its clock may have run ahead
        heard = max([last.received, *received])
        usual_ms = alerts.usual_gap_ms(received)
        known.memory, events = alerts.overdue(
            settings, known.memory, received=heard, since=self._since, usual_ms=usual_ms, now=now
        )
        if events:
            heard_last = {"time": last.time, "status_id": last.status_id}
            self._record(vehicle, known.memory, [one._replace(samples=[heard_last, None]) for one in events], now)

    def _record(self, vehicle: str, memory: VehicleMemory, events: Sequence[Event], now: int) -> None:
        """One operation a vehicle, or what is tried again could write an older memory over a newer one."""
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
        """What is known of the vehicle; the one that was used longest ago makes room."""
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
        """Nobody was silent while the clock jumped, or the machine slept."""
        ahead = now - now_s * 1000
        if abs(ahead - self._clock_ahead) > JUMP_MS:
            self._clock_ahead = ahead
            self._since = now

    async def _write(self) -> None:
        """Until all is on disk; meanwhile what comes waits, and what does not fit is found by the walk."""
        while self._unwritten:
            await self._try(list(self._unwritten.values()))
            if self._unwritten:
                await trio.sleep(RETRY_S)

    async def _try(self, operations: Sequence[RecordEvents]) -> None:
        """What cannot be written now, because evd is too busy or the disk is full, stays unwritten."""
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
