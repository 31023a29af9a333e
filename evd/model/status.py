"""The status document: its names and aliases, half floats, units, plausible values, times and identity."""

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

ALONE = "alone"
"""Flag of a status that was made of DATA_ADVANCED alone; where its DATA comes after all, the two are one."""

JSON_SAFE = 2**53  # beyond it JavaScript and Gson's doubles lose digits (reference sigfox.md A4)


class Measure(NamedTuple):
    """One field of the status: its unit, how senders write it, and what the app reads it into."""

    unit: str
    half: bool = False
    text: bool = False
    flag: bool = False
    app_int: bool = False
    """A Java int in the original app's VehicleStatus; what else is a number there is a float."""
    plausible: tuple[float, float] | None = None
    """Between what its values lie, both included; None: any may be one."""


_PERCENT = 0.0, 100.0
_MINUTES = 0.0, 43_200.0  # 30 days
_CELSIUS = -100.0, 150.0  # what an alert may be set to (evd.events.rules)

#: Plausible are values that a vehicle may have, generously: what makers write for "no value" (65535, -32768) lies
#: beyond. Consumption has no bound: a car that is heated while it stands uses any amount for 100 km.
MEASURES: dict[str, Measure] = {
    "state": Measure("", app_int=True),
    "current_charge": Measure("%", app_int=True, plausible=_PERCENT),
    "target_charge": Measure("%", app_int=True, plausible=_PERCENT),
    "current": Measure("A", app_int=True, plausible=(-10_000.0, 10_000.0)),
    "elapsed_time": Measure("min", app_int=True, plausible=_MINUTES),
    "remain_time": Measure("min", app_int=True, plausible=_MINUTES),
    "range": Measure("km", app_int=True, plausible=(0.0, 10_000.0)),
    "elec_consumption": Measure("kWh/100 km", half=True),
    "indoor_temperature": Measure("°C", half=True, plausible=_CELSIUS),
    "outdoor_temperature": Measure("°C", half=True, plausible=_CELSIUS),
    "desired_temperature": Measure("°C", half=True, plausible=_CELSIUS),
    "max_current": Measure("A", app_int=True, plausible=(0.0, 10_000.0)),
    "location": Measure("", text=True),
    "advanced": Measure("", flag=True),
}

HALVES = frozenset(name for name, measure in MEASURES.items() if measure.half)
"""The half-float fields."""

#: The vehicle's side writes the short names, the app reads the long ones.
ALIASES = {
    "indoor_temp": "indoor_temperature",
    "outdoor_temp": "outdoor_temperature",
    "desired_temp": "desired_temperature",
}

#: What a sender may add to any payload's fields without saying that it decoded another format.
NEUTRAL = frozenset({"advanced", "location"})

IMPLAUSIBLE = "implausible"
"""Among a status's fields: the values that are not plausible, by name; also the flag of a status that has some."""

_half = struct.Struct(">e")
_SIGFOX_ID = re.compile("[0-9A-Fa-f]{1,8}")


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
    value: float = _half.unpack(bits.to_bytes(2, "big"))[0]
    return value if math.isfinite(value) else None


def half_from(connectivity: int, encoded: bool | None) -> int | None:
    """From which whole number on a half-float field holds the 16 bits of a half; None: from none on.

    Sigfox Cloud's grammar knows no half floats, so each whole number is one there unless the sender says
    `"encoded": false` (DESIGN, normal forms: decode). On WLAN, where nothing is said, small ones are not.
    """
    if encoded is None:
        return 0 if connectivity == SIGFOX else HALF_FROM
    return 0 if encoded else None


HALF_FROM = 1024
"""The bits of the least half that is no subnormal, 0.00006: as a number it is no temperature and no consumption."""


def halves_read(fields: Mapping[str, Any], least: int | None) -> dict[str, Any]:
    """A sender's fields, whole numbers from `least` on (see half_from) in half-float fields read as halves."""
    read = dict(fields)
    if least is not None:
        for name in HALVES & fields.keys():
            if is_half(value := fields[name]) and value >= least:
                read[name] = half(value)
    return read


def is_half(value: Any) -> bool:
    """Whether a value of a half-float field may be the 16 bits of one."""
    return type(value) is int and 0 <= value <= 0xFFFF


def identity(kind: str, vehicle: str, time: int, seq: int | None, content: bytes) -> str:
    """The id of a status, the same for each delivery of one message: 16 hex digits.

    `content` is the payload, or for a message without one its fields as canonical JSON (DESIGN, promise 2).
    """
    head = f"{kind}\0{vehicle}\0{time}\0{'' if seq is None else seq}\0".encode()
    return hashlib.blake2b(head + content, digest_size=8).hexdigest()


def canonical(fields: Mapping[str, Any]) -> bytes:
    """One text for one set of values, whatever their order: stands for the payload where there is none."""
    return b"json:" + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
