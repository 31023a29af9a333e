"""evd event: what happened to vehicles, and the settings of it, a key at a time."""

from __future__ import annotations

from typing import Any

import pytest
from command_line import Evd

from evd.cli.event import _compared, changed
from evd.errors import ConfigError


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((), {"a": 1, "off": ["left"]}),
        (("a=15",), {"a": 15, "off": ["left"]}),
        (("a=", "off="), {}),
        (("b=",), {"a": 1, "off": ["left"]}),
        (('off=["left", "parked"]',), {"a": 1, "off": ["left", "parked"]}),
        (("quiet=22:00-07:00", "text=a=b"), {"a": 1, "off": ["left"], "quiet": "22:00-07:00", "text": "a=b"}),
        (("a=1", "a=2"), {"a": 2, "off": ["left"]}),
        (("a=true", "off=null"), {"a": True, "off": None}),
    ],
)
def test_a_value_is_json_or_else_text_and_without_one_the_default_comes_back(
    changes: tuple[str, ...], expected: dict[str, Any]
) -> None:
    document = {"a": 1, "off": ["left"]}
    assert changed(document, changes) == expected
    assert document == {"a": 1, "off": ["left"]}, "the one that was given stays as it is"


@pytest.mark.parametrize("change", ["a", "=5", ""])
def test_a_change_without_a_key_or_an_equals_sign_is_refused(change: str) -> None:
    with pytest.raises(ConfigError, match="is not KEY=VALUE"):
        changed({}, (change,))


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        (None, None),
        ([{"time": 0}], None),
        (
            [{"time": 1000, "current_charge": 25}, {"time": 60_000, "current_charge": 19}],
            "current_charge 25 → 19, 1970-01-01 00:00:01 → 1970-01-01 00:01:00",
        ),
        ([None, {"time": 1000, "state": 1}], "state – → 1, – → 1970-01-01 00:00:01"),
        ([{"a": 1, "status_id": "x"}, {"b": 2, "status_id": "y"}], "a 1 → –, b – → 2, – → –"),
    ],
)
def test_the_two_samples_that_an_event_compares_are_shown_side_by_side(samples: Any, text: str | None) -> None:
    assert _compared(samples) == text


def test_settings_and_preferences_are_shown_as_they_are_typed(evd: Evd) -> None:
    evd("vehicle", "set", "9A1")
    assert "low_charge = 15.0\n" in evd("event", "settings", "9A1", "low_charge=15").out
    usual = evd("event", "settings", "9A1", "low_charge=", "--json").json["low_charge"]
    assert usual != 15
    assert 'language = "sk"\n' in evd("event", "preferences", "a user/1", "language=sk").out
    assert evd("event", "preferences", "a user/1", "--json").json["language"] == "sk"
    wrong = evd("event", "settings", "9A1", "no_such_key=1")
    assert (wrong.code, "no_such_key" in wrong.err) == (1, True), wrong


def test_where_nothing_happened_it_is_said_why(evd: Evd) -> None:
    evd("vehicle", "set", "9A2")
    assert evd("event", "list", "9A2").out == "There are no events: only vehicles with an owner or a phone have them.\n"
    assert evd("event", "list", "9A2", "--kind", "no such kind").code == 2
