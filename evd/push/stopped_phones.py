"""Find phones for which a provider took pushes lately and to which evd no longer sends any; nothing else reports them.

A search runs every few minutes, one page of registrations at a time, and counts the phones by reason. Pushes that a
provider refused are not counted, because they have alarms of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from evd.clock import Clock, now_ms
from evd.errors import Unavailable
from evd.log.logger import log
from evd.model.daemon_state import StoppedPhonesState
from evd.model.units import DAY_MS
from evd.store.queries import PushQueries
from evd.store.records import PushedLately

FIRST_AFTER_S = 5.0
"""Delay after the start, which has more urgent work."""

EVERY_S = 120.0
"""Period of the search, which takes 0.3 s of the database for 100,000 registrations."""

PAGE = 2000
"""Registrations of one query: about 6 ms of the database, during which it answers no other."""

BETWEEN_PAGES_S = 0.05

LATELY_MS = 7 * DAY_MS
"""A stopped phone is reported for a week after its last push, long enough for an operator to come back."""


class StoppedPhonesSearch:
    """One long task, `run`. `hindered_until` says until when pushes were held, or a provider took none (epoch ms)."""

    def __init__(
        self, *, stale_ms: int, give_up_ms: int, hindered_until: Callable[[], int] | None, clock: Clock = now_ms
    ) -> None:
        self._stale_ms = stale_ms
        self._give_up_ms = give_up_ms
        self._hindered_until = hindered_until
        self._clock = clock
        self.found: StoppedPhonesState | None = None
        """None before the first search."""

    async def run(self, queries: PushQueries) -> None:
        """Search for ever. Cancelling is safe."""
        await trio.sleep(FIRST_AFTER_S)
        while True:
            try:
                self.found = await self.look(queries)
            except Unavailable as error:
                log.warning("registrations were not looked through", reason=str(error))
            await trio.sleep(EVERY_S)

    async def look(self, queries: PushQueries) -> StoppedPhonesState:
        """Search all registrations once. Raises Unavailable."""
        now, hindered_until = self._clock(), self._hindered_until
        lately = PushedLately(
            since=now - LATELY_MS,
            unseen_since=now - self._stale_ms,
            # Pushes missed while sending was hindered belong to the hindrance's own alarm.
            received_after=0 if hindered_until is None else hindered_until(),
            received_before=now - self._give_up_ms,
        )
        found = {"registered": 0, "stale": 0, "missed": 0}
        number = 0
        while True:
            page = await queries.stopped_after(number, PAGE, lately)
            found["registered"] += page["registered"]
            found["stale"] += page["stale"]
            found["missed"] += page["missed"]
            if page["last"] is None or page["registered"] < PAGE:
                break
            number = page["last"]
            await trio.sleep(BETWEEN_PAGES_S)
        if hindered_until is None:  # nothing is pushed at all
            return StoppedPhonesState(registered=found["registered"], off=found["stale"] + found["missed"])
        return StoppedPhonesState(**found)
