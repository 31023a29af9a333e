"""Laws of the rules, whatever is lost, comes late or comes again."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
from event_stories import CHARGING, EDGE, EVERYTHING, FAR, IDLE, NEAR, charging, idle, kinds, run, samples, twice
from hypothesis import given
from hypothesis import strategies as st

from evd.events import memory as memories
from evd.events import rules
from evd.events.memory import VehicleMemory
from evd.events.samples import Sample
from evd.model.event_settings import KINDS

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
