"""Coarse places: the grid, and which values of a status hold a place."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.model.coarse import NESTED_MAX, coarse_place, coarse_position, coarse_values
from evd.model.geo import distance_m
from evd.model.kept_status import KeptStatus

HOME = "48.15213,17.10733"


@pytest.mark.parametrize(
    ("place", "coarse"),
    [
        (HOME, "48.15,17.11"),
        ("48.15499,17.10501", "48.15,17.11"),
        ("-33.86785,151.20732", "-33.87,151.21"),
        ("60.1699,24.9384", "60.17,24.94"),  # there a cell has two hundredths of longitude
        ("60.1699,24.9481", "60.17,24.94"),
        ("0,0", "0.00,0.00"),
        ("90,123.4", "90.00,0.00"),
        ("12.3,-180", "12.30,-180.00"),
        ("nowhere", None),
        (None, None),
    ],
)
def test_a_place_on_the_grid(place: str | None, coarse: str | None) -> None:
    assert coarse_place(place) == coarse


@given(st.floats(-89.9, 89.9), st.floats(-179, 179))
def test_the_grid_s_point_is_less_than_a_kilometre_away_and_stays_there(lat: float, lng: float) -> None:
    point = coarse_position(lat, lng)
    assert distance_m((lat, lng), point) < 1000
    assert coarse_position(*point) == pytest.approx(point)


@given(st.floats(-60, 60), st.floats(-179, 179))
def test_a_cell_is_not_small(lat: float, lng: float) -> None:
    """Places within 300 m of a point of the grid are all at that point."""
    point = coarse_position(lat, lng)
    assert coarse_position(point[0] + 0.0027, point[1] - 0.0027) == pytest.approx(point)


@pytest.mark.parametrize(
    ("values", "coarse"),
    [
        ({"location": HOME, "state": 1}, {"location": "48.15,17.11", "state": 1}),
        ({"location": None, "range": 76.5}, {"location": None, "range": 76.5}),
        ({"location": "at home"}, {}),
        ({"where": HOME}, {"where": "48.15,17.11"}),
        ({"version": "3,14", "text": "a, b"}, {"version": "3,14", "text": "a, b"}),
        ({"lat": 48.15213, "lng": 17.10733}, {"lat": 48.15, "lng": 17.11}),
        ({"lng": 24.9481, "lat": 60.1699}, {"lng": 24.94, "lat": 60.17}),
        ({"gpsLatitude": "48.15213", "gpsLongitude": "17.10733"}, {"gpsLatitude": 48.15, "gpsLongitude": 17.11}),
        ({"home_lat": 60.1699, "lon": 24.9481, "lat": 48.1}, {"home_lat": 60.17, "lon": 24.95, "lat": 48.1}),
        ({"lng": 17.10733}, {}),
        ({"lat_e7": 481521300, "lng_e7": 171073300}, {}),
        ({"flat": 1, "elongated": 2, "along": 3}, {"flat": 1, "elongated": 2, "along": 3}),
        ({"coordinates": [17.10733, 48.15213]}, {}),
        ({"geohash": "u2s1vz", "gps": 5}, {}),
        (
            {"computedLocation": {"lat": 48.15213, "lng": 17.10733, "radius": 4000, "source": 2}},
            {"computedLocation": {"lat": 48.15, "lng": 17.11, "radius": 4000, "source": 2}},
        ),
        (
            {"track": [{"lat": 48.15213, "lng": 17.10733}, HOME, 7]},
            {"track": [{"lat": 48.15, "lng": 17.11}, "48.15,17.11", 7]},
        ),
    ],
)
def test_a_value_that_holds_a_place_is_coarse_or_left_out(values: dict[str, Any], coarse: dict[str, Any]) -> None:
    assert coarse_values(values) == coarse


def test_what_lies_deep_is_left_out() -> None:
    deep: Any = HOME
    for _ in range(900):
        deep = {"in": deep}
    shown = coarse_values({"deep": deep, "list": [[[[[[[[[[[HOME]]]]]]]]]]]})
    assert HOME not in str(shown) and str(shown).count("in") <= NESTED_MAX + 1


def test_a_coarse_status_has_neither_its_payload_nor_its_body() -> None:
    fields = orjson.dumps({"location": HOME, "current_charge": 76})
    body, radio = orjson.dumps({"location": HOME}), orjson.dumps({"location": HOME}).decode()
    kept = KeptStatus("A", "id", 1, 2, 1, b"\x01\x02", fields, 3, "f", body, radio)
    coarse = kept.coarse()
    assert coarse.for_api("a") == {
        "id": "id",
        "vehicleId": "a",
        "timestamp": 1,
        "connectivity": 1,
        "seqNumber": 2,
        "location": "48.15,17.11",
        "current_charge": 76,
    }
    assert (coarse.received, coarse.flags, coarse.document, coarse.radio) == (3, "f", b"{}", None)
