"""What is remembered of a vehicle: as it is stored, read again, and worth a write."""

from __future__ import annotations

import msgspec
import pytest
from event_stories import NOW

from evd.events.memory import Unconfirmed, VehicleMemory, remembered, stored, worth_keeping

FULL = VehicleMemory(
    time=NOW,
    target=80.0,
    charging=True,
    low=19.0,
    outside={"indoor_temperature": "above"},
    places={"home": True},
    silent_since=NOW - 1,
    pending=[Unconfirmed("left", NOW, {"place": "home"}, "home", [None, {"time": NOW}], NOW, 15_000)],
)


@pytest.mark.parametrize("memory", [VehicleMemory(), FULL])
def test_a_memory_outlives_its_text(memory: VehicleMemory) -> None:
    assert remembered(stored(memory)) == memory


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"time": "x"}',
        b'{"outside": {"\xff": ""}}',
        b'{"pending": [{"kind": "left"}]}',
    ],
)
def test_what_cannot_be_read_is_a_new_memory(text: bytes | None) -> None:
    assert remembered(text) == VehicleMemory()


def test_the_sides_of_many_vehicles_are_one_object() -> None:
    assert remembered(stored(FULL)).outside is remembered(stored(FULL)).outside


def test_a_time_alone_is_not_worth_a_write_but_the_first_one_is() -> None:
    later = msgspec.structs.replace(FULL, time=NOW + 1)
    assert not worth_keeping(FULL, later)
    assert worth_keeping(FULL, msgspec.structs.replace(later, charging=False))
    assert worth_keeping(VehicleMemory(), VehicleMemory(time=NOW))
    assert not worth_keeping(VehicleMemory(), VehicleMemory())
