"""Positions in degrees, and the distances between them."""

from __future__ import annotations

from typing import Any

import pytest

from evd.model.geo import distance_m, position_of, text_of


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [((0, 0), (0, 0), 0), ((0, 0), (0, 180), 20_015_087), ((48.1486, 17.1077), (48.2, 17.1077), 5716)],
)
def test_distances_are_those_on_a_sphere(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    assert distance_m(one, other) == pytest.approx(metres, abs=1)


@pytest.mark.parametrize(
    ("location", "position"),
    [
        ("48.15,17.1", (48.15, 17.1)),
        (" 48.15 , -17.1 ", (48.15, -17.1)),
        ("90,180", (90, 180)),
        ("-90,-180", (-90, -180)),
        ("90.1,0", None),
        ("0,-180.1", None),
        ("nan,0", None),
        ("0,inf", None),
        ("48.15", None),
        ("48.15,", None),
        ("48.15;17.1", None),
        ("1,2,3", None),
        ("home", None),
        ("0,0".ljust(64), (0, 0)),
        ("0,0".ljust(65), None),
        (None, None),
        (5, None),
        ([48, 17], None),
    ],
)
def test_a_position_is_two_numbers_of_degrees(location: Any, position: tuple[float, float] | None) -> None:
    assert position_of(location) == position


@pytest.mark.parametrize(
    ("latitude", "longitude", "text"),
    [
        (48.15, 17.1, "48.15,17.1"),
        (" 48.15", "17.1 ", "48.15,17.1"),
        (0, 0, "0,0"),
        (True, 17.1, None),
        (None, 17.1, None),
        (48.15, None, None),
        (91, 17.1, None),
        ("48,15", "17", None),
        ("48.15,17.1", None, None),
    ],
)
def test_two_numbers_are_one_text_where_they_are_a_position(latitude: Any, longitude: Any, text: str | None) -> None:
    assert text_of(latitude, longitude) == text
