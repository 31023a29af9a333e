"""What statuses tell of a vehicle: each cause once, whatever swings, is lost or comes again."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.events import memory as memories
from evd.events import rules
from evd.events import texts as event_texts
from evd.events.memory import VehicleMemory
from evd.events.samples import Event, Sample
from evd.model import event_settings
from evd.model.event_settings import KINDS, Geofence, VehicleEventSettings
from evd.model.geo import distance_m

NOW = 1_700_000_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE

OFF, CHARGING, IDLE, DRIVING = range(4)
HOME = Geofence("home", 48.1486, 17.1077, 200.0)


def samples(*fields: dict[str, Any]) -> list[Sample]:
    """One each ten minutes."""
    return [Sample(NOW + number * 10 * MINUTE, one) for number, one in enumerate(fields)]


def twice(*fields: dict[str, Any]) -> list[Sample]:
    """Each is said by two samples, so that what swings is no slip of a reading."""
    return samples(*[one for field in fields for one in (field, field)])


def run(
    given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS, memory: VehicleMemory | None = None
) -> tuple[VehicleMemory, list[Event]]:
    memory, events = memory or VehicleMemory(), []
    for number, sample in enumerate(given):
        earlier = [one for one in given[:number] if one.time < sample.time]
        memory, new = rules.step(settings, memory, sample, max(earlier, key=lambda one: one.time, default=None))
        events += new
    return memory, events


def settled(given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS) -> list[Event]:
    """With what no second reading came for in the end."""
    memory, events = run(given, settings)
    return events + (rules.settle(memory, given[-1].heard + HOUR)[1] if given else [])


def kinds(given: list[Sample], settings: VehicleEventSettings = event_settings.DEFAULTS) -> list[str]:
    return [event.kind for event in settled(given, settings)]


def charging(*charges: float, target: float = 80, state: int = CHARGING) -> list[dict[str, Any]]:
    return [{"state": state, "current_charge": charge, "target_charge": target} for charge in charges]


def idle(*charges: float, target: float = 80) -> list[dict[str, Any]]:
    return charging(*charges, target=target, state=IDLE)


def indoor(*values: Any) -> list[dict[str, Any]]:
    return [{"indoor_temperature": value} for value in values]


def at(*places: str) -> list[dict[str, Any]]:
    return [{"location": place} for place in places]


WARM = VehicleEventSettings(temperature_min=5, temperature_max=30)
AT_HOME = VehicleEventSettings(places=[HOME])
EVERYTHING = VehicleEventSettings(temperature_min=0, temperature_max=30, outdoor_max=30, places=[HOME])
NEAR, FAR, EDGE = "48.1486,17.1078", "48.2000,17.1077", "48.15085,17.1077"  # 7 m, 5.7 km, 250 m


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


# Silence

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


# Laws

a_value = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20) | st.lists(st.integers())
a_document = st.dictionaries(
    st.sampled_from(
        ["state", "current_charge", "target_charge", "range", "indoor_temperature", "outdoor_temperature", "location"]
    ),
    a_value | st.integers(0, 100) | st.sampled_from([NEAR, FAR, EDGE]),
)
a_story = st.lists(a_document, max_size=12)


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), a_document), max_size=8))
def test_whatever_a_status_holds_no_step_fails_and_memory_outlives_its_text(
    story: list[tuple[int, dict[str, Any]]],
) -> None:
    memory, events = run([Sample(*one) for one in story], EVERYTHING)
    assert memories.remembered(memories.stored(memory)) == memory
    assert all(event.kind in KINDS and json.dumps(event.details, allow_nan=False) for event in events)


@given(a_story, st.data())
def test_what_comes_again_or_late_changes_nothing(story: list[dict[str, Any]], data: st.DataObject) -> None:
    once = samples(*story)
    again: list[Sample] = []
    for number, sample in enumerate(once):
        again.append(sample)
        again += data.draw(st.lists(st.sampled_from(once[: number + 1]), max_size=3))
    assert run(again, EVERYTHING) == run(once, EVERYTHING)


@given(a_story)
def test_a_memory_that_was_written_only_where_it_was_worth_it_leads_to_the_same(story: list[dict[str, Any]]) -> None:
    """As after a crash at any status: what was not kept is not missed."""
    memory, kept, events, crashed = VehicleMemory(), VehicleMemory(), [], []
    for sample in samples(*story):
        following, new = rules.step(EVERYTHING, memory, sample)
        if memories.worth_keeping(memory, following):
            kept = following
        assert not new or kept is following
        events += new
        crashed += rules.step(EVERYTHING, msgspec.structs.replace(kept), sample)[1]
        memory = following
    assert crashed == []
    assert msgspec.structs.replace(kept, time=memory.time) == memory


#: Kind → a field, where it was told, and what swings within the margins from then on.
SWINGS = [
    ("target_reached", "current_charge", 80, st.floats(75.5, 100)),
    ("charge_low", "current_charge", 15, st.floats(10.5, 24.5)),
    ("temperature", "indoor_temperature", 31, st.floats(28.5, 40)),
]


@given(st.sampled_from(SWINGS), st.data())
def test_nothing_is_reported_twice_while_it_swings_within_the_margins(
    swing: tuple[str, str, float, Any], data: st.DataObject
) -> None:
    kind, name, told, values = swing
    story = [{"state": IDLE, "target_charge": 80, name: value} for value in data.draw(st.lists(values, max_size=12))]
    first = {"state": IDLE, "target_charge": 80, "current_charge": 50, "indoor_temperature": 20}
    whole = twice(first, {"state": IDLE, "target_charge": 80, name: told}, *story)
    assert kinds(whole, EVERYTHING).count(kind) == 1


@given(st.lists(st.tuples(st.booleans(), st.floats(50, 54)), max_size=12))
def test_a_charger_that_goes_on_and_off_is_reported_once(story: list[tuple[bool, float]]) -> None:
    turns = [charging(charge, state=CHARGING if on else IDLE)[0] for on, charge in story]
    assert kinds(twice(*charging(52), *idle(52), *turns)).count("charging_stopped") == 1


@given(st.lists(st.integers(0, 100), min_size=2, max_size=12).map(sorted), st.data())
def test_of_a_charge_that_rises_lost_statuses_make_no_more_events(charges: list[int], data: st.DataObject) -> None:
    whole = samples(*charging(*charges), *idle(charges[-1]))
    kept = [sample for sample in whole if data.draw(st.booleans())]
    full, partial = Counter(kinds(whole)), Counter(kinds(kept))
    assert partial <= full


# VehicleEventSettings


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ({"low_charge": 101}, "low_charge"),
        ({"low_charge": "x"}, "low_charge"),
        ({"low_chrage": 10}, "low_chrage"),
        ({"temperature_max": 1000}, "temperature_max"),
        ({"temperature_min": 30, "temperature_max": 20}, "temperature_min"),
        ({"outdoor_min": 5, "outdoor_max": 5}, "outdoor_min"),
        ({"silent_after_h": 0}, "silent_after_h"),
        ({"off": ["tarte"]}, "off: there is no kind 'tarte'"),
        ({"places": [{"name": "home", "lat": 100, "lng": 0}]}, "places"),
        ({"places": [{"name": "", "lat": 0, "lng": 0}]}, "name"),
        ({"places": [{"name": "a", "lat": 0, "lng": 0}] * 2}, "places: two of them"),
        ({"places": [{"name": str(n), "lat": 0, "lng": 0} for n in range(21)]}, "places"),
        ([], "object"),
        (7, "object"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_sentence_that_names_them(document: Any, part: str) -> None:
    with pytest.raises(BadRequest, match=part):
        event_settings.parse(document)


@pytest.mark.parametrize("stored", [None, b"", b"{", b"[]", b"\xff", b'{"time": "x", "low_charge": 900}'])
def test_of_what_cannot_be_read_the_defaults_hold(stored: bytes | None) -> None:
    assert (event_settings.read(stored), memories.remembered(stored)) == (VehicleEventSettings(), VehicleMemory())


def test_settings_outlive_their_text() -> None:
    settings = event_settings.parse(
        {"low_charge": 15, "places": [{"name": "home", "lat": 1, "lng": 2}], "off": ["left"]}
    )
    assert event_settings.read(msgspec.json.encode(settings)) == settings


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [((0, 0), (0, 0), 0), ((0, 0), (0, 180), 20_015_087), ((48.1486, 17.1077), (48.2, 17.1077), 5716)],
)
def test_distances_are_those_on_a_sphere(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    assert distance_m(one, other) == pytest.approx(metres, abs=1)


# Sentences

TOLD: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "target_reached": [
        (
            {"charge": 80, "target": 80, "how": "reached"},
            "The target of 80 % is reached.",
            "Batéria je nabitá na cieľových 80 %.",
        ),
        (
            {"charge": 84, "target": 80, "how": "passed"},
            "The charge is 84 %, the target was 80 %.",
            "Batéria je nabitá na 84 %, cieľ bol 80 %.",
        ),
    ],
    "charging_stopped": [
        (
            {"charge": 60.4, "target": 80},
            "Charging ended at 60 %, before the target of 80 %.",
            "Nabíjanie sa skončilo na 60 %, pred dosiahnutím cieľa 80 %.",
        ),
    ],
    "charge_low": [
        ({"charge": 19, "limit": 20}, "The charge is 19 %.", "Batéria je nabitá na 19 %."),
        (
            {"charge": 19, "limit": 20, "range": 42},
            "The charge is 19 %, enough for about 42 km.",
            "Batéria je nabitá na 19 %, čo stačí asi na 42 km.",
        ),
    ],
    "temperature": [
        (
            {"which": "indoor_temperature", "side": "above", "value": 31.3, "limit": 30},
            "It is 31.3 °C inside, which is above 30 °C.",
            "Vo vozidle je 31,3 °C, teda viac ako 30 °C.",
        ),
        (
            {"which": "outdoor_temperature", "side": "below", "value": -12, "limit": -10},
            "It is -12 °C outside, which is below -10 °C.",
            "Vonku je -12 °C, teda menej ako -10 °C.",
        ),
    ],
    "arrived": [({"place": "home"}, "The vehicle is at this place: home.", "Vozidlo dorazilo na miesto home.")],
    "left": [({"place": "home"}, "The vehicle has left this place: home.", "Vozidlo opustilo miesto home.")],
    "silent": [
        (
            {"hours": 2.5},
            "Nothing has been heard of the vehicle for 2.5 h, which is longer than usual.",
            "Vozidlo sa neozvalo už 2,5 h, čo je dlhšie ako zvyčajne.",
        )
    ],
    "heard_again": [({"hours": 4.0}, "The vehicle speaks again after 4 h.", "Vozidlo sa ozvalo po 4 h ticha.")],
}


@pytest.mark.parametrize("kind", TOLD)
def test_a_sentence_says_it_in_the_users_language(kind: str) -> None:
    for details, english, slovak in TOLD[kind]:
        assert event_texts.sentence(kind, details, "en", "386625")[1] == english
        title, body = event_texts.sentence(kind, details, "sk", "386625")
        assert (title.startswith("386625: "), body) == (True, slovak)


def test_every_kind_has_its_sentence_in_every_language() -> None:
    assert {kind for texts in event_texts.TEXTS.values() for kind in texts} == set(KINDS) == set(TOLD)
    assert all(texts.keys() == set(KINDS) for texts in event_texts.TEXTS.values())


@pytest.mark.parametrize("kind", [*KINDS, "unheard_of"])
@pytest.mark.parametrize("language", ["en", "sk", "xx"])
@pytest.mark.parametrize("details", [{}, {"charge": "x", "hours": None, "side": 7, "which": [], "how": 1}])
def test_what_is_not_known_stands_as_its_kind(kind: str, language: str, details: dict[str, Any]) -> None:
    assert event_texts.sentence(kind, details, language, "386625") == (f"386625: {kind}", "")


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


def test_too_cold_is_reported_also_right_after_too_warm_and_within_a_range_smaller_than_the_margin() -> None:
    settings = event_settings.parse({"temperature_min": 20, "temperature_max": 21, "temperature_margin": 5})
    assert kinds(twice(*indoor(20.5, 25, 17)), settings) == ["temperature", "temperature"]


def test_a_place_that_is_moved_on_the_map_moves_no_vehicle() -> None:
    home = {"name": "home", "lat": 48.15, "lng": 17.11}
    sample = Sample(1, {"location": "48.15,17.11"})
    memory, _ = rules.step(event_settings.parse({"places": [home]}), VehicleMemory(), sample)
    _, events = rules.step(event_settings.parse({"places": [home | {"lat": 48.25}]}), memory, sample._replace(time=2))
    assert events == []


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
