"""The status document: its names and aliases, half floats, units and times, and what the app is given of it."""

from __future__ import annotations

import hashlib
import math
import re
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from evd.errors import BadRequest

SIGFOX, WLAN = 1, 2
"""Connectivity: by which channel a status came. The original's app knows these two and 0 (none)."""

DATA = "data"
"""The kind of a message that carries a vehicle's payload."""

TIME_MAX_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z: beyond it SQLite's date functions give null
MILLISECONDS_FROM = 10**11  # above it a number is ms already: as seconds it would be the year 5138 (DESIGN)
AHEAD_MS = 24 * 3600 * 1000
"""A time further ahead of the server's than this is kept and flagged, but never the last status (DESIGN, promise 3)."""

SEQ_MAX = 2**32 - 1  # Sigfox counts to 4095; other senders may count further
AHEAD = "ahead"
"""Flag of a status whose time lies further ahead than that."""

JSON_SAFE = 2**53  # beyond it JavaScript and Gson's doubles lose digits (reference sigfox.md A4)


class Measure(NamedTuple):
    """One field of the status: its unit, and how senders write it."""

    unit: str
    half: bool = False
    text: bool = False
    flag: bool = False
    app_int: bool = False  # an int in the original app's VehicleStatus


MEASURES: dict[str, Measure] = {
    "state": Measure("", app_int=True),
    "current_charge": Measure("%", app_int=True),
    "target_charge": Measure("%", app_int=True),
    "current": Measure("A", app_int=True),
    "elapsed_time": Measure("min", app_int=True),
    "remain_time": Measure("min", app_int=True),
    "range": Measure("km", app_int=True),
    "elec_consumption": Measure("kWh/100 km", half=True),
    "indoor_temperature": Measure("°C", half=True),
    "outdoor_temperature": Measure("°C", half=True),
    "desired_temperature": Measure("°C", half=True),
    "max_current": Measure("A", app_int=True),
    "location": Measure("", text=True),
    "advanced": Measure("", flag=True),
}

#: The vehicle's side writes the short names, the app reads the long ones.
ALIASES = {
    "indoor_temp": "indoor_temperature",
    "outdoor_temp": "outdoor_temperature",
    "desired_temp": "desired_temperature",
}

#: What a sender may add to any payload's fields without saying that it decoded another format.
NEUTRAL = frozenset({"advanced", "location"})

_SIGFOX_ID = re.compile("[0-9A-Fa-f]{1,8}")
_STATES_OF_THE_APP = frozenset({0, 1, 2, 3})
_IDLE = 2


def field_name(name: str) -> str:
    """The app's name of a field, whichever spelling the sender used."""
    return ALIASES.get(name, name)


def vehicle_id(text: str) -> str:
    """The normal form of a device or vehicle id: 1-8 hex digits in upper case without leading zeros, else as it is.

    Raises BadRequest unless `text` is 1-64 printable characters.
    """
    if not 1 <= len(text) <= 64 or not text.isprintable():
        raise BadRequest("the vehicle's id must be 1 to 64 printable characters", error="Missing basic attributes")
    return f"{int(text, 16):X}" if _SIGFOX_ID.fullmatch(text) else text


def time_ms(value: int | float) -> int:
    """Epoch ms of a sender's time: Sigfox gives seconds, what is above 10^11 is ms already. Raises BadRequest."""
    ms = int(value) if value > MILLISECONDS_FROM else int(value * 1000)
    if not 0 < ms <= TIME_MAX_MS:
        raise BadRequest(f"the time {value} is out of range: seconds or milliseconds since 1970 are expected")
    return ms


def half(bits: int) -> float | None:
    """The value of an IEEE 754 half float carried as an unsigned 16-bit integer; NaN and infinities are no value."""
    value: float = struct.unpack(">e", struct.pack(">H", bits))[0]
    return value if math.isfinite(value) else None


def halves(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with integers in half-float fields read as half floats: Sigfox Cloud's grammar cannot do it itself."""
    return {name: half(value) if _carries_half(name, value) else value for name, value in fields.items()}


def _carries_half(name: str, value: Any) -> bool:
    measure = MEASURES.get(name)
    return measure is not None and measure.half and type(value) is int and 0 <= value <= 0xFFFF


def disagree(given: Mapping[str, Any], decoded: Mapping[str, Any]) -> bool:
    """Whether a sender's own values contradict evd's decoding of the payload (a half may stand as its 16 bits)."""
    return any(name in decoded and not _same(name, value, decoded[name]) for name, value in given.items())


def _same(name: str, given: Any, decoded: Any) -> bool:
    if given is None or given == decoded:
        return True
    if _carries_half(name, given):
        return bool(half(given) == decoded)
    if not (isinstance(given, int | float) and isinstance(decoded, int | float)):
        return False
    return math.isclose(given, decoded, rel_tol=1e-3, abs_tol=1e-3)  # a template may print fewer digits


def identity(kind: str, vehicle: str, time: int, seq: int | None, content: bytes) -> str:
    """The id of a status, the same for each delivery of one message: 16 hex digits.

    `content` is the payload, or for a message without one its fields as canonical JSON (DESIGN, promise 2).
    """
    head = f"{kind}\0{vehicle}\0{time}\0{'' if seq is None else seq}\0".encode()
    return hashlib.blake2b(head + content, digest_size=8).hexdigest()


def canonical(fields: Mapping[str, Any]) -> bytes:
    """One text for one set of values, whatever their order: stands for the payload where there is none."""
    return b"json:" + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def for_app(
    *,
    status_id: str,
    vehicle: str,
    time: int,
    connectivity: int,
    seq: int | None,
    payload: bytes | None,
    fields: Mapping[str, Any],
    whole_numbers: bool = False,
) -> dict[str, Any]:
    """The status as the app is given it, by push and by query: no nulls, only states and channels that its enums know.

    `vehicle` is spelled as the asker or the registration did; `time` is epoch ms.
    """
    document: dict[str, Any] = {
        "id": status_id,
        "vehicleId": vehicle,
        "timestamp": time,
        "connectivity": connectivity,
    }
    if seq is not None:
        document["seqNumber"] = seq
    if payload is not None:
        document["rawdata"] = payload.hex()
    for name, value in fields.items():
        if value is not None and name not in document:
            document[name] = _app_value(name, value, whole_numbers)
    # The field is not nullable there, and a status without it would crash the app.
    document.setdefault("state", _IDLE)
    return document


def _app_value(name: str, value: Any, whole_numbers: bool) -> Any:
    if name == "state":
        return int(value) if value in _STATES_OF_THE_APP else _IDLE
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) > JSON_SAFE:
        return str(value)
    if whole_numbers and isinstance(value, float) and (measure := MEASURES.get(name)) and measure.app_int:
        return int(value)
    return value
