"""What charging costs: prices of a kWh by place and by time of day, in the vehicle's zone."""

from __future__ import annotations

import re

import msgspec

from evd.derived.calendar import clock_at
from evd.model.geo import distance_m, position_of
from evd.model.units import MINUTE_MS

PRICES_MAX = 24
STEP_MS = 5 * MINUTE_MS
"""A session is cut into pieces of this length, each of which costs what its beginning does."""

PIECES_MAX = 3_000
"""Of a session; a longer one is cut into this many."""

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of a kWh, from `begin` to `end` (`22:00`; it may pass midnight; without them always), and within a place."""

    per_kwh: float
    begin: str | None = None
    end: str | None = None
    place: str | None = None
    """`LAT,LNG` in degrees; None: anywhere."""
    radius_m: float = 200.0


class Tariff(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of the prices that apply, the first one counts; where none does, `per_kwh`."""

    currency: str
    per_kwh: float | None = None
    prices: tuple[Price, ...] = ()


def faults(tariff: Tariff) -> str | None:
    """What is wrong with a tariff, as a part of a sentence; None: nothing is."""
    if not re.fullmatch("[A-Z]{3}", tariff.currency):
        return f"currency is {tariff.currency[:40]!r}, and not three letters as EUR"
    if len(tariff.prices) > PRICES_MAX:
        return f"it has {len(tariff.prices)} prices, and at most {PRICES_MAX} are kept"
    for one in (tariff.per_kwh, *(price.per_kwh for price in tariff.prices)):
        if one is not None and not 0 <= one <= 1e6:
            return f"a price is {one}"
    for price in tariff.prices:
        if (price.begin is None) != (price.end is None):
            return "a price has a begin or an end alone"
        for clock in (price.begin, price.end):
            if clock is not None and not _CLOCK.fullmatch(clock):
                return f"a time is {clock[:40]!r}, and not as 22:00"
        if price.place is not None and position_of(price.place) is None:
            return f"a place is {price.place[:40]!r}, and not LAT,LNG in degrees"
        if not 0 < price.radius_m <= 1e6:
            return f"a radius is {price.radius_m} m"
    return None


def cost(tariff: Tariff, kwh: float, start: int, end: int, place: str | None, zone: str) -> float | None:
    """Of `kwh` charged evenly from `start` to `end` (epoch ms); None where some of it has no price."""
    pieces = min(max((end - start) // STEP_MS, 1), PIECES_MAX)
    total = 0.0
    for number in range(pieces):
        price = price_at(tariff, start + (end - start) * number // pieces, place, zone)
        if price is None:
            return None
        total += price
    return round(total / pieces * kwh, 4)


def price_at(tariff: Tariff, time: int, place: str | None, zone: str) -> float | None:
    """Of a kWh at a time and place."""
    clock = clock_at(time, zone)
    for price in tariff.prices:
        if _applies(price, clock) and (price.place is None or _is_near(price, place)):
            return price.per_kwh
    return tariff.per_kwh


def _applies(price: Price, clock: str) -> bool:
    if price.begin is None or price.end is None:
        return True
    if price.begin <= price.end:
        return price.begin <= clock < price.end
    return clock >= price.begin or clock < price.end


def _is_near(price: Price, place: str | None) -> bool:
    here, there = position_of(place), position_of(price.place)
    return here is not None and there is not None and distance_m(here, there) <= price.radius_m
