"""What statuses tell of a vehicle: each cause once, whatever swings."""

from __future__ import annotations

from typing import Any

import pytest
from event_stories import (
    CHARGING,
    DRIVING,
    EDGE,
    EVERYTHING,
    FAR,
    HOME,
    IDLE,
    MINUTE,
    NEAR,
    NOW,
    OFF,
    charging,
    idle,
    kinds,
    run,
    samples,
    settled,
    twice,
)

from evd.events import memory as memories
from evd.events import rules
from evd.events.memory import VehicleMemory
from evd.events.samples import Sample
from evd.model import event_settings
from evd.model.event_settings import VehicleEventSettings


def indoor(*values: Any) -> list[dict[str, Any]]:
    return [{"indoor_temperature": value} for value in values]


def at(*places: str) -> list[dict[str, Any]]:
    return [{"location": place} for place in places]


WARM = VehicleEventSettings(temperature_min=5, temperature_max=30)
AT_HOME = VehicleEventSettings(places=[HOME])


@pytest.mark.parametrize(
    ("story", "settings", "told"),
    [
        # the target
        (charging(70, 80), {}, ["target_reached"]),
        (charging(70, 78, 84), {}, ["target_reached"]),
        (charging(70) + idle(80), {}, ["target_reached"]),
        (charging(70, 80, 79, 80, 81, 78, 82), {}, ["target_reached"]),
        (charging(70, 80, 75, 80), {}, ["target_reached"] * 2),
        (charging(70, 80, 80, target=80) + charging(80, 90, target=90), {}, ["target_reached"] * 2),
        (charging(70, 80) + charging(81, target=81) + charging(81, 81, target=80), {}, ["target_reached"] * 2),
        (charging(85, 86, 87), {}, []),
        (charging(70, 90, target=0), {}, []),
        (charging(70, 80), {"off": ["target_reached"]}, []),
        # charging ends early
        (charging(50, 60) + idle(60), {}, ["charging_stopped"]),
        (charging(50, 60) + idle(60) + charging(61) + idle(61) + charging(63) + idle(63), {}, ["charging_stopped"]),
        (charging(50, 60) + idle(60) + charging(61, 70) + idle(70), {}, ["charging_stopped"] * 2),
        (charging(50, 78) + idle(78), {}, []),
        (charging(50, 60, state=CHARGING) + charging(60, state=DRIVING) + idle(60), {}, []),
        (charging(50, 80) + idle(70), {}, ["target_reached", "charging_stopped"]),
        (idle(50, 60, 60), {}, []),
        # little charge
        (idle(25, 19, 15, 12), {}, ["charge_low"]),
        (idle(25, 19, 21, 19, 24, 18), {}, ["charge_low"]),
        (idle(25, 19, 25, 19), {}, ["charge_low"] * 2),
        (idle(25, 15) + charging(16, 18, 22) + idle(19), {}, ["charge_low", "charging_stopped", "charge_low"]),
        (idle(25, 15) + charging(15) + idle(15) + charging(15) + idle(15), {}, ["charge_low", "charging_stopped"]),
        (idle(15, 14, 13), {}, []),
        (charging(5, 10, 15), {}, []),
        (idle(25, 19), {"low_charge": 10}, []),
        # temperature
        (indoor(20, 35), {}, []),
        (indoor(20, 31, 29, 31), {"temperature_max": 30}, ["temperature"]),
        (indoor(20, 31, 28, 31), {"temperature_max": 30}, ["temperature"] * 2),
        (indoor(20, 4, 31), {"temperature_min": 5, "temperature_max": 30}, ["temperature"] * 2),
        (indoor(35, 36), {"temperature_max": 30}, []),
        ([{"outdoor_temperature": value} for value in (20, -20)], {"outdoor_min": -10}, ["temperature"]),
        # places
        (at(FAR, NEAR, FAR), {"places": [HOME]}, ["arrived", "left"]),
        (at(NEAR, EDGE, NEAR, EDGE), {"places": [HOME]}, []),
        (at(FAR, EDGE, FAR), {"places": [HOME]}, []),
        (at(NEAR, NEAR), {"places": [HOME]}, []),
        (at(FAR, NEAR), {}, []),
    ],
)
def test_a_story_shows_each_cause_once(story: list[dict[str, Any]], settings: dict[str, Any], told: list[str]) -> None:
    assert kinds(twice(*story), VehicleEventSettings(**settings)) == told


@pytest.mark.parametrize(
    ("story", "settings", "details"),
    [
        (charging(70, 80), event_settings.DEFAULTS, {"charge": 80, "target": 80, "how": "reached"}),
        (charging(70, 84), event_settings.DEFAULTS, {"charge": 84, "target": 80, "how": "passed"}),
        (charging(50) + idle(60), event_settings.DEFAULTS, {"charge": 60, "target": 80}),
        ([*idle(25), idle(19)[0] | {"range": 42}], event_settings.DEFAULTS, {"charge": 19, "limit": 20, "range": 42}),
        (indoor(20, 31.26), WARM, {"which": "indoor_temperature", "side": "above", "value": 31.3, "limit": 30}),
        (at(FAR, NEAR), AT_HOME, {"place": "home"}),
    ],
)
def test_an_event_has_the_numbers_of_its_sentence(
    story: list[dict[str, Any]], settings: VehicleEventSettings, details: dict[str, Any]
) -> None:
    (event,) = settled(samples(*story), settings)
    assert event.details == details
    assert event.time == samples(*story)[-1].time


NOTHING = [None, "80", True, [], {}, -1, 101, 1e300, float("nan"), 10**40]


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize(
    "name", ["state", "current_charge", "target_charge", "indoor_temperature", "outdoor_temperature", "location"]
)
def test_a_field_without_a_usable_value_says_nothing(name: str, value: Any) -> None:
    full = charging(70)[0] | {"indoor_temperature": 20, "outdoor_temperature": 20, "location": FAR}
    before, _ = run(samples(full), EVERYTHING)
    unusable = value if "temperature" not in name or value not in (-1, 101) else None  # some days have these
    after, events = rules.step(EVERYTHING, before, Sample(NOW + MINUTE, {name: unusable}))
    assert (events, memories.worth_keeping(before, after)) == ([], False)


def test_the_first_status_that_says_something_is_where_it_stands() -> None:
    bare: list[dict[str, Any]] = [{"state": IDLE}, {"current_charge": 5, "target_charge": 4, "location": NEAR}]
    assert kinds(samples(*bare, *indoor(50)), VehicleEventSettings(places=[HOME], temperature_max=30)) == []


def test_a_status_older_than_the_last_one_changes_nothing() -> None:
    memory, _ = run(samples(*charging(70, 75)))
    assert rules.step(event_settings.DEFAULTS, memory, Sample(NOW, charging(99)[0])) == (memory, [])


# One reading, and the next one


def minutely(*fields: dict[str, Any]) -> list[Sample]:
    return [Sample(NOW + number * MINUTE, one, status_id=f"s{number}") for number, one in enumerate(fields)]


BARE: dict[str, Any] = {"state": OFF}


@pytest.mark.parametrize(
    ("story", "settings", "told"),
    [
        pytest.param(idle(70, 70, 0, 71, 71), {}, [], id="E01-soc-zero-glitch"),
        pytest.param(idle(70, 70, 4, 71, 71), {}, [], id="E01, of another value"),
        pytest.param(idle(70, 70, 0), {}, [], id="E01, and then silence"),
        pytest.param(idle(30, 20, 12, 9, 0, 0), {}, ["charge_low"], id="but a charge that comes down to 0 %"),
        pytest.param(
            [*charging(78), {"state": None, "current_charge": 79, "target_charge": 80}, *charging(79, 80, 79, 80)],
            {},
            ["target_reached"],
            id="E03-null-state",
        ),
        pytest.param(
            [*charging(69, 72, 75, target=90), BARE | {"current_charge": 0}],
            {},
            ["charging_stopped"],
            id="E04-session-ends-at-zero",
        ),
        pytest.param(
            [*charging(69, 72, 75, target=90), BARE | {"current_charge": None}],
            {},
            ["charging_stopped"],
            id="E04, with nothing",
        ),
        pytest.param(charging(60) + idle(60) + charging(60), {}, [], id="E07-flapping-charge"),
        pytest.param(charging(60) + idle(60, 60), {}, ["charging_stopped"], id="E07, but it did stop"),
        pytest.param(
            charging(60) + idle(60) + charging(60),
            {"confirm_after_s": 0},
            ["charging_stopped"],
            id="E07, set",
        ),
        pytest.param([{"current_charge": 0}], {}, [], id="E08-zero-at-first-sight"),
        pytest.param(charging(70, 80, 70), {}, [], id="a target for one reading"),
        pytest.param(indoor(20, 40, 20), {"temperature_max": 30}, [], id="a temperature for one reading"),
        pytest.param(
            indoor(20, 40, -9, -9), {"temperature_max": 30, "temperature_min": 0}, ["temperature"], id="other"
        ),
        pytest.param(at(NEAR, FAR, NEAR), {"places": [HOME]}, [], id="away for one reading"),
        pytest.param(at(FAR, NEAR, FAR), {"places": [HOME]}, [], id="home for one reading"),
        pytest.param(at(FAR, NEAR, NEAR), {"places": [HOME]}, ["arrived"], id="home for good"),
        pytest.param(charging(70, target=80) + charging(70, 70, target=60), {}, [], id="a target that was lowered"),
        pytest.param(charging(70, target=80) + charging(70, 75, target=75), {}, ["target_reached"], id="reached"),
        pytest.param(
            charging(60, 60, target=80) + charging(80, target=90) + charging(90, target=90),
            {},
            ["target_reached"],
            id="raised",
        ),
    ],
)
def test_a_reading_that_jumps_out_and_back_is_no_event(
    story: list[dict[str, Any]], settings: dict[str, Any], told: list[str]
) -> None:
    assert kinds(minutely(*story), VehicleEventSettings(**settings)) == told


@pytest.mark.parametrize("end", [{"current_charge": 0}, {"current_charge": None}, {}])
def test_a_charge_that_ended_is_reported_with_what_it_had_reached(end: dict[str, Any]) -> None:
    """E04-session-ends-at-zero"""
    (event,) = settled(minutely(*charging(69, 72, 75, target=90), BARE | end))
    assert event.details == {"charge": 75, "target": 90}
    before, after = event.samples
    assert (before and before["current_charge"], after and after["status_id"]) == (75, "s3")


def test_an_event_has_the_two_samples_that_were_compared() -> None:
    (event,) = run(minutely(*idle(25, 19, 18)))[1]
    usual = {"state": IDLE, "target_charge": 80}
    assert list(event.samples) == [
        {"time": NOW, "status_id": "s0", "current_charge": 25, **usual},
        {"time": NOW + MINUTE, "status_id": "s1", "current_charge": 19, **usual},
    ]
    assert (event.time, event.details["charge"]) == (NOW + MINUTE, 19), "and not those of the one that confirmed it"


@pytest.mark.parametrize(
    ("gap_s", "setting_s", "waits_s"),
    [(1, None, 15), (60, None, 90), (600, None, 900), (86_400, None, 900), (60, 5, 5), (1, 3600, 3600)],
)
def test_without_a_second_reading_it_is_reported_after_the_usual_distance_of_two(
    gap_s: int, setting_s: float | None, waits_s: int
) -> None:
    first, then = idle(25, 19)
    showed = NOW + gap_s * 1000
    settings = VehicleEventSettings(confirm_after_s=setting_s)
    memory, events = run([Sample(NOW, first), Sample(showed, then)], settings)
    memory = memories.remembered(memories.stored(memory))  # as after a restart
    due = showed + waits_s * 1000
    assert (events, rules.settles_at(memory), rules.settle(memory, due - 1)) == ([], due, (memory, []))
    settled_memory, events = rules.settle(memory, due)
    assert [event.kind for event in events] == ["charge_low"]
    assert rules.settle(settled_memory, due) == (settled_memory, [])


def test_too_cold_is_reported_also_right_after_too_warm_and_within_a_range_smaller_than_the_margin() -> None:
    settings = event_settings.parse({"temperature_min": 20, "temperature_max": 21, "temperature_margin": 5})
    assert kinds(twice(*indoor(20.5, 25, 17)), settings) == ["temperature", "temperature"]


def test_a_place_that_is_moved_on_the_map_moves_no_vehicle() -> None:
    home = {"name": "home", "lat": 48.15, "lng": 17.11}
    sample = Sample(1, {"location": "48.15,17.11"})
    memory, _ = rules.step(event_settings.parse({"places": [home]}), VehicleMemory(), sample)
    _, events = rules.step(event_settings.parse({"places": [home | {"lat": 48.25}]}), memory, sample._replace(time=2))
    assert events == []


@pytest.mark.parametrize(
    ("settings", "samples", "told"),
    [
        pytest.param(
            {"low_charge": 97},
            [(0, 99), (0, 96), (1, 100), (0, 100), (0, 50)],
            ["charge_low", "charge_low"],
            id="a bound so high that no charge lies by the margin above it",
        ),
    ],
)
def test_a_low_charge_is_reported_again_after_a_full_one(
    settings: dict[str, Any], samples: list[tuple[int, float]], told: list[str]
) -> None:
    fields = [{"state": state, "current_charge": charge} for state, charge in samples]
    assert kinds(twice(*fields), event_settings.parse(settings)) == told
