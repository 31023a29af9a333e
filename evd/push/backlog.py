"""The backlog of one provider: last statuses of vehicles, events, retries, and pushes that memory has lost.

States do not queue. A registration waits for its vehicle's last status as long as it was given another one. The tables
have that at any time, so memory may lose it: what does not fit is found by a walk through all registrations, as after a
crash.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from evd.errors import StoreError
from evd.model.operations import Arrive, Registration
from evd.model.status import Status
from evd.push.delivery import Delivery
from evd.push.skip_policy import SkipPolicy
from evd.store.protocols import DuePushes

OFFERS_MAX = 16_384
"""Vehicles with a new status that are remembered, about 150 bytes each: three seconds of 5,000 a second."""

KEPT_MAX = 1024
"""Of these, how many statuses are remembered, about 1 KiB each; the others are read from the tables."""

PAGE = 128
"""Registrations of the walk that are read at once: 1 to 4 ms of the loop."""

LOOK_EVERY_MS = 30_000
"""The longest time between two queries for due pushes, so that a clock that was set back delays no push for longer."""


class Backlog:
    """Finds the next pushes to send; one that was taken is not returned again until `completed`."""

    def __init__(self, pending: DuePushes, policy: SkipPolicy) -> None:
        self._pending = pending
        self._policy = policy
        self._offers: dict[str, tuple[Status | None, int | None]] = {}
        """Vehicle → its last status, None if the tables must be read, and the time of its commit."""
        self._order: deque[str] = deque()
        self._ready: deque[Delivery] = deque()
        self._flying: dict[int, Delivery] = {}
        self._walk_from: int | None = 0
        """The registration after which the walk continues; None when it has ended."""
        self._forgot = False
        """Whether something did not fit since the walk began."""
        self._look_at = 0
        """The time of the next query for due pushes (epoch ms)."""
        self._turns = 0
        # Events come first. One turn in four begins with retries and the walk, so that neither is starved.
        old, new = (self._repeats, self._walked), (self._offered,)
        self._sources = ((self._events_due, *old, *new), *[(self._events_due, *new, *old)] * 3)
        self._due = True
        """Whether a retry may be waiting."""

    @property
    def waiting(self) -> bool:
        """Whether there is more to send besides what is due later."""
        return bool(self._order or self._ready) or self.walking

    @property
    def walking(self) -> bool:
        return self._walk_from is not None or self._forgot

    @property
    def empty(self) -> bool:
        """Whether nothing waits, is in flight or is due later."""
        return not (self.waiting or self._flying or self._due)

    @property
    def next_look(self) -> int:
        """The time at which something becomes due (epoch ms)."""
        return self._look_at

    def put_off_beyond(self, at: int) -> bool:
        """Whether something is due later than `at` (epoch ms)."""
        return self._pending.put_off_beyond(at)

    def offer(self, statuses: Sequence[Arrive], committed: int) -> None:
        """Take new last statuses of vehicles."""
        for status in statuses:
            vehicle = status.vehicle
            if vehicle not in self._offers:
                if len(self._offers) >= OFFERS_MAX:
                    self._forgot = True
                    continue
                self._order.append(vehicle)
            self._offers[vehicle] = (status if len(self._offers) <= KEPT_MAX else None), committed

    def look_up(self, vehicles: Iterable[str]) -> None:
        """Look up registrations of these vehicles, which may not have been given the last status."""
        for vehicle in vehicles:
            if vehicle not in self._offers:
                if len(self._offers) >= OFFERS_MAX:
                    self._forgot = True
                    return
                self._order.append(vehicle)
                self._offers[vehicle] = None, None

    def walk_again(self) -> None:
        """Walk through all registrations again: after a clock jump, what looked old may not be."""
        self._forgot = True

    def look_again(self, at: int = 0) -> None:
        """Query for due pushes at `at` (epoch ms), or now."""
        self._due = True
        self._look_at = min(self._look_at, at)

    def withdraw(self, deliveries: Iterable[Delivery] = ()) -> None:
        """Look up these deliveries again, and all that were found but not taken: registrations changed."""
        for delivery in (*deliveries, *self._ready):
            del self._flying[delivery.key]
            if delivery.event is None and delivery.state is not None:
                self._put_back(*(delivery.newer or (delivery.state, delivery.committed)))
        self._ready.clear()
        self.look_again()  # for events and retries

    def take(self, limit: int, now: int) -> list[Delivery]:
        """At most `limit` pushes to begin; if fewer are returned, the walk may go on at the next call (`walking`)."""
        self._turns += 1
        try:
            for source in self._sources[self._turns % len(self._sources)]:
                if len(self._ready) >= limit:
                    break
                for delivery in source(limit - len(self._ready), now):
                    self._flying[delivery.key] = delivery
                    self._ready.append(delivery)
        except StoreError:
            self._forgot = True
            raise
        return [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]

    def completed(self, delivery: Delivery) -> None:
        """Note that the delivery's outcome is on disk."""
        del self._flying[delivery.key]
        if delivery.newer is not None:
            self._put_back(*delivery.newer)

    def _put_back(self, status: Status, committed: int | None) -> None:
        """Offer the status again, unless a newer one was offered meanwhile."""
        if status.vehicle not in self._offers:
            self._order.append(status.vehicle)
            self._offers[status.vehicle] = status, committed

    def _offered(self, limit: int, now: int) -> Iterator[Delivery]:
        found = 0
        while self._order and found < limit:
            vehicle = self._order.popleft()
            status, committed = self._offers.pop(vehicle)
            if status is None:
                status = self._pending.last_of(vehicle)
                if status is None or self._policy.is_old(status, now):
                    continue
            for registration in self._pending.registrations_of(vehicle):
                if self._wants(registration, status, now, committed):
                    found += 1
                    yield Delivery(registration, status, None, committed)

    def _wants(self, registration: Registration, status: Status, now: int, committed: int | None) -> bool:
        """Whether to begin a push; a delivery in flight keeps the newer status for afterwards."""
        if registration.given == status.status_id or self._policy.is_stale(registration, now):
            return False
        delivery = self._flying.get(registration.number)
        if delivery is not None:
            # Offers come in order; the delivery in flight may have been read from the tables, which are ahead of them.
            same = delivery.state is not None and delivery.state.status_id == status.status_id
            delivery.newer = None if same else (status, committed)
            return False
        return registration.due is None or registration.due <= now

    def _events_due(self, limit: int, now: int) -> Iterator[Delivery]:
        if now < self._look_at:
            return
        on_their_way = sum(1 for key in self._flying if key < 0)
        for event in self._pending.events_due(now, limit + on_their_way):
            if -event.number not in self._flying:
                yield Delivery(event.registration, self._pending.last_of(event.registration.vehicle), event, None)

    def _repeats(self, limit: int, now: int) -> Iterator[Delivery]:
        """Retries that are due; when all were found, the time of the next query is known."""
        if now < self._look_at:
            return
        found = 0
        for registration in self._pending.registrations_due(now, limit + len(self._flying)):
            if registration.number not in self._flying:
                found += 1
                yield Delivery(registration, self._pending.last_of(registration.vehicle), None, None)
        if found < limit:
            due = self._pending.next_due(now)
            self._due = due is not None
            self._look_at = min(due or now + LOOK_EVERY_MS, now + LOOK_EVERY_MS)

    def _walked(self, limit: int, now: int) -> Iterator[Delivery]:
        """One page of the walk through all registrations."""
        if self._walk_from is None:
            if not self._forgot:
                return
            self._walk_from, self._forgot = 0, False
        page = self._pending.registrations_after(self._walk_from, PAGE)
        lasts: dict[str, Status | None] = {}
        for registration in page:
            self._walk_from = registration.number
            if registration.vehicle not in lasts:
                lasts[registration.vehicle] = self._pending.last_of(registration.vehicle)
            last = lasts[registration.vehicle]
            if last and not self._policy.is_old(last, now) and self._wants(registration, last, now, None):
                yield Delivery(registration, last, None, None)
        if len(page) < PAGE:
            self._walk_from = None
