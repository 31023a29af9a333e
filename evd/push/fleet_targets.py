"""A provider that serves every vehicle: evd registers each with it, and has it announce each vehicle's last status.

The registrations are those of pushes, so what a crash interrupts is found in the tables as for a phone. Announcements
are what a phone needs not: a receiver that keeps statuses may have lost them, or describes a vehicle that was new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from evd.clock import Clock, now_ms
from evd.errors import PushError, StoreBusy, Unavailable
from evd.log.logger import log
from evd.model.commits import CommitSummary
from evd.model.operations import DeleteVehicle, LimitReached, MergeVehicle, Register, Registration
from evd.push.delivery import Delivery
from evd.push.protocols import FleetPusher, Push
from evd.push.traits import ProviderTraits
from evd.store.protocols import DuePushes
from evd.store.writer import Writer

PAGE = 64
"""Vehicles that are read at once: 1 to 4 ms of the loop."""

WAITING_MAX = 10_000
"""New vehicles that wait to be registered or announced, 100 bytes each; beyond this evd looks through all of them."""

BUSY_S = 1.0
"""Pause before a read or write of the database is repeated."""


class FleetTargets:
    """One long task, `run`; observes commits. An id of each vehicle is held in memory."""

    def __init__(
        self,
        pusher: FleetPusher,
        traits: ProviderTraits,
        pending: DuePushes,
        writer: Writer,
        compose: Callable[[Delivery], Push],
        clock: Clock = now_ms,
    ) -> None:
        self._pusher = pusher
        self._kind = traits.kinds[0].name
        self._pending = pending
        self._writer = writer
        self._compose = compose
        self._clock = clock
        self._registered: set[str] = set()
        self._unregistered: dict[str, None] = {}
        self._unannounced: dict[str, None] = {}
        self._look_from: str | None = ""
        """The vehicle after which the search for those without a registration goes on; None: it has ended."""
        self._walk_from: int | None = None
        """The registration after which the announcements go on; None: all were made."""
        self._wake = trio.Event()

    def committed(self, summary: CommitSummary) -> None:
        for one in summary.treatments:
            if isinstance(one, DeleteVehicle | MergeVehicle):
                self._registered.discard(one.vehicle)
                self._pusher.forget(one.vehicle)
        new = [one.vehicle for one in summary.newest if one.vehicle not in self._registered]
        if new or summary.registered:
            self._note(new, summary.registered)

    def _note(self, new: Iterable[str], registered: Iterable[str]) -> None:
        self._unregistered.update(dict.fromkeys(new))
        self._unannounced.update(dict.fromkeys(registered))
        if len(self._unregistered) > WAITING_MAX:
            self._unregistered.clear()
            self._look_from = ""
        if len(self._unannounced) > WAITING_MAX:
            self._unannounced.clear()
            self._walk_from = 0
        self._wake.set()

    async def run(self) -> None:
        """For ever. Cancelling is safe: after a start all is looked through."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pusher.run, self._announce_all)
            while True:
                self._wake = trio.Event()
                try:
                    while await self._register() or await self._announce():
                        await trio.lowlevel.checkpoint()
                    await self._wake.wait()
                except (StoreBusy, Unavailable):
                    await trio.sleep(BUSY_S)

    def _announce_all(self) -> None:
        self._walk_from = 0
        self._wake.set()

    async def _register(self) -> bool:
        """Register some vehicles; False if there are no more. Those that cannot be written now stay noted."""
        if not self._unregistered:
            if self._look_from is None:
                return False
            page = self._pending.vehicles_after(self._look_from, PAGE)
            self._look_from = page[-1][0] if len(page) == PAGE else None
            self._registered |= {vehicle for vehicle, has in page if has}
            self._unregistered.update(dict.fromkeys(vehicle for vehicle, has in page if not has))
            return True
        some = list(self._unregistered)[:PAGE]
        await self._write([vehicle for vehicle in some if vehicle not in self._registered])
        for vehicle in some:
            self._unregistered.pop(vehicle, None)
        return True

    async def _write(self, vehicles: Iterable[str]) -> None:
        for vehicle in vehicles:
            register = Register(vehicle, vehicle, self._kind, self._kind, self._clock(), self._kind)
            try:
                await self._writer.write(register)
            except LimitReached as error:
                log.warning("a vehicle is left out", provider=self._kind, vehicle=vehicle, reason=str(error))
            self._registered.add(vehicle)

    async def _announce(self) -> bool:
        """Announce some vehicles; False if there are no more."""
        if self._walk_from is not None:
            page = self._pending.registrations_after(self._walk_from, PAGE)
            # As above: a new connection begins the walk anew.
            self._walk_from = page[-1].number if len(page) == PAGE else None
            await self._say(page)
            return True
        some = list(self._unannounced)[:PAGE]
        await self._say([one for vehicle in some for one in self._pending.registrations_of(vehicle)])
        for vehicle in some:
            self._unannounced.pop(vehicle, None)
        return bool(some)

    async def _say(self, registrations: Iterable[Registration]) -> None:
        async with trio.open_nursery() as nursery:
            for one in registrations:
                status = self._pending.last_of(one.vehicle)
                if status is not None:
                    nursery.start_soon(self._say_one, self._compose(Delivery(one, status, None, None)))

    async def _say_one(self, push: Push) -> None:
        try:
            await self._pusher.announce(push)
        except PushError:
            return  # the connection is lost, and with the next one all are announced
