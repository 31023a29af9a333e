"""The sentences that tell of an event."""

from __future__ import annotations

from typing import Any

import pytest

from evd.events import texts as event_texts
from evd.model.event_settings import KINDS

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
