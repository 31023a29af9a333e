"""A list ends at its limit of rows or of bytes, and says where it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW

from evd.model.operations import SetVehicle
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read import base
from evd.store.sqlite.read.queries import open_queries as opened


async def test_a_list_ends_at_its_limit_or_its_bytes_and_says_where_it_goes_on(
    open_store: Callable[..., SqliteDatabase], database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store().write([SetVehicle(f"{number:X}", NOW, format="ev") for number in range(1, 8)])
    async with opened(database) as asked:
        page = await asked.format_vehicles("ev", limit=3)
        assert [row["vehicle"] for row in page.rows] == ["1", "2", "3"] and page.following == ("3",)
        assert (await asked.format_vehicles("ev", ("3",), limit=4)).following is None
        monkeypatch.setattr(base, "LISTED_BYTES_MAX", 1)
        page = await asked.format_vehicles("ev", ("3",), limit=4)
        assert [row["vehicle"] for row in page.rows] == ["4"] and page.following == ("4",)
        fleet = await asked.fleet(after=("3",), limit=4)
        assert [row.vehicle for row in fleet.rows] == ["4"] and fleet.following == ("4",)
