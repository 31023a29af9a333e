"""Coarse places: a position is moved to the nearest point of a grid of about a kilometre, wherever a value holds one.

The grid has 0.01° of latitude (1.1 km) and as many hundredths of a degree of longitude as are nearest to that on the
ground: 0.7 to 1.5 km from the equator to the polar circles. It is the same for all, so a parked vehicle is always at
the same point, and many statuses say no more than one. Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from evd.model.geo import position_of

CoarseFor = Literal["nobody", "viewers", "everyone"]
"""For whom a vehicle's places are coarse."""

GRID = 100
"""Points of the grid in a degree of latitude."""

NESTED_MAX = 8
"""Levels of objects and lists in a field; what lies deeper is left out."""

_LATITUDE = frozenset({"lat", "latitude"})
_LONGITUDE = frozenset({"lng", "lon", "long", "longitude"})
_PLACE = frozenset({"location", "position", "place", "gps", "geo", "geohash", "address", "coordinates", "coords"})

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_TWO_FRACTIONS = re.compile(r"\s*-?[0-9]{1,3}\.[0-9]+\s*,\s*-?[0-9]{1,3}\.[0-9]+\s*")
"""A position by its look, under whatever name."""


def coarse_position(latitude: float, longitude: float) -> tuple[float, float]:
    """Degrees in, degrees out."""
    rows = round(latitude * GRID)
    width = _width(rows)
    columns = round(longitude * GRID / width) * width
    if abs(columns) > 180 * GRID:  # in most rows the last point before 180° is less than a cell away from it
        columns -= int(math.copysign(width, columns))
    return rows / GRID, columns / GRID


def _width(row: int) -> int:
    """Of the grid's cells in a row, in hundredths of a degree of longitude."""
    shrinks = math.cos(math.radians(row / GRID))
    return round(1 / shrinks) if shrinks > 1 / (360 * GRID) else 360 * GRID


def coarse_place(location: str | None) -> str | None:
    """`LAT,LNG` on the grid; None: it is no position."""
    position = position_of(location)
    if position is None:
        return None
    lat, lng = coarse_position(*position)
    return f"{lat:.2f},{lng:.2f}"


def coarse_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """A status's fields with coarse places.

    A text that is `LAT,LNG`, and numbers that are called latitude and longitude, are moved to the grid. What is named
    as a place and cannot be read as degrees is left out.
    """
    return _object(values, 0)


def _object(values: Mapping[str, Any], depth: int) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, value in values.items():
        coarse = _value(name, value, values, depth)
        if coarse is not None or value is None:
            shown[name] = coarse
    return shown


def _value(name: str, value: Any, beside: Mapping[str, Any], depth: int) -> Any:
    """None: it is left out."""
    words = {word.lower() for word in _WORD.findall(name)}
    if isinstance(value, dict):
        return _object(value, depth + 1) if depth < NESTED_MAX else None
    if words & _LATITUDE:
        return _degrees(value, None, beside, words)
    if words & _LONGITUDE:
        return _degrees(None, value, beside, words)
    if isinstance(value, str):
        if _TWO_FRACTIONS.fullmatch(value) or words & _PLACE:
            return coarse_place(value)
        return value
    if isinstance(value, list):
        return None if words & _PLACE or depth >= NESTED_MAX else _list(name, value, depth + 1)
    return None if words & _PLACE and type(value) in (int, float) else value


def _list(name: str, values: list[Any], depth: int) -> list[Any]:
    shown = [_value(name, value, {}, depth) for value in values]
    return [one for one, value in zip(shown, values, strict=True) if one is not None or value is None]


def _degrees(latitude: Any, longitude: Any, beside: Mapping[str, Any], words: set[str]) -> float | None:
    """One of the two, on the grid; the width of a longitude's cell is that at the latitude beside it."""
    if longitude is None:
        number = _number(latitude, 90)
        return None if number is None else coarse_position(number, 0)[0]
    number = _number(longitude, 180)
    others = words - _LONGITUDE
    lat = next(
        (
            found
            for name, value in beside.items()
            if (named := {word.lower() for word in _WORD.findall(name)}) & _LATITUDE
            and named - _LATITUDE == others
            and (found := _number(value, 90)) is not None
        ),
        None,
    )
    return None if number is None or lat is None else coarse_position(lat, number)[1]


def _number(value: Any, most: int) -> float | None:
    if type(value) is str:
        try:
            value = float(value)
        except ValueError:
            return None
    return value if type(value) in (int, float) and -most <= value <= most else None
