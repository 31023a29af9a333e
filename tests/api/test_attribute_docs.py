"""What stands below the attributes of a class in the source becomes their descriptions."""

from __future__ import annotations

from typing import TypedDict

import msgspec

from evd.api.attribute_docs import attribute_docs


class Wheel(TypedDict):
    bar: float
    """Pressure,
    above the air's."""
    worn: bool


class Car(msgspec.Struct):
    wheels: list[Wheel]
    """Four."""
    next: Car | None = None
    #: A comment is no description.
    paint: str = ""
    name = "of no type"
    """No attribute of the document."""


def test_the_text_below_an_attribute_is_its_description_in_all_classes_that_a_type_reaches() -> None:
    assert attribute_docs([list[Car] | None]) == {
        "Car": {"wheels": "Four."},
        "Wheel": {"bar": "Pressure, above the air's."},
    }


def test_a_type_without_classes_has_none() -> None:
    assert attribute_docs([dict[str, int], str]) == {}
