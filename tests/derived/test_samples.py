"""What of a status counts for sessions, trips and roll-ups."""

from __future__ import annotations

import pytest

from evd.derived.samples import (
    CHARGE,
    CHARGING,
    DRIVING,
    LARGEST,
    NUMBERS,
    RANGE,
    full_range,
    millionths,
    read_sample,
)


@pytest.mark.parametrize(
    ("fields", "charge"),
    [
        ('{"current_charge": 42}', 42.0),
        ('{"current_charge": 42.5}', 42.5),
        ('{"current_charge": null}', None),
        ('{"current_charge": "42"}', None),
        ('{"current_charge": true}', None),
        ('{"current_charge": 1e9}', LARGEST),
        ('{"current_charge": 1.1e9}', None),
        ('{"current_charge": -1.1e9}', None),
        ("{}", None),
    ],
)
def test_a_number_counts_if_it_is_one_and_can_be_a_vehicle_s(fields: str, charge: float | None) -> None:
    assert read_sample(1, 2, "id", fields).charge == charge


@pytest.mark.parametrize(("location", "found"), [('"48.1,17.1"', "48.1,17.1"), ('""', None), ("5", None)])
def test_a_place_is_a_text(location: str, found: str | None) -> None:
    assert read_sample(1, 2, "id", f'{{"location": {location}}}').location == found


@pytest.mark.parametrize(("state", "kind"), [(CHARGING, CHARGING), (DRIVING, DRIVING), (0, 0), (7, 0), (None, 0)])
def test_a_vehicle_charges_drives_or_rests(state: int | None, kind: int) -> None:
    fields = "{}" if state is None else f'{{"state": {state}}}'
    assert read_sample(1, 2, "id", fields).kind == kind


def test_samples_are_ranked_by_time_then_sequence_number_then_id() -> None:
    ranks = [(1, -1, "b"), (1, 0, "a"), (1, 0, "b"), (1, 5, "a"), (2, -1, "a")]
    assert [read_sample(*rank, "{}").rank for rank in ranks] == sorted(ranks)


@pytest.mark.parametrize(
    ("charge", "km", "found"),
    [
        (50, 120, 240.0),
        (20, 48, 240.0),
        (19.9, 48, None),
        (100, 240, 240.0),
        (101, 240, None),
        (50, 0, None),
        (None, 120, None),
        (50, None, None),
    ],
)
def test_the_range_of_a_full_battery(charge: float | None, km: float | None, found: float | None) -> None:
    numbers: list[float | None] = [None] * len(NUMBERS)
    numbers[CHARGE], numbers[RANGE] = charge, km
    assert full_range(tuple(numbers)) == found


@pytest.mark.parametrize(("value", "found"), [(0.0, 0), (1.5, 1_500_000), (-0.0000005, 0), (-1.0, -1_000_000)])
def test_sums_are_of_whole_millionths(value: float, found: int) -> None:
    assert millionths(value) == found
