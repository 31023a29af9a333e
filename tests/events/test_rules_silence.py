"""When a vehicle counts as silent."""

from __future__ import annotations

from typing import Any

import pytest
from event_stories import HOUR, MINUTE, NOW, run

from evd.events import rules
from evd.events.memory import VehicleMemory
from evd.events.samples import Event, Sample
from evd.model import event_settings
from evd.model.event_settings import VehicleEventSettings

TIMES = [NOW - 10 * MINUTE * number for number in range(20)]


@pytest.mark.parametrize(
    ("settings", "silent_ms", "usual_ms", "told"),
    [
        ({}, 59 * MINUTE, 10 * MINUTE, False),
        ({}, 61 * MINUTE, 10 * MINUTE, True),
        ({}, 14 * HOUR, 5 * HOUR, False),
        ({}, 16 * HOUR, 5 * HOUR, True),
        ({}, 1000 * HOUR, None, False),
        ({"silent_after_h": 0.5}, 31 * MINUTE, None, True),
        ({"silent_after_h": 24}, 23 * HOUR, 10 * MINUTE, False),
        ({"off": ["silent"]}, 100 * HOUR, 10 * MINUTE, False),
    ],
)
def test_a_silence_is_reported_when_it_is_longer_than_usual(
    settings: dict[str, Any], silent_ms: int, usual_ms: int | None, told: bool
) -> None:
    memory, events = rules.overdue(
        VehicleEventSettings(**settings),
        VehicleMemory(time=NOW),
        received=NOW,
        since=0,
        usual_ms=usual_ms,
        now=NOW + silent_ms,
    )
    assert [event.kind for event in events] == ["silent"] * told
    assert (memory.silent_since == NOW) is told


def overdue(memory: VehicleMemory, hours: float, *, since: int = 0) -> tuple[VehicleMemory, list[Event]]:
    return rules.overdue(
        event_settings.DEFAULTS,
        memory,
        received=memory.time,
        since=since,
        usual_ms=10 * MINUTE,
        now=NOW + int(hours * HOUR),
    )


def test_a_silence_is_reported_once_and_its_end_once() -> None:
    memory, events = overdue(VehicleMemory(time=NOW), 2)
    assert [one[:3] for one in events] == [("silent", NOW + 2 * HOUR, {"hours": 2.0})]
    assert overdue(memory, 3) == (memory, [])
    memory, events = run([Sample(NOW + 4 * HOUR, {}), Sample(NOW + 5 * HOUR, {})], memory=memory)
    assert [one[:3] for one in events] == [("heard_again", NOW + 4 * HOUR, {"hours": 4.0})]


def test_nobody_was_silent_while_evd_did_not_listen() -> None:
    assert overdue(VehicleMemory(time=NOW), 100, since=NOW + 99 * HOUR + 30 * MINUTE)[1] == []
    assert overdue(VehicleMemory(time=NOW), 100, since=NOW + 98 * HOUR)[1] != []


def test_a_vehicle_that_was_never_seen_is_not_silent() -> None:
    assert overdue(VehicleMemory(), 100)[1] == []


def test_a_silence_that_ended_is_usual_from_then_on() -> None:
    """A car that stands each night is told of for some nights, by and by later."""
    memory, told = VehicleMemory(time=NOW), []
    for night in range(8):
        evening = NOW + night * 24 * HOUR
        memory.time = evening
        memory, events = rules.overdue(
            event_settings.DEFAULTS, memory, received=evening, since=0, usual_ms=10 * MINUTE, now=evening + 12 * HOUR
        )
        told.append(len(events))
        memory, _ = rules.step(event_settings.DEFAULTS, memory, Sample(evening + 12 * HOUR, {}))
    assert told == [1, 1, 1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("times", "usual_ms"),
    [
        ([], None),
        (TIMES[:4], None),
        (TIMES[:5], 10 * MINUTE),
        (TIMES, 10 * MINUTE),
        ([*TIMES[:19], NOW - 1000 * HOUR], 10 * MINUTE),
        ([NOW, NOW - HOUR, NOW - 9 * HOUR, NOW - 10 * HOUR, NOW - 18 * HOUR], 8 * HOUR),
    ],
)
def test_the_usual_gap_is_one_that_is_seldom_exceeded(times: list[int], usual_ms: int | None) -> None:
    assert rules.usual_gap_ms(times) == rules.usual_gap_ms(times[::-1]) == usual_ms


def test_uploads_twice_a_day_of_what_was_measured_each_ten_minutes_are_usual_in_the_end() -> None:
    minute, half_day = 60_000, 12 * 3_600_000
    memory, silent_in = VehicleMemory(), []
    for batch in range(20):
        received = (batch + 1) * half_day
        for number in range(72):
            measured = batch * half_day + (number + 1) * 10 * minute
            memory, _ = rules.step(VehicleEventSettings(), memory, Sample(measured, {"state": 0}, received))
        for later in range(5 * minute, half_day, 5 * minute):
            usual_ms = rules.usual_gap_ms([received] * 20)
            now = received + later
            memory, events = rules.overdue(
                VehicleEventSettings(), memory, received=received, since=0, usual_ms=usual_ms, now=now
            )
            silent_in += [batch for _ in events]
    assert len(silent_in) <= 4
    assert max(silent_in) < 5
