"""What one reading shows, until a second one confirms or withdraws it, or none comes."""

from __future__ import annotations

from typing import Any

import pytest
from event_stories import NOW

from evd.events.confirmation import NUMBER_MAX, TEXT_MAX, Confirmation, event_of, judge, overdue, samples_of, wait_ms
from evd.events.memory import EventRule, Unconfirmed, VehicleMemory
from evd.events.samples import Event, Sample


def forget(memory: VehicleMemory) -> None:
    memory.low = None


RULES = {
    kind: EventRule(
        kinds=("up", "down"),
        judge=lambda *_: [],
        fields=("charge", "inside"),
        holds=lambda memory, one: bool(memory.charging),
        forget=forget,
        opposites={"up": "down", "down": "up"},
    )
    for kind in ("up", "down")
} | {"plain": EventRule(kinds=("plain",), judge=lambda *_: [])}
"""Two kinds that hold while the vehicle charges, and one that needs no confirmation."""

HOLDS, HOLDS_NOT = VehicleMemory(charging=True, low=5.0), VehicleMemory(charging=False, low=5.0)


def unconfirmed(kind: str = "up", *, time: int = NOW, key: str = "", noticed: int = NOW) -> Unconfirmed:
    return Unconfirmed(kind, time, {"charge": 7}, key, [None], noticed, 15_000)


def later(fields: dict[str, Any] | None = None, time: int = NOW + 1) -> Sample:
    return Sample(time, {"charge": 7} if fields is None else fields)


def judged(
    waiting: list[Unconfirmed],
    sample: Sample,
    *,
    memory: VehicleMemory = HOLDS,
    shown: tuple[Event, ...] = (),
    wait: int = 15_000,
) -> Confirmation:
    return judge(RULES, memory, waiting, shown, sample, wait=wait)


@pytest.mark.parametrize(
    ("one", "sample", "confirmed"),
    [
        pytest.param(unconfirmed(), later(), True, id="a later reading that says so"),
        pytest.param(unconfirmed(), later(time=NOW), False, id="the same reading again"),
        pytest.param(unconfirmed(), later({}), False, id="one without a value"),
        pytest.param(unconfirmed(), later({"charge": None}), False, id="one with none"),
        pytest.param(unconfirmed(key="inside"), later(), False, id="one of another field than is watched"),
        pytest.param(unconfirmed(key="inside"), later({"inside": 0}), True, id="one of the field that is watched"),
        pytest.param(unconfirmed(key="home"), later(), True, id="what is watched is no field: the rule's first"),
    ],
)
def test_a_later_reading_with_a_value_confirms_what_still_holds(
    one: Unconfirmed, sample: Sample, confirmed: bool
) -> None:
    assert judged([one], sample) == (Confirmation([event_of(one)], []) if confirmed else Confirmation([], [one]))


def test_what_holds_no_more_is_withdrawn_and_forgotten_and_its_opposite_is_no_event() -> None:
    memory = VehicleMemory(charging=False, low=5.0)
    back, other = Event("down", NOW + 1, {}), Event("down", NOW + 1, {}, "elsewhere")
    result = judged([unconfirmed()], later(), memory=memory, shown=(back, other))
    assert (result.confirmed, [one.key for one in result.pending], memory.low) == ([], ["elsewhere"], None)


def test_what_a_reading_shows_waits_unless_its_rule_or_the_setting_wants_no_second_one() -> None:
    up, plain = Event("up", NOW, {"charge": 7}, "", [None]), Event("plain", NOW, {})
    sample = Sample(NOW, {}, received=NOW + 5)
    assert judged([], sample, shown=(up, plain)) == Confirmation([plain], [unconfirmed(noticed=NOW + 5)])
    assert judged([], sample, shown=(up, plain), wait=0) == Confirmation([up, plain], [])


@pytest.mark.parametrize(("after_ms", "over"), [(14_999, False), (15_000, True), (-14_999, False), (-15_000, True)])
def test_a_wait_ends_in_time_also_where_the_clock_was_set_back(after_ms: int, over: bool) -> None:
    one, fresh = unconfirmed(), unconfirmed("down", noticed=NOW + after_ms)
    expected = Confirmation([event_of(one)], [fresh]) if over else Confirmation([], [one, fresh])
    assert overdue([one, fresh], NOW + after_ms) == expected


@pytest.mark.parametrize(
    ("setting_s", "before", "wait_s"),
    [
        (None, None, 15.0),
        (None, Sample(NOW - 60_000, {}), 90.0),
        (None, Sample(NOW + 60_000, {}), 15.0),
        (None, Sample(NOW - 60_000, {}, received=NOW - 20_000), 30.0),
        (0, Sample(NOW - 60_000, {}), 0.0),
        (1.5, None, 1.5),
    ],
)
def test_the_wait_is_the_settings_or_follows_the_distance_of_what_was_heard(
    setting_s: float | None, before: Sample | None, wait_s: float
) -> None:
    assert wait_ms(setting_s, before, Sample(NOW, {})) == wait_s * 1000


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        (0, True),
        (-1.5, True),
        ("x" * TEXT_MAX, True),
        ("x" * (TEXT_MAX + 1), False),
        (NUMBER_MAX - 1, True),
        (NUMBER_MAX, False),
        (-NUMBER_MAX, False),
        (float("nan"), False),
        (float("inf"), False),
        (True, False),
        (None, False),
        ([1], False),
    ],
)
def test_an_event_keeps_short_values_of_its_two_samples(value: Any, is_kept: bool) -> None:
    sample = Sample(NOW, {"charge": value, "secret": 1}, status_id="s1")
    kept = {"charge": value} if is_kept else {}
    assert samples_of(None, sample, ("charge", "other")) == [None, {"time": NOW, "status_id": "s1"} | kept]
