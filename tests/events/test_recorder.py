"""Events on their way to the database: one operation a vehicle, again and again until it is on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio.testing
from builders import NOW, rows
from event_chain import VEHICLE, register, running, waiting

from evd.errors import EvdError, StoreError, Unavailable
from evd.events.memory import VehicleMemory, remembered
from evd.events.recorder import RETRY_S, EventRecorder
from evd.events.samples import Event
from evd.model.operations import Operation, RecordEvents
from evd.store.receipt import Receipt
from evd.store.sqlite.database import SqliteDatabase

SAMPLES = [None, {"time": NOW, "status_id": "s1", "current_charge": 19}]
LOW, LEFT = Event("charge_low", NOW, {"charge": 19}, "", SAMPLES), Event("left", NOW + 1, {"place": "home"})


async def test_what_one_vehicle_shows_before_a_write_is_one_operation_with_its_last_memory(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    async with running(open_store(), database) as chain:
        await chain.write(register())
        recorder = EventRecorder(chain.writer, lambda event: ("v1",) if event.kind == "left" else ())
        commits = chain.writer.health.committed
        recorder.record(VEHICLE, VehicleMemory(time=NOW, low=19.0), [LOW], NOW)
        recorder.record(VEHICLE, VehicleMemory(time=NOW + 1, low=18.0), [LEFT], NOW + 1)
        assert (recorder.behind, recorder.recorded) == (True, {"charge_low": 1, "left": 1})
        await recorder.write()
        assert (recorder.behind, chain.writer.health.committed - commits) == (False, 1)
        ((state,),) = rows(database, "SELECT state FROM alert_states")
        assert remembered(state).low == 18.0
        told = rows(database, "SELECT kind, time, status_id, samples FROM events ORDER BY number")
        assert [one[:3] for one in told] == [("charge_low", NOW, "s1"), ("left", NOW + 1, "")]
        assert [json.loads(one[3]) for one in told] == [SAMPLES, []]
        assert [time for time, *_ in waiting(database)] == [NOW], "the phone's app shows the other one itself"


class Refusing:
    """Receipts of a writer that answers with these, in turn; an Unavailable is raised at once."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.given: list[RecordEvents] = []

    def submit(self, operation: Operation) -> Receipt:
        assert isinstance(operation, RecordEvents)
        self.given.append(operation)
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        receipt = Receipt(operation, 0, 0.0)
        receipt.settle(answer)
        return receipt


@pytest.mark.parametrize("answer", [Unavailable("no room"), TimeoutError])
async def test_what_cannot_be_written_now_is_written_a_moment_later_and_nothing_else_again(
    answer: Any, mock_clock: trio.testing.MockClock
) -> None:
    mock_clock.autojump_threshold = 0
    first = answer if isinstance(answer, Unavailable) else Unavailable("it may or may not be on disk")
    writer = Refusing(first, 1, 1)
    recorder = EventRecorder(writer, lambda event: ())  # type: ignore[arg-type]
    for vehicle in "AB":
        recorder.record(vehicle, VehicleMemory(), [LOW], NOW)
    began = trio.current_time()
    await recorder.write()
    assert [one.vehicle for one in writer.given] == ["A", "B", "A"]
    assert trio.current_time() - began == RETRY_S


@pytest.mark.parametrize("error", [EvdError("odd"), StoreError("damaged")])
async def test_what_can_never_be_written_holds_up_no_other_one(error: EvdError) -> None:
    writer = Refusing(error, 1)
    recorder = EventRecorder(writer, lambda event: ())  # type: ignore[arg-type]
    for vehicle in "AB":
        recorder.record(vehicle, VehicleMemory(), [LOW], NOW)
    await recorder.write()
    assert ([one.vehicle for one in writer.given], recorder.behind) == (["A", "B"], False)
