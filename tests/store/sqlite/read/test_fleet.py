"""A fleet's page costs what it shows: in the order of ids, no ring beyond the page is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival

from evd.model.operations import AddOwner
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.fleet import _search
from evd.store.vehicle_records import FLEET_ORDERS, FleetOrder, FleetSearch

FLEET = 300


@pytest.fixture
def reader(open_store: Callable[..., SqliteDatabase], database: Path) -> Any:
    names = [f"{number:04X}" for number in range(FLEET)]
    open_store().write([arrival(name) for name in names] + [AddOwner("anna", name, NOW) for name in names[:5]])
    return open_reader(database)


def steps_of(reader: Any, search: FleetSearch, rows: int = 3) -> tuple[int, int]:
    """How many rows a search finds, and its virtual machine's steps, in hundreds."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    reader.set_progress_handler(count, 100)
    found = reader.execute(*_search(search, None, rows)).fetchall()
    reader.set_progress_handler(None, 100)
    return len(found), steps


def test_a_page_by_ids_and_a_users_fleet_cost_little_beside_a_search_of_all(reader: Any) -> None:
    found, whole = steps_of(reader, FleetSearch(order="age"))
    assert found == 3
    for search in (FleetSearch(), FleetSearch(order="-id"), FleetSearch("anna", everyones=False, order="charge")):
        found, steps = steps_of(reader, search)
        assert found == 3
        assert steps < whole / 10, search


@pytest.mark.parametrize("order", FLEET_ORDERS)
def test_every_condition_holds_with_every_order(reader: Any, order: FleetOrder) -> None:
    search = FleetSearch("anna", True, frozenset({"0001", "0002", "0100"}), 1, "fresh", "000", order)
    assert steps_of(reader, search, rows=9)[0] == 2
    assert steps_of(reader, search._replace(state=2), rows=9)[0] == 0
