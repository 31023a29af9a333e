"""Runs evd.events.rules beside the callbacks: looks at each new last status that somebody may want to hear of.

Memory may forget: a walk through the vehicles that somebody wants to hear of steps each with its last status, at the
start, every few minutes, and when more was offered than there is room for. Events are recorded in one transaction with
what is remembered of them, and to step with the same status again changes nothing; so a crash, a full queue or a full
disk costs at most what only the statuses between showed, and nothing is told twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.errors import StoreBusy
from evd.events import memory as memories
from evd.events import rules
from evd.events.confirmation_queue import ConfirmationQueue
from evd.events.known_vehicles import KnownVehicle, KnownVehicles
from evd.events.listening import ListeningTime
from evd.events.recorder import RETRY_S, EventRecorder
from evd.events.samples import Event, Sample
from evd.events.walk import PAGE, Walk
from evd.model.commits import CommitSummary
from evd.model.daemon_state import EventsState
from evd.model.listeners import Listeners
from evd.model.operations import Arrive, Client
from evd.model.status import Status
from evd.store.protocols import EventState
from evd.store.writer import Writer

BATCH = 128
"""Statuses looked at in one go: some 2 ms of the loop, and as many operations of the writer at most."""


class EventEngine:
    """One long task, `run`. It observes each commit by `committed`, which costs next to nothing.

    `queue_max` bounds the statuses that wait to be looked at, `memories_max` the vehicles that are held in memory.
    `listening_since` is when evd began to listen (epoch ms); 0: it did before. `self_told` says which apps tell an
    event themselves.
    """

    def __init__(
        self,
        state: EventState,
        writer: Writer,
        *,
        queue_max: int,
        memories_max: int,
        listening_since: int = 0,
        clock: Clock = now_ms,
        self_told: Callable[[Event], tuple[Client, ...]] = lambda event: (),
    ) -> None:
        self._state = state
        self._clock = clock
        self._listeners = Listeners()
        self._queue: deque[Arrive] = deque()
        self._looks: deque[str] = deque()
        """Vehicles of which somebody began to want to hear."""
        self._queue_max = queue_max
        self._wake = trio.Event()
        self._vehicles = KnownVehicles(state, memories_max)
        self._recorder = EventRecorder(writer, self_told)
        self._confirmations = ConfirmationQueue(queue_max)
        self._listening = ListeningTime(listening_since)
        self._walk = Walk()

    @property
    def waiting(self) -> int:
        """Statuses to look at."""
        return len(self._queue)

    @property
    def walks(self) -> int:
        """Walks that were finished."""
        return self._walk.finished

    @property
    def behind(self) -> bool:
        """Whether there is more to do now than to wait for the next walk."""
        return bool(self._queue or self._looks) or self._recorder.behind or self._walk.behind

    def state(self) -> EventsState:
        """For statistics."""
        return EventsState(waiting=self.waiting, recorded=dict(self._recorder.recorded))

    def committed(self, summary: CommitSummary) -> None:
        """Keep what is to be looked at; the settings of alerts that were set are read anew."""
        self._offer(summary.newest)
        for vehicle in summary.alerts_set:
            self._vehicles.settings_changed(vehicle)
        for vehicle in summary.attended:
            self._attend(vehicle)

    def close(self) -> None:
        """After `run`."""
        self._state.close()

    async def run(self) -> None:
        """Look at what comes, for ever. Cancelling is safe: the next start finds what was not recorded."""
        self._listening.set_clock(trio.current_time(), self._clock())
        while True:
            self._wake = trio.Event()
            try:
                self._turn()
            except StoreBusy:
                self._walk.failed(again_at_s=trio.current_time() + RETRY_S)
            await self._recorder.write()  # meanwhile what comes waits, and what does not fit is found by the walk
            if self._queue or self._looks:
                await trio.lowlevel.checkpoint()
                continue
            until_page_s = self._walk.page_at - trio.current_time()
            with trio.move_on_after(max(min(until_page_s, self._confirmations.due_in_s(self._clock())), 0)):
                await self._wake.wait()

    def _offer(self, arrivals: Iterable[Arrive]) -> None:
        """Where the queue is full, the walk finds the last status of each vehicle."""
        heard, queue = self._listeners.of(arrivals), self._queue
        room = self._queue_max - len(queue)
        if len(heard) > room:
            self._walk.forgot = True
            del heard[room:]
        queue.extend(heard)
        if queue:
            self._wake.set()

    def _attend(self, vehicle: str) -> None:
        self._listeners.add(vehicle)
        if len(self._looks) < self._queue_max:
            self._looks.append(vehicle)
        else:
            self._walk.forgot = True
        self._wake.set()

    def _turn(self) -> None:
        """Look at some of the statuses that wait, and at a page of the walk if it is time for one."""
        now = self._clock()
        for _ in range(min(len(self._queue), BATCH)):
            arrival = self._queue.popleft()
            self._see(arrival.vehicle, self._vehicles.remember(arrival.vehicle), arrival, now)
        for _ in range(min(len(self._looks), PAGE)):
            self._look(self._looks.popleft(), now)
        for _ in range(PAGE):
            due = self._confirmations.pop_due(now)
            if due is None:
                break
            self._settle(due, self._vehicles.remember(due), now)
        if self._walk.is_due(trio.current_time()):
            self._page(now)

    def _page(self, now: int) -> None:
        began_s = trio.current_time()
        self._listening.detect_clock_jump(began_s, now)
        self._walk.begin_page()
        page = self._state.vehicles_after(self._walk.after, PAGE)
        for vehicle in page:
            self._listeners.add(vehicle)
            self._look(vehicle, now)
        self._walk.end_page(page, began_s, trio.current_time())

    def _look(self, vehicle: str, now: int) -> None:
        """Step with the vehicle's last status, unless that was seen, and see whether it has been silent for long."""
        last = self._state.last_of(vehicle)
        if last is None:
            return
        known = self._vehicles.look_up(vehicle)  # a walk must not drive out what is in use
        if last.time > known.memory.time:
            self._see(vehicle, known, last, now)
        self._settle(vehicle, known, now)
        self._listen(vehicle, known, last, now)

    def _see(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        before, sample, settings = known.memory, _sample(last), self._vehicles.settings_of(vehicle, known)
        known.memory, events = rules.step(settings, before, sample, known.sample)
        if known.sample is None and before.time and memories.worth_keeping(before, known.memory):
            # Only of what changes something the ring is asked what came before.
            known.memory, events = rules.step(settings, before, sample, self._sample_before(vehicle, sample))
        if sample.time >= before.time:
            known.sample = sample
        if events or memories.worth_keeping(before, known.memory):
            self._recorder.record(vehicle, known.memory, events, now)
            self._confirmations.add(rules.settles_at(known.memory), vehicle)

    def _sample_before(self, vehicle: str, sample: Sample) -> Sample | None:
        last = self._state.previous_of(vehicle, sample.time, sample.status_id)
        return _sample(last) if last else None

    def _settle(self, vehicle: str, known: KnownVehicle, now: int) -> None:
        """Record what no second reading came for."""
        known.memory, events = rules.settle(known.memory, now)
        if events:
            off = self._vehicles.settings_of(vehicle, known).off
            self._recorder.record(vehicle, known.memory, [one for one in events if one.kind not in off], now)
        self._confirmations.add(rules.settles_at(known.memory), vehicle)

    def _listen(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        settings, since = self._vehicles.settings_of(vehicle, known), self._listening.since
        silent_at_least_ms = rules.SILENT_AT_LEAST_MS if settings.silent_after_h is None else 0
        silent_ms = now - max(last.received, since)
        if silent_ms <= silent_at_least_ms or known.memory.silent_since is not None:
            return  # which spares most vehicles the look into their rings
        received = self._state.received_of(vehicle)  # also after the last: its clock may have run ahead
        heard = max([last.received, *received])
        usual_ms = rules.usual_gap_ms(received)
        known.memory, events = rules.overdue(
            settings, known.memory, received=heard, since=since, usual_ms=usual_ms, now=now
        )
        if events:
            heard_last = {"time": last.time, "status_id": last.status_id}
            shown = [one._replace(samples=[heard_last, None]) for one in events]
            self._recorder.record(vehicle, known.memory, shown, now)


def _sample(last: Status) -> Sample:
    return Sample(last.time, orjson.loads(last.fields), last.received, last.status_id)
