"""The original's app as a reader: the Java types of its VehicleStatus and Gson's rules (ecosystem.md §0).

Gson reads an int out of a JSON number only if that is whole and has 32 bits, a float out of any number, a boolean out
of true and false; it skips members that the class lacks. A location is split at its comma and read as two doubles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson


def java_int(value: Any) -> None:
    assert type(value) is int and -(2**31) <= value < 2**31, f"{value!r} is no int"


def java_long(value: Any) -> None:
    assert type(value) is int and -(2**63) <= value < 2**63, f"{value!r} is no long"


def java_float(value: Any) -> None:
    assert type(value) in (int, float) and abs(value) <= 3.4028235e38, f"{value!r} is no float"


def java_text(value: Any) -> None:
    assert type(value) is str, f"{value!r} is no text"


def java_boolean(value: Any) -> None:
    assert type(value) is bool, f"{value!r} is no boolean"


def location(value: Any) -> None:
    """Two numbers that Java's Double.parseDouble reads, on the map."""
    java_text(value)
    latitude, comma, longitude = value.partition(",")
    assert comma and latitude.isascii() and longitude.isascii() and "_" not in value, f"{value!r} is no location"
    try:
        lat, lng = float(latitude), float(longitude)
    except ValueError:
        raise AssertionError(f"{value!r} is no location") from None
    assert math.isfinite(lat) and math.isfinite(lng) and abs(lat) <= 90 and abs(lng) <= 180, f"{value!r} is nowhere"


def one_of(*values: int) -> Callable[[Any], None]:
    def read(value: Any) -> None:
        java_int(value)
        assert value in values, f"{value!r} is none of {values}"

    return read


#: Member of VehicleStatus -> what it must be.
MEMBERS: dict[str, Callable[[Any], None]] = {
    "id": java_text,
    "vehicleId": java_text,
    "timestamp": java_long,
    "connectivity": one_of(0, 1, 2),
    "state": one_of(0, 1, 2, 3),
    "current_charge": java_int,
    "target_charge": java_int,
    "current": java_int,
    "elapsed_time": java_int,
    "remain_time": java_int,
    "range": java_int,
    "max_current": java_int,
    "elec_consumption": java_float,
    "indoor_temperature": java_float,
    "outdoor_temperature": java_float,
    "desired_temperature": java_float,
    "location": location,
    "advanced": java_boolean,
}


def read_status(text: bytes | str) -> dict[str, Any]:
    """The members that the app has of a status; AssertionError where the app would end."""
    members = read_members(text)
    assert members.keys() >= {"id", "vehicleId", "timestamp", "connectivity"}
    return members


def read_members(text: bytes | str) -> dict[str, Any]:
    """Those of them that are there."""
    document = orjson.loads(text)
    assert type(document) is dict, "a status is an object"
    for name, value in document.items():
        if name in MEMBERS:
            MEMBERS[name](value)
    return {name: value for name, value in document.items() if name in MEMBERS}
