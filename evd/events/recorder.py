"""Events on their way to the database, one operation a vehicle; what cannot be written now is tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress

import trio

from evd.errors import EvdError, Unavailable
from evd.events import memory as memories
from evd.events.memory import VehicleMemory
from evd.events.samples import Event
from evd.log.logger import log
from evd.model.json_bytes import json_bytes
from evd.model.operations import Client, NewEvent, RecordEvents
from evd.store.receipt import Receipt
from evd.store.writer import Writer

RETRY_S = 1.0
"""Until what could not be read or written is retried."""


class EventRecorder:
    """`shown_by_app` returns the apps that show an event by themselves."""

    def __init__(self, writer: Writer, shown_by_app: Callable[[Event], tuple[Client, ...]]) -> None:
        self.recorded: Counter[str] = Counter()
        """Kind → events since the start."""
        self._writer = writer
        self._shown_by_app = shown_by_app
        self._unwritten: dict[str, RecordEvents] = {}
        """Vehicle → what is in memory and not yet in the database."""

    @property
    def behind(self) -> bool:
        return bool(self._unwritten)

    def record(self, vehicle: str, memory: VehicleMemory, events: Sequence[Event], now: int) -> None:
        """One operation for each vehicle: otherwise a retry could overwrite a newer memory with an older one."""
        self.recorded.update(event.kind for event in events)
        new = tuple([self._new(event) for event in events])
        earlier = self._unwritten.get(vehicle)
        if earlier is not None:
            new = earlier.events + new
        self._unwritten[vehicle] = RecordEvents(vehicle, memories.stored(memory), new, now)

    async def write(self) -> None:
        """Until all is on disk."""
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

    def _new(self, event: Event) -> NewEvent:
        shown = event.samples[-1] if event.samples else None
        status_id = str(shown["status_id"]) if shown else ""
        samples = json_bytes(list(event.samples))
        return NewEvent(
            event.kind, event.time, status_id, json_bytes(event.details), samples, self._shown_by_app(event)
        )
