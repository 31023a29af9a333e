"""Runs evd.events.rules beside the callbacks, on each new last status of a vehicle whose events are wanted.

The queue in memory may lose statuses: a walk through these vehicles evaluates the last status of each one, at the
start, every few minutes, and after more was offered than the queue holds. Events are recorded in one transaction with
the rules' memory, and to evaluate the same status again changes nothing. So a crash, a full queue or a full disk loses
at most what only the statuses between showed, and no event is repeated.
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
"""Statuses evaluated in one step: some 2 ms of the loop, and at most as many operations of the writer."""


class EventEngine:
    """One long task, `run`. It observes each commit by `committed`, which costs very little.

    `queue_max` bounds the statuses that wait, `memories_max` the vehicles that are cached. `listening_since` is when
    evd began to listen (epoch ms); 0: always. `shown_by_app` returns the apps that show an event by themselves.
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
        shown_by_app: Callable[[Event], tuple[Client, ...]] = lambda event: (),
    ) -> None:
        self._state = state
        self._clock = clock
        self._listeners = Listeners()
        self._queue: deque[Arrive] = deque()
        self._looks: deque[str] = deque()
        """Vehicles whose events began to be wanted."""
        self._queue_max = queue_max
        self._wake = trio.Event()
        self._vehicles = KnownVehicles(state, memories_max)
        self._recorder = EventRecorder(writer, shown_by_app)
        self._confirmations = ConfirmationQueue(queue_max)
        self._listening = ListeningTime(listening_since)
        self._walk = Walk()

    @property
    def waiting(self) -> int:
        """Statuses in the queue."""
        return len(self._queue)

    @property
    def walks(self) -> int:
        """Finished walks."""
        return self._walk.finished

    @property
    def behind(self) -> bool:
        """Whether there is work to do before the next walk."""
        return bool(self._queue or self._looks) or self._recorder.behind or self._walk.behind

    def state(self) -> EventsState:
        """For statistics."""
        return EventsState(waiting=self.waiting, recorded=dict(self._recorder.recorded))

    def committed(self, summary: CommitSummary) -> None:
        """Queue the new last statuses; event settings that were changed will be read again."""
        self._offer(summary.newest)
        for vehicle in summary.event_settings_set:
            self._vehicles.settings_changed(vehicle)
        for vehicle in summary.attended:
            self._attend(vehicle)

    def close(self) -> None:
        """To be called after `run`."""
        self._state.close()

    async def run(self) -> None:
        """Evaluate statuses until cancelled, which is safe: the next start finds what was not recorded."""
        self._listening.set_clock(trio.current_time(), self._clock())
        while True:
            self._wake = trio.Event()
            try:
                self._turn()
            except StoreBusy:
                self._walk.failed(again_at_s=trio.current_time() + RETRY_S)
            await self._recorder.write()  # meanwhile statuses queue, and the walk finds those that do not fit
            if self._queue or self._looks:
                await trio.lowlevel.checkpoint()
                continue
            until_page_s = self._walk.page_at - trio.current_time()
            with trio.move_on_after(max(min(until_page_s, self._confirmations.due_in_s(self._clock())), 0)):
                await self._wake.wait()

    def _offer(self, arrivals: Iterable[Arrive]) -> None:
        """If the queue is full, the walk will find the last status of each vehicle."""
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
        """Evaluate some of the queued statuses, and a page of the walk if it is due."""
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
        """Evaluate the vehicle's last status, unless that was done, and how long the vehicle has been silent."""
        last = self._state.last_of(vehicle)
        if last is None:
            return
        known = self._vehicles.look_up(vehicle)  # a walk must not evict what is in use
        if last.time > known.memory.time:
            self._see(vehicle, known, last, now)
        self._settle(vehicle, known, now)
        self._listen(vehicle, known, last, now)

    def _see(self, vehicle: str, known: KnownVehicle, last: Status, now: int) -> None:
        before, sample, settings = known.memory, _sample(last), self._vehicles.settings_of(vehicle, known)
        known.memory, events = rules.step(settings, before, sample, known.sample)
        if known.sample is None and before.time and memories.worth_keeping(before, known.memory):
            # The previous sample is read from the ring only if the status changes something.
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
        """Record the events whose wait for a second reading has ended."""
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
            return  # so most vehicles need no read of their rings
        received = self._state.received_of(vehicle)  # also later than the last status, whose clock may have run ahead
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
