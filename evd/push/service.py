"""The push service of the daemon: a dispatcher for each provider, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import trio

from evd.clock import Clock, now_ms
from evd.errors import PushError
from evd.model.commits import CommitSummary
from evd.model.daemon_state import Durations, ProviderState, PushState
from evd.model.listeners import Listeners
from evd.push.delivery import Delivery
from evd.push.dispatcher import Dispatcher
from evd.push.fleet_targets import FleetTargets
from evd.push.health import pause_reason
from evd.push.protocols import Push
from evd.store.protocols import DuePushes

TEST_TIMEOUT_S = 20.0
"""Time limit for the test pushes to all phones; a command waits for them, and the API for 25 s."""


class PushService:
    """One long task, `run`. `pending` reads the registrations of all kinds; `fleet` is what serves every vehicle."""

    def __init__(
        self,
        dispatchers: Iterable[Dispatcher],
        pending: DuePushes,
        compose: Callable[[Delivery], Push],
        clock: Clock = now_ms,
        fleet: Iterable[FleetTargets] = (),
    ) -> None:
        self.dispatchers = list(dispatchers)
        self._fleet = list(fleet)
        self._pending = pending
        self._compose = compose
        self._clock = clock
        self._listeners = Listeners()
        for vehicle in pending.vehicles():
            self._listeners.add(vehicle)
        self.displaced = 0
        """Since the start: phones that made room for newer ones although a provider took a push for them lately."""
        self.paused_since = pending.paused_since()
        self.pause(bool(self.paused_since))

    def committed(self, summary: CommitSummary) -> None:
        """Offer a commit's changes to the dispatchers; everything slow is done later."""
        self.displaced += summary.displaced
        for targets in self._fleet:
            targets.committed(summary)
        for vehicle in summary.registered:
            self._listeners.add(vehicle)
        newest = self._listeners.of(summary.newest)
        if newest:
            now = self._clock()
            for dispatcher in self.dispatchers:
                dispatcher.offer(newest, now)
        if summary.registrations_changed:
            for dispatcher in self.dispatchers:
                dispatcher.withdraw()
                dispatcher.look_up(summary.registered)
        if summary.renewed:
            for dispatcher in self.dispatchers:
                dispatcher.look_up(summary.renewed)
        if summary.events_recorded:
            for dispatcher in self.dispatchers:
                dispatcher.look_again()

    def pause(self, paused: bool) -> None:
        """Begin no push, or continue; what waits stays."""
        self.paused_since = (self.paused_since or self._clock()) if paused else 0
        for dispatcher in self.dispatchers:
            dispatcher.hold(paused)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            for dispatcher in self.dispatchers:
                nursery.start_soon(dispatcher.run)
            for targets in self._fleet:
                nursery.start_soon(targets.run)

    async def finish(self) -> None:
        """Begin no more pushes, and wait for those in flight; the caller sets the deadline."""
        async with trio.open_nursery() as nursery:
            for dispatcher in self.dispatchers:
                nursery.start_soon(dispatcher.finish)

    async def aclose(self) -> None:
        for dispatcher in self.dispatchers:
            await dispatcher.pusher.aclose()

    async def test(self, vehicle: str) -> list[dict[str, Any]]:
        """Send the vehicle's last status to its phones, ignoring the rate limit; returns the providers' answers."""
        last = self._pending.last_of(vehicle)
        answers: list[dict[str, Any]] = []
        async with trio.open_nursery() as nursery:
            for registration in self._pending.registrations_of(vehicle):
                delivery = Delivery(registration, last, None, None)
                for dispatcher in self.dispatchers:
                    if registration.kind in dispatcher.traits.serves:
                        nursery.start_soon(partial(self._try, dispatcher, delivery, answers))
        return answers

    async def _try(self, dispatcher: Dispatcher, delivery: Delivery, answers: list[dict[str, Any]]) -> None:
        began = trio.current_time()
        said, taken = f"no answer within {TEST_TIMEOUT_S:g} s", False
        try:
            with trio.move_on_after(TEST_TIMEOUT_S):
                said, taken = await dispatcher.pusher.send(self._compose(delivery)), True
        except PushError as error:
            said = str(error)
        ms = round((trio.current_time() - began) * 1000, 1)
        answers.append(
            {
                "token": f"{delivery.registration.token[:8]}…",
                "kind": delivery.registration.kind,
                "taken": taken,
                "said": said,
                "ms": ms,
            }
        )

    def hindered_until(self) -> int:
        """The time until which a dispatcher was kept from sending; epoch ms."""
        return self._clock() - int(1000 * min(one.unhindered_s for one in self.dispatchers))

    def times(self) -> dict[str, Durations]:
        """Provider → how long its answers took."""
        return {one.traits.name: one.health.times.state() for one in self.dispatchers}

    def worst_s(self) -> float | None:
        """The longest answer of a provider since this was last asked; None: there was none."""
        taken = [one.health.times.take_worst_s() for one in self.dispatchers]
        return max((one for one in taken if one is not None), default=None)

    def state(self) -> PushState:
        """The state of pushes, for /readyz, metrics and alarms."""
        trouble = next((one.health.trouble for one in self.dispatchers if one.health.trouble is not None), None)
        return PushState(
            held_since=self.paused_since,
            pause=pause_reason(trouble),
            pause_text=str(trouble or ""),
            oldest_pending_s=round(max(one.behind_s for one in self.dispatchers), 1),
            displaced=self.displaced,
            providers={
                one.traits.name: ProviderState(in_flight=one.in_flight, outcomes=dict(one.health.outcomes))
                for one in self.dispatchers
            },
        )
