"""Write the outcomes of pushes, in groups; a push counts as in flight until its outcome is on disk."""

from __future__ import annotations

from collections.abc import Callable

import trio

from evd.errors import Unavailable
from evd.model.operations import Outcome, Outcomes, PushVerdict, PutOff
from evd.push.delivery import Delivery
from evd.store.writer import Writer

SAID_MAX = 200
"""Characters that are kept of a provider's message id or error; FCM's ids have about 60."""

OUTCOMES_MAX = 1024
"""Outcomes of one operation: about 10 ms of the writer."""

BUSY_S = 1.0
"""Pause before a failed write is repeated."""


class OutcomeWriter:
    """One long task, `run`; `completed` is called with a group when it is on disk."""

    def __init__(self, writer: Writer, completed: Callable[[list[tuple[Delivery, Outcome]]], None]) -> None:
        self._writer = writer
        self._completed = completed
        self._settled: list[tuple[Delivery, Outcome]] = []
        self._some = trio.Event()

    def settle(
        self,
        delivery: Delivery,
        verdict: PushVerdict,
        said: str,
        at: int,
        *,
        due: int = 0,
        attempts: int | None = None,
        expires: int = 0,
    ) -> None:
        """Queue the outcome of a delivery that ended at `at` (epoch ms); does not wait."""
        registration = delivery.registration
        outcome = Outcome(
            registration=registration.number,
            outbox=delivery.event.number if delivery.event else 0,
            vehicle=registration.vehicle,
            token=registration.token,
            kind=registration.kind,
            what=delivery.what,
            status_id=delivery.status_id,
            verdict=verdict,
            said=said[:SAID_MAX],
            committed=delivery.committed,
            sent=delivery.sent,
            at=at,
            due=due,
            attempts=delivery.attempts if attempts is None else attempts,
            expires=expires,
        )
        self._settled.append((delivery, outcome))
        self._some.set()

    async def run(self) -> None:
        """Write queued outcomes, for ever; those that come meanwhile are the next group."""
        while True:
            await self._some.wait()
            group, self._settled = self._settled[:OUTCOMES_MAX], self._settled[OUTCOMES_MAX:]
            if not self._settled:
                self._some = trio.Event()
            await self.write(Outcomes(tuple([outcome for _, outcome in group])))
            self._completed(group)

    async def write(self, operation: Outcomes | PutOff) -> None:
        """Write an operation; returns when it is on disk."""
        while True:
            try:
                await self._writer.write(operation)
            except Unavailable:
                await trio.sleep(BUSY_S)
            else:
                return
