"""The settings of a vehicle's events, and the sentences that tell of one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from event_stories import kinds, twice

from evd.errors import BadRequest
from evd.events import memory as memories
from evd.events import texts as event_texts
from evd.events.memory import VehicleMemory
from evd.model import event_settings
from evd.model.event_settings import KINDS, VehicleEventSettings
from evd.model.geo import distance_m

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
