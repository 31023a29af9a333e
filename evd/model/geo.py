"""Where a vehicle says it is, and how far that is from somewhere."""

from __future__ import annotations

import math
from typing import Any

EARTH_M = 6_371_000.0


def position_of(location: Any) -> tuple[float, float] | None:
    """`LAT,LNG` in degrees, as the original's app writes it."""
    if type(location) is not str or len(location) > 64:
        return None
    latitude, _, longitude = location.partition(",")
    try:
        lat, lng = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lng) if -90 <= lat <= 90 and -180 <= lng <= 180 else None


def text_of(latitude: Any, longitude: Any) -> str | None:
    """`LAT,LNG` of two numbers in degrees, which a template may have quoted; None where they are no position."""
    parts = [str(one) for one in (latitude, longitude) if type(one) in (int, float, str)]
    text = ",".join(part.strip() for part in parts)
    return text if len(parts) == 2 and position_of(text) is not None else None


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two positions (degrees of latitude and longitude), on a sphere."""
    lat1, lng1, lat2, lng2 = map(math.radians, (*one, *other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(half, 1.0)))
