"""The measures: every field of the status that evd knows by name. A new field is a row of MEASURES.

From a row come the aliases that senders use, the half floats, the bounds of plausible values, the built-in format `ev`,
what the original's app is given, and the columns of the views (evd.store.sqlite.schema).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from evd.model.connectivity import SIGFOX


class AppType(Enum):
    """The type of a field in the original's app: in its class VehicleStatus."""

    INT = auto()
    FLOAT = auto()
    STATE = auto()
    """An int; the app's enum has four values."""
    LOCATION = auto()
    """A text of two numbers with a comma between them."""
    FLAG = auto()


class Measure(NamedTuple):
    """One field of the status."""

    app: AppType
    unit: str = ""
    aliases: tuple[str, ...] = ()
    """Other names that senders use."""
    half: bool = False
    """Sigfox's grammar has no half floats: a sender's whole number may be the 16 bits of one."""
    plausible: tuple[float, float] | None = None
    """The plausible range, both ends included; None: any value."""
    ev: str = ""
    """Its position in the payload of the format `ev`: what follows the name in Sigfox's grammar."""
    views: tuple[str, ...] = ("history",)
    """The SQL views that have a column for it."""
    words: tuple[str, ...] = ()
    """The texts that the views show for the values 0, 1, 2, and so on."""
    neutral: bool = False
    """A sender may add it to the fields of any payload. Any other measure beside a payload that the payload's format
    does not have is evidence of another format: the sender's values then stand alone (`undecoded`, docs/formats.md)."""


_PERCENT = 0.0, 100.0
_MINUTES = 0.0, 43_200.0  # 30 days
_CELSIUS = -100.0, 150.0  # what an event may be set to (evd.events.rules)
_BOTH = "history", "fleet"

#: The plausible ranges are generous, but exclude what makers write for "no value" (65535, -32768). Consumption has no
#: bound: a car that is heated while it stands uses any amount for 100 km.
MEASURES: dict[str, Measure] = {
    "state": Measure(
        AppType.STATE, ev="0:uint:3:big-endian:7", views=_BOTH, words=("off", "charging", "idle", "driving")
    ),
    "current_charge": Measure(AppType.INT, "%", plausible=_PERCENT, ev="0:uint:7:big-endian:4", views=_BOTH),
    "target_charge": Measure(AppType.INT, "%", plausible=_PERCENT, ev="1:uint:7:big-endian:5", views=_BOTH),
    "current": Measure(AppType.INT, "A", plausible=(-10_000.0, 10_000.0), ev="2:uint:10:big-endian:6"),
    "elapsed_time": Measure(AppType.INT, "min", plausible=_MINUTES, ev="3:uint:13:big-endian:4"),
    "remain_time": Measure(AppType.INT, "min", plausible=_MINUTES, ev="5:uint:13:big-endian:7"),
    "range": Measure(AppType.INT, "km", plausible=(0.0, 10_000.0), ev="6:uint:11:big-endian:2", views=_BOTH),
    "elec_consumption": Measure(AppType.FLOAT, "kWh/100 km", half=True, ev="8:uint:16:big-endian:7"),
    "indoor_temperature": Measure(
        AppType.FLOAT, "°C", ("indoor_temp",), half=True, plausible=_CELSIUS, ev="10:uint:16:big-endian:7"
    ),
    "outdoor_temperature": Measure(AppType.FLOAT, "°C", ("outdoor_temp",), half=True, plausible=_CELSIUS),
    "desired_temperature": Measure(AppType.FLOAT, "°C", ("desired_temp",), half=True, plausible=_CELSIUS, views=()),
    "max_current": Measure(AppType.INT, "A", plausible=(0.0, 10_000.0), views=()),
    "location": Measure(AppType.LOCATION, neutral=True),
    "advanced": Measure(AppType.FLAG, views=(), neutral=True),
}

HALVES = frozenset(name for name, measure in MEASURES.items() if measure.half)
"""The half-float fields."""

ALIASES = {alias: name for name, measure in MEASURES.items() for alias in measure.aliases}
"""Another name of a field -> its name."""

NEUTRAL = frozenset(name for name, measure in MEASURES.items() if measure.neutral)
"""What a sender may add to any payload's fields without saying that it decoded another format."""

EV_GRAMMAR = " ".join(f"{(*measure.aliases, name)[0]}:{measure.ev}" for name, measure in MEASURES.items() if measure.ev)
"""The format `ev`: the original's payload config, in which the vehicle's short names stand."""

IMPLAUSIBLE = "implausible"
"""Among a status's fields: the values that are not plausible, by name; also the flag of a status that has some."""

_half = struct.Struct(">e")


def field_name(name: str) -> str:
    """The app's name of a field, whichever spelling the sender used."""
    return ALIASES.get(name, name)


def half(bits: int) -> float | None:
    """The value of an IEEE 754 half float carried as an unsigned 16-bit integer; NaN and infinities are no value."""
    value: float = _half.unpack(bits.to_bytes(2, "big"))[0]
    return value if math.isfinite(value) else None


def half_from(connectivity: int, encoded: bool | None) -> int | None:
    """From which whole number on a half-float field holds the 16 bits of a half float; None: never.

    Sigfox Cloud's grammar has no half floats, so there each whole number is one, unless the body has `"encoded":
    false`. On WLAN, in a body without `encoded`, small ones are not (docs/formats.md, Whose values count).
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
