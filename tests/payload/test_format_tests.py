"""The tests beside a format: what is right, what differs, what is no payload."""

from __future__ import annotations

from typing import Any

import pytest

from evd.config.settings import FormatSettings
from evd.model.measures import ALIASES
from evd.payload.format_tests import tried

GRAMMAR = "load::uint:8 temp::int:16 door:3:bool:0"


@pytest.mark.parametrize(
    ("payload", "expected", "wrong"),
    [
        ("2a015e01", {"load": 42, "temp": 35.0, "door": True}, {}),
        ("2a015e01", {"temp": 35.00001}, {}),
        ("2a015e01", {"temp": 36}, {"temp": (36, 35.0)}),
        ("2a015e01", {"door": 1}, {"door": (1, True)}),
        ("2a", {"temp": "null", "load": 42}, {}),
        ("2a", {"temp": 0}, {"temp": (0, None)}),
        ("2a015e01", {"speed": 1}, {"speed": (1, None)}),
    ],
)
def test_a_field_is_as_it_was_expected_or_named(payload: str, expected: dict[str, Any], wrong: object) -> None:
    settings = FormatSettings(GRAMMAR, {"temp": {"scale": 0.1}}, {payload: expected})
    (one,) = tried("trailer", settings)
    assert (one.format, one.payload, one.wrong, one.is_right) == ("trailer", payload, wrong, not wrong)


def test_either_spelling_names_a_field() -> None:
    alias, name = next(iter(ALIASES.items()))
    settings = FormatSettings(f"{alias}::uint:8", {}, {"2a": {alias: 42}, "2b": {name: 43}})
    assert [one.is_right for one in tried("x", settings)] == [True, True]


def test_what_is_no_payload_is_said() -> None:
    (one,) = tried("x", FormatSettings("load::uint:8", {}, {"zz": {"load": 1}}))
    assert not one.is_right and "hex" in one.refused
