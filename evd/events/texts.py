"""The text of an event in the user's language: a title and one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def sentence(kind: str, details: Mapping[str, Any], language: str, name: str) -> tuple[str, str]:
    """Title and body; `name` is the vehicle's name. Never raises: an unknown event is shown by its kind."""
    made = TEXTS.get(language, TEXTS["en"]).get(kind)
    try:
        title, body = made(_Known(details)) if made else (kind, "")
    except (KeyError, TypeError, ValueError):
        title, body = kind, ""
    return f"{name}: {title}", body


class _Known(dict[str, Any]):
    """Details; a missing one raises KeyError, and then there is no sentence."""

    def number(self, name: str, digits: int = 0) -> str:
        """Without needless zeros: 80, 21.5."""
        return f"{round(float(self[name]), digits):g}"


def _decimal(text: str) -> str:
    """Slovak has a comma there."""
    return text.replace(".", ",")


def _range_en(it: _Known) -> str:
    return f", enough for about {it.number('range')} km" if "range" in it else ""


def _range_sk(it: _Known) -> str:
    return f", čo stačí asi na {it.number('range')} km" if "range" in it else ""


_WHICH = {
    "en": {"indoor_temperature": "inside", "outdoor_temperature": "outside"},
    "sk": {"indoor_temperature": "Vo vozidle", "outdoor_temperature": "Vonku"},
}
_SIDE = {
    "en": {"below": ("too cold", "below"), "above": ("too warm", "above")},
    "sk": {"below": ("príliš chladno", "menej"), "above": ("príliš teplo", "viac")},
}


def _temperature_en(it: _Known) -> tuple[str, str]:
    title, side = _SIDE["en"][it["side"]]
    where = _WHICH["en"][it["which"]]
    return title, f"It is {it.number('value', 1)} °C {where}, which is {side} {it.number('limit', 1)} °C."


def _temperature_sk(it: _Known) -> tuple[str, str]:
    title, side = _SIDE["sk"][it["side"]]
    value, limit = _decimal(it.number("value", 1)), _decimal(it.number("limit", 1))
    return title, f"{_WHICH['sk'][it['which']]} je {value} °C, teda {side} ako {limit} °C."


def _target_en(it: _Known) -> tuple[str, str]:
    charge, target = it.number("charge", 1), it.number("target", 1)
    if it["how"] == "passed":
        return "charged beyond the target", f"The charge is {charge} %, the target was {target} %."
    return "charged", f"The target of {target} % is reached."


def _target_sk(it: _Known) -> tuple[str, str]:
    charge, target = it.number("charge", 1), it.number("target", 1)
    if it["how"] == "passed":
        return "nabité nad cieľ", f"Batéria je nabitá na {charge} %, cieľ bol {target} %."
    return "nabité", f"Batéria je nabitá na cieľových {target} %."


#: Language → kind → its sentence; a new language is a new row, a new kind a row in each.
TEXTS: dict[str, dict[str, Callable[[_Known], tuple[str, str]]]] = {
    "en": {
        "target_reached": _target_en,
        "charging_stopped": lambda it: (
            "charging stopped",
            f"Charging ended at {it.number('charge')} %, before the target of {it.number('target')} %.",
        ),
        "charge_low": lambda it: ("charge is low", f"The charge is {it.number('charge')} %{_range_en(it)}."),
        "temperature": _temperature_en,
        "arrived": lambda it: (f"arrived: {it['place']}", f"The vehicle is at this place: {it['place']}."),
        "left": lambda it: (f"left: {it['place']}", f"The vehicle has left this place: {it['place']}."),
        "silent": lambda it: (
            "not heard",
            f"Nothing has been heard of the vehicle for {it.number('hours', 1)} h, which is longer than usual.",
        ),
        "heard_again": lambda it: ("heard again", f"The vehicle speaks again after {it.number('hours', 1)} h."),
    },
    "sk": {
        "target_reached": _target_sk,
        "charging_stopped": lambda it: (
            "nabíjanie sa zastavilo",
            f"Nabíjanie sa skončilo na {it.number('charge')} %, pred dosiahnutím cieľa {it.number('target')} %.",
        ),
        "charge_low": lambda it: ("slabá batéria", f"Batéria je nabitá na {it.number('charge')} %{_range_sk(it)}."),
        "temperature": _temperature_sk,
        "arrived": lambda it: (f"príchod: {it['place']}", f"Vozidlo dorazilo na miesto {it['place']}."),
        "left": lambda it: (f"odchod: {it['place']}", f"Vozidlo opustilo miesto {it['place']}."),
        "silent": lambda it: (
            "vozidlo sa neozýva",
            f"Vozidlo sa neozvalo už {_decimal(it.number('hours', 1))} h, čo je dlhšie ako zvyčajne.",
        ),
        "heard_again": lambda it: (
            "vozidlo sa opäť ozvalo",
            f"Vozidlo sa ozvalo po {_decimal(it.number('hours', 1))} h ticha.",
        ),
    },
}
