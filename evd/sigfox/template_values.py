"""What a template made of a value: variables that Sigfox did not replace, glued nulls, objects around a value, places.

Sigfox leaves `{customData#lat}` as it is where the device type's payload format has no such field, and writes `null`
for a field behind the payload's end (reference sigfox.md A5); neither is a value, wherever in a text it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from evd.model.geo import text_of

# A variable as Sigfox's help writes it: {device}, {customData#temperature}. No regular expression here can backtrack.
_variable = re.compile(r"\{[A-Za-z_]\w*+(?:#[\w#-]++)?\}", re.ASCII)
_glued = re.compile(r"(?:null|[+-]?[0-9]++)(?:[.,;:/| ](?:null|[+-]?[0-9]++))++")

NO_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity"})
"""What a quoted variable of a float without a value is replaced by; JSON itself has no word for it."""

GLUED_MAX = 256
"""Characters of a text in which glued numbers are looked for."""


def is_unreplaced(value: Any) -> bool:
    """Whether a text holds a variable that was not replaced."""
    return type(value) is str and "{" in value and _variable.search(value) is not None


def is_no_value(text: str) -> bool:
    """Whether a text says that there is no value: `null`, `null.null`, `5.null`, `NaN`."""
    if text == "null" or text in NO_NUMBERS:
        return True
    return "null" in text and len(text) <= GLUED_MAX and _glued.fullmatch(text) is not None


def is_plain(value: Any) -> bool:
    """Whether a value needs no cleaning; one look, which is enough for nearly every value."""
    if type(value) is str:
        return "{" not in value and "null" not in value and value not in NO_NUMBERS
    return type(value) is not dict and type(value) is not list


class Cleaned(NamedTuple):
    """A value without what is none; `replaced` is false where variables in it were left as they are."""

    value: Any
    replaced: bool = True


def cleaned(value: Any) -> Cleaned:
    """The value with null in place of each text in it that is no value."""
    kind = type(value)
    if kind is str:
        if is_unreplaced(value):
            return Cleaned(None, replaced=False)
        return Cleaned(None if is_no_value(value) else value)
    if kind is dict:
        members = {name: cleaned(one) for name, one in value.items()}
        kept = {name: one.value for name, one in members.items()}
        return Cleaned(kept, all(one.replaced for one in members.values()))
    if kind is list:
        items = [cleaned(one) for one in value]
        return Cleaned([one.value for one in items], all(one.replaced for one in items))
    return Cleaned(value)


def unwrapped(value: Any) -> Any:
    """The value in an object such as `{"value": 15}`, which Ubidots' templates write."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


class Location(NamedTuple):
    """Where an object says that the vehicle is, as `LAT,LNG`."""

    text: str | None
    """None: nowhere, or `unclear`."""
    unclear: bool = False
    """Both of its numbers may be the latitude."""


def location_of(value: Any) -> Location | None:
    """The place in an object with lat and lng, in a GeoJSON Point or Feature, or in a pair of degrees; None: no place.

    GeoJSON puts the longitude first (RFC 7946, 3.1.1), yet templates that call themselves GeoJSON write the latitude
    first. So a pair counts where only one of its numbers can be a latitude; any other is unclear.
    """
    if isinstance(value, Mapping):
        if isinstance(value.get("geometry"), Mapping):
            value = value["geometry"]
        if "coordinates" not in value:
            return _named(value)
        value = value["coordinates"]
    if not isinstance(value, list) or not 2 <= len(value) <= 3:  # a third number is the altitude
        return None
    one, other = value[:2]
    if one is None or other is None:
        return Location(None)
    as_written, turned = text_of(one, other), text_of(other, one)
    if as_written is None and turned is None:
        return None
    return Location(None, unclear=True) if as_written and turned and one != other else Location(as_written or turned)


def _named(value: Mapping[str, Any]) -> Location | None:
    pair = [next((name for name in names if name in value), None) for names in (_LATITUDE, _LONGITUDE)]
    if None in pair:
        return None
    latitude, longitude = (value[name] for name in pair if name is not None)
    if latitude is None or longitude is None:
        return Location(None)
    text = text_of(latitude, longitude)
    return None if text is None else Location(text)


_LATITUDE = ("lat", "latitude")
_LONGITUDE = ("lng", "lon", "long", "longitude")
