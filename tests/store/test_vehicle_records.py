"""The cursor of a search that begins comes before each row of its order."""

from __future__ import annotations

from typing import Any

import pytest

from evd.store.records import NUMBER_MAX
from evd.store.vehicle_records import FLEET_ORDERS, FleetOrder, first_key

RANKS: dict[str, tuple[float, float]] = {
    "age": (-NUMBER_MAX + 1, NUMBER_MAX - 1),
    "charge": (-1.0, 100.0),
    "attention": (0, 3),
}
"""The least and the greatest rank of a row, by the order; the order of ids has none."""


@pytest.mark.parametrize("order", FLEET_ORDERS)
def test_the_first_key_stands_before_each_row(order: FleetOrder) -> None:
    start = first_key(order)
    for rank in RANKS.get(order.lstrip("-"), (None, None)):
        for vehicle in ("0", "z" * 64, "\uffff"):
            row: tuple[Any, ...] = (vehicle,) if rank is None else (rank, vehicle)
            assert start > row if order.startswith("-") else start < row
