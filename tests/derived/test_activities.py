"""Charge sessions and trips, by days of a vehicle as a person would tell them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from evd.derived.activities import VehicleActivity
from evd.derived.fold import derive
from evd.derived.samples import CHARGING, DRIVING, StatusSample, read_sample
from evd.model.units import MINUTE_MS

IDLE, CHARGE, DRIVE = ({"state": state} for state in (2, 1, 3))
HOME, WORK = "48.1486,17.1077", "48.2,17.2"


def told(*statuses: tuple[int, dict[str, Any], dict[str, Any]]) -> list[StatusSample]:
    return [
        read_sample(minute * MINUTE_MS, 0, f"{minute:05}", orjson.dumps({**one, **more}))
        for minute, one, more in statuses
    ]


def pct(charge: float, **more: Any) -> dict[str, Any]:
    return {"current_charge": charge, **more}


def shown(activity: VehicleActivity) -> tuple[Any, ...]:
    one = activity
    return one.kind, one.start // MINUTE_MS, one.end // MINUTE_MS, one.start_charge, one.end_charge, one.inferred


@pytest.mark.parametrize(
    ("statuses", "ended", "open_"),
    [
        pytest.param(
            [
                (0, IDLE, pct(40)),
                (10, CHARGE, pct(42)),
                (70, CHARGE, pct(60)),
                (80, IDLE, pct(62)),
                (200, IDLE, pct(62)),
            ],
            [(CHARGING, 10, 80, 40, 62, False)],
            None,
            id="a session, begun and ended",
        ),
        pytest.param(
            [(0, IDLE, pct(40)), (10, CHARGE, pct(42))], [], (CHARGING, 10, 10, 40, 42, False), id="one that goes on"
        ),
        pytest.param(
            [
                (0, CHARGE, pct(40)),
                (10, IDLE, pct(41)),
                (30, CHARGE, pct(42)),
                (40, IDLE, pct(42)),
                (99, IDLE, pct(42)),
            ],
            [(CHARGING, 0, 30, 40, 42, False)],
            None,
            id="a charger that pauses",
        ),
        pytest.param(
            [(0, CHARGE, pct(40)), (600, CHARGE, pct(70)), (620, DRIVE, pct(70))],
            [(CHARGING, 0, 600, 40, 70, False)],
            (DRIVING, 620, 620, 70, 70, False),
            id="messages in between are lost",
        ),
        pytest.param(
            [(0, CHARGE, pct(80)), (600, CHARGE, pct(30)), (610, CHARGE, pct(32))],
            [(CHARGING, 0, 0, 80, 80, False)],
            (CHARGING, 600, 610, 30, 32, False),
            id="two sessions, and nothing seen of the way between",
        ),
        pytest.param(
            [(0, IDLE, pct(40)), (600, IDLE, pct(80))], [(CHARGING, 0, 600, 40, 80, True)], None, id="a session unseen"
        ),
        pytest.param([(0, IDLE, pct(40)), (600, IDLE, pct(42))], [], None, id="a reading that slips"),
        pytest.param(
            [(0, IDLE, pct(40)), (300, CHARGE, pct(70))],
            [],
            (CHARGING, 0, 300, 40, 70, True),
            id="its beginning unseen",
        ),
        pytest.param(
            [(0, CHARGE, pct(40)), (120, IDLE, pct(60)), (300, IDLE, pct(60))],
            [(CHARGING, 0, 120, 40, 60, False)],
            None,
            id="its end unseen",
        ),
        pytest.param(
            [(0, IDLE, pct(60)), (5, DRIVE, pct(60)), (25, DRIVE, pct(55)), (35, IDLE, pct(54)), (90, IDLE, pct(54))],
            [(DRIVING, 5, 35, 60, 54, False)],
            None,
            id="a trip",
        ),
        pytest.param(
            [(0, DRIVE, pct(60)), (10, IDLE, pct(58)), (20, DRIVE, pct(58)), (30, CHARGE, pct(56))],
            [(DRIVING, 0, 30, 60, 56, False)],
            (CHARGING, 30, 30, 56, 56, False),
            id="a trip with a stop, to a charger",
        ),
        pytest.param(
            [(0, IDLE, pct(60, location=HOME)), (90, IDLE, pct(58, location=WORK))],
            [(DRIVING, 0, 90, 60, 58, True)],
            None,
            id="a trip that only places show",
        ),
        pytest.param(
            [(0, IDLE, pct(60, location=HOME)), (90, IDLE, pct(60, location=WORK))], [], None, id="a place that slips"
        ),
        pytest.param(
            [(0, {}, {}), (10, {"state": 7}, pct(5)), (20, {}, {"location": 5})], [], None, id="nothing known"
        ),
    ],
)
def test_what_statuses_show(
    statuses: list[tuple[int, dict[str, Any], dict[str, Any]]], ended: list[Any], open_: tuple[Any, ...] | None
) -> None:
    derived = derive(told(*statuses))
    assert [shown(one.activity) for one in derived.ended] == ended
    assert (None if derived.open is None else shown(derived.open)) == open_


def test_a_session_has_its_peak_its_current_over_time_and_its_place() -> None:
    (ended,) = derive(
        told(
            (0, IDLE, pct(40, location=HOME)),
            (10, CHARGE, pct(40, current=16)),
            (70, CHARGE, pct(50, current=-32)),
            (80, IDLE, pct(51)),
            (190, IDLE, pct(51)),
        )
    ).ended
    session = ended.activity
    assert (session.peak, session.current, session.messages) == (32, 48_000 * 60 * MINUTE_MS, 2)
    assert session.start_place == session.end_place == HOME


def test_a_trip_has_its_ranges_places_and_way() -> None:
    (ended,) = derive(
        told(
            (0, IDLE, pct(60, range=200, location=HOME)),
            (10, DRIVE, pct(59, range=195)),
            (30, DRIVE, pct(56, range=188, location=WORK)),
            (60, IDLE, pct(56, range=187)),
        )
    ).ended
    trip = ended.activity
    assert (trip.start_range, trip.end_range, trip.start_place, trip.end_place) == (200, 187, HOME, WORK)
    assert trip.way == pytest.approx(8_900, rel=0.02)
