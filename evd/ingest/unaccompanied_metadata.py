"""Unaccompanied DATA_ADVANCED and GEOLOC: after a wait they become statuses, or entries of the vehicle's log.

They wait on disk (`radio_waiting`), so that no restart or crash loses one. Each is due by the time at which it was
first received. A step takes a few of them and submits to the writer what they become.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.config.settings import SigfoxSettings
from evd.errors import BadRequest, RequestError, StoreError, Unavailable
from evd.ingest.parser import Parser
from evd.ingest.transaction import refusal_of, rejection
from evd.log.logger import log
from evd.model.operations import Note, Operation, Reject, Several, Stored, WaitNoLonger
from evd.model.status import identity
from evd.request.http import Request
from evd.sigfox.kinds.registry import KINDS
from evd.store.protocols import WaitingMetadata
from evd.store.records import WaitingRow
from evd.store.writer import Writer

EVERY_S = 1.0
"""Pause between two queries for what is due, which take about 20 µs each."""

STEP_MAX = 32
"""Annotations of one step: at most 2 ms to read, and about 5 ms of look-ups in the store."""

AGAIN_AFTER_S = 5.0
"""Pause after a step that could not be written: the writer's queue or the disk is full."""


class UnaccompaniedMetadata:
    """Takes due annotations. `waiting_rows` gives how many wait, `clock` the server's time in epoch ms."""

    def __init__(
        self,
        waiting: WaitingMetadata,
        writer: Writer,
        reading: Parser,
        settings: SigfoxSettings,
        outcomes: Counter[str],
        *,
        waiting_rows: Callable[[], int],
        clock: Clock = now_ms,
    ) -> None:
        self._waiting = waiting
        self._writer = writer
        self._reading = reading
        self._waits_ms = int(settings.advanced_waits_s * 1000)
        self._waiting_max = settings.advanced_waiting_max
        self._outcomes = outcomes
        self._waiting_rows = waiting_rows
        self._clock = clock

    async def run(self) -> None:
        """Run for ever. Cancelling is safe: each write is a transaction of its own and may be repeated."""
        while True:
            pause_s = EVERY_S
            try:
                while await self.step():
                    pass
            except (Unavailable, StoreError) as error:
                log.warning("what waits for its DATA is not taken yet", reason=str(error))
                pause_s = AGAIN_AFTER_S
            await trio.sleep(pause_s)

    async def step(self) -> int:
        """Take what is due, at most STEP_MAX; returns how many were taken. Raises Unavailable, StoreError."""
        if not self._waiting_rows():
            return 0
        now = self._clock()
        due = self._due(now)
        if not due:
            return 0
        results = await self._writer.write(Several(tuple(self._becomes(row, now) for row in due)))
        # The rows are removed only now: after a crash in between they are taken again, which changes nothing.
        after: list[Operation] = []
        late: Unavailable | None = None
        for row, result in zip(due, results, strict=True):
            try:
                refusal = refusal_of([result])
            except Unavailable as busy:
                late = busy
                continue
            except Exception as error:  # caused by its values, so a retry is useless
                refusal = BadRequest(str(error))
            if refusal is not None:
                after.append(self._rejected(row, refusal, now))
            self._outcomes[result.verdict.value if isinstance(result, Stored) else "unaccompanied"] += 1
            after.append(WaitNoLonger(row.number))
        await self._writer.write(Several(tuple(after)))
        if late is not None:
            raise late
        return len(due)

    def _becomes(self, row: WaitingRow, now: int) -> Operation:
        """A status if it has what a message has; otherwise an entry of the vehicle's log."""
        variables = orjson.loads(row.document) if row.document else _least(row)
        document = row.document or orjson.dumps(variables)
        kind = KINDS[row.source]
        if kind.repeats_message:
            try:
                arrival = self._reading.alone(variables, document, now)
            except BadRequest as refusal:
                return self._rejected(row, refusal, now)
            if row.payload is not None or row.location is not None or arrival.fields != NO_FIELDS:
                return arrival
        where = f" It was located at {row.location}." if row.location else ""
        text = f"Sigfox sent {kind.subtype.name} for a message, but the message itself did not come.{where}"
        content = row.radio + document
        note_id = identity(row.source, row.vehicle, row.time, row.seq, content)
        return Note(note_id, row.vehicle, row.source, "info", row.time, text, document=document, received=row.received)

    def _rejected(self, row: WaitingRow, refusal: RequestError, now: int) -> Reject:
        headers = {b"content-type": b"application/json"}
        request = Request("POST", f"/sigfox/{row.source}", b"", headers, row.document or b"", "")
        return rejection(request, refusal, now, self._reading.rule_of_refused())

    def _due(self, now: int) -> Sequence[WaitingRow]:
        due = self._waiting.since(now - self._waits_ms, STEP_MAX)
        if due:
            return due
        beyond = self._waiting_rows() - self._waiting_max
        if beyond > 0:
            return self._waiting.since(None, min(beyond, STEP_MAX))
        # After the clock was set back they would otherwise wait until it reaches that time again.
        return self._waiting.ahead(now + self._waits_ms, STEP_MAX)


def _least(row: WaitingRow) -> dict[str, Any]:
    """The variables of an annotation that an older evd kept without its callback."""
    said = {"device": row.vehicle, "time": row.time, "seqNumber": row.seq}
    return said if row.payload is None else {**said, "data": row.payload.hex()}


NO_FIELDS = b"{}"
