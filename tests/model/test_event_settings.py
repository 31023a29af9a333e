"""The settings of a vehicle's events: what is refused, and what is read again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from evd.errors import BadRequest
from evd.model import event_settings
from evd.model.event_settings import KINDS, PLACES_MAX, VehicleEventSettings


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


@pytest.mark.parametrize("stored", [None, b"", b"{", b"[]", b"\xff", b'{"low_charge": 900}', b'{"off": ["\xff"]}'])
def test_of_what_cannot_be_read_the_defaults_hold(stored: bytes | None) -> None:
    assert event_settings.read(stored) == VehicleEventSettings()


def test_settings_outlive_their_text() -> None:
    settings = event_settings.parse(
        {"low_charge": 15, "places": [{"name": "home", "lat": 1, "lng": 2}], "off": ["left"]}
    )
    assert event_settings.read(msgspec.json.encode(settings)) == settings


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"low_charge": 0},
        {"low_charge": 100},
        {"silent_after_h": 0.25},
        {"temperature_min": 19.9, "temperature_max": 20},
        {"outdoor_min": 20},
        {"off": list(KINDS)},
        {"places": [{"name": str(n), "lat": -90, "lng": 180, "radius_m": 20} for n in range(PLACES_MAX)]},
    ],
)
def test_settings_at_their_bounds_are_taken(document: dict[str, Any]) -> None:
    settings = event_settings.parse(document)
    assert {name: msgspec.to_builtins(settings)[name] for name in document} == document
