"""A status as the classes of the original's app can read it.

The app parses with Gson: an int with a fraction, or beyond 32 bits, makes the parsing of the whole document fail, and a
location that is no pair of numbers crashes the app; unknown members are skipped. So each field passes a reader for its
Java type in the app (EV-IoT-Kit, the app's class VehicleStatus), and what that reader cannot read is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from evd.model.geo import position_of
from evd.model.measures import IMPLAUSIBLE, MEASURES, AppType, Measure

STATES = frozenset({0, 1, 2, 3})
"""Off, charging, idle and driving: the app's enum."""

IDLE = 2
"""What the app is given for a state that its enum lacks: the payload has three bits for it."""

JAVA_INT = -(2**31), 2**31 - 1
JAVA_FLOAT_MAX = 3.4028234663852886e38


def readable_by_app(document: dict[str, Any], *, whole_numbers: bool) -> dict[str, Any]:
    """A status's document as the app's classes can read it.

    `whole_numbers` gives it ints without their fractions, for which it has no place; else they stay as measured.
    """
    shown = {}
    for name, value in document.items():
        measure = MEASURES.get(name)
        read = value if measure is None else _OF_TYPE[measure.app](value, measure, whole_numbers)
        if read is not None and name != IMPLAUSIBLE:
            shown[name] = read
    return shown


def _number(value: Any, measure: Measure) -> int | float | None:
    """A plausible number; statuses that older evds kept may hold others."""
    if type(value) is not int and type(value) is not float:
        return None
    low, high = measure.plausible or (-JAVA_FLOAT_MAX, JAVA_FLOAT_MAX)
    return value if low <= value <= high else None


def _int(value: Any, measure: Measure, whole_numbers: bool) -> int | float | None:
    number = _number(value, measure)
    if number is None or not JAVA_INT[0] <= number <= JAVA_INT[1]:
        return None
    return int(number) if whole_numbers or number == int(number) else number


def _float(value: Any, measure: Measure, whole_numbers: bool) -> int | float | None:
    return _number(value, measure)


def _boolean(value: Any, measure: Measure, whole_numbers: bool) -> bool | None:
    return bool(value) if value in (0, 1) else None


def _state(value: Any, measure: Measure, whole_numbers: bool) -> int | None:
    """A state that was not said is none: without one the app shows "Unknown"."""
    if _number(value, measure) is None:
        return None
    return int(value) if value in STATES else IDLE


def _location(value: Any, measure: Measure, whole_numbers: bool) -> str | None:
    position = position_of(value)
    if position is None:
        return None
    return value if _PLAIN_POSITION.fullmatch(value) else f"{position[0]},{position[1]}"


#: The app splits at the comma and reads two Java doubles.
_PLAIN_POSITION = re.compile(r"-?[0-9]{1,3}(\.[0-9]+)?,-?[0-9]{1,3}(\.[0-9]+)?")

_Reader = Callable[[Any, Measure, bool], Any]
_OF_TYPE: Mapping[AppType, _Reader] = {
    AppType.INT: _int,
    AppType.FLOAT: _float,
    AppType.STATE: _state,
    AppType.LOCATION: _location,
    AppType.FLAG: _boolean,
}
"""What gives a value as the app can read it, or None."""
