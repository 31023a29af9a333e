"""What a charge costs, by time and place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evd.derived.tariff import Price, Tariff, cost, faults
from evd.model.units import HOUR_MS

HOME, WORK = "48.1486,17.1077", "48.2,17.2"
NIGHTLY = Tariff("EUR", 0.3, (Price(0.1, "22:00", "06:00"), Price(0.0, place=WORK)))


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("start", "hours", "place", "found"),
    [
        ("2026-06-01T10:00", 2, HOME, 3.0),
        ("2026-06-01T19:00", 2, HOME, 2.0),  # 21:00 – 23:00 there: half of it by night
        ("2026-06-01T22:00", 2, None, 1.0),
        ("2026-06-01T10:00", 2, WORK, 0.0),
        ("2026-03-28T23:00", 5, None, 1.0),  # midnight to six, without the hour that the clocks leave out
        ("2026-06-01T10:00", 0, None, 3.0),
    ],
)
def test_ten_kwh_cost_by_time_and_place(start: str, hours: int, place: str | None, found: float) -> None:
    begin = at(start)
    price = cost(NIGHTLY, 10, begin, begin + hours * HOUR_MS, place, "Europe/Bratislava")
    assert price == pytest.approx(found, abs=1e-3)


def test_without_a_price_for_all_of_it_there_is_no_cost() -> None:
    assert (
        cost(Tariff("EUR", prices=NIGHTLY.prices), 10, at("2026-06-01T19:00"), at("2026-06-01T21:00"), None, "UTC")
        is None
    )


@pytest.mark.parametrize(
    "tariff",
    [
        Tariff("euro"),
        Tariff("EUR", -1),
        Tariff("EUR", 1, (Price(1, "22:00"),)),
        Tariff("EUR", 1, (Price(1, "24:00", "25:00"),)),
        Tariff("EUR", 1, (Price(float("nan")),)),
        Tariff("EUR", 1, (Price(1, place="home"),)),
        Tariff("EUR", 1, (Price(1, place=HOME, radius_m=0),)),
        Tariff("EUR", 1, (Price(1),) * 30),
    ],
)
def test_a_tariff_that_cannot_be_meant(tariff: Tariff) -> None:
    assert faults(tariff)
    assert faults(NIGHTLY) is None
