"""What moves out is read a page at a time: all of it, in order, and patiently."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from builders import NOW, arrival, new_store

from evd.errors import Unavailable
from evd.model.operations import AddOwner, Register
from evd.store.records import PageLimit
from evd.transfer import pages as subject
from evd.transfer.pages import AGAIN_AFTER_S, TRIES, owners, registrations, statuses

EACH = 5


@pytest.fixture
async def queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Three vehicles with EACH statuses, two owners and a viewer, and a phone each; pages are of two rows."""
    monkeypatch.setattr(subject, "PAGE", PageLimit(rows=2, size_bytes=1 << 20))
    monkeypatch.setattr(subject, "ROWS", 2)
    monkeypatch.setattr(subject, "VEHICLES", 2)
    store = new_store(tmp_path / "evd.db")
    for vehicle in ("A", "B", "C"):
        store.write([arrival(vehicle, time=NOW + number, seq=number) for number in range(EACH)])
        store.write([AddOwner("anna", vehicle, NOW), AddOwner(f"of {vehicle}", vehicle, NOW)])
        store.write([AddOwner("vera", vehicle, NOW, "viewer"), Register(vehicle, vehicle, f"t{vehicle}", "anna", NOW)])
    async with store.queries(lambda: 0) as found:
        yield found
    store.close()


async def all_of(pages: AsyncIterator[list[Any]]) -> list[list[Any]]:
    return [page async for page in pages]


@pytest.mark.parametrize(("vehicles", "found"), [([], "ABC"), (["C", "A"], "CA"), (["NEVER"], "")])
async def test_statuses_come_by_vehicle_and_time(queries: Any, vehicles: list[str], found: str) -> None:
    pages = await all_of(statuses(queries, vehicles, 0, NOW * 2))
    assert all(1 <= len(page) <= 2 for page in pages)
    rows = [(row.vehicle, row.time) for page in pages for row in page]
    assert rows == [(vehicle, NOW + number) for vehicle in found for number in range(EACH)]


async def test_both_ends_of_the_time_are_included(queries: Any) -> None:
    pages = await all_of(statuses(queries, ["A"], NOW + 1, NOW + 3))
    assert [row.time for page in pages for row in page] == [NOW + 1, NOW + 2, NOW + 3]


async def test_owners_are_those_of_the_relations_that_are_asked_for(queries: Any) -> None:
    async def found(vehicles: list[str], *relations: str) -> set[tuple[str, str]]:
        pages = await all_of(owners(queries, vehicles, relations))
        return {(row["uid"], row["vehicle"]) for page in pages for row in page}

    assert await found([], "owner") == {(uid, one) for one in "ABC" for uid in ("anna", f"of {one}")}
    assert await found(["B"], "owner", "viewer") == {("anna", "B"), ("of B", "B"), ("vera", "B")}


async def test_phones_of_all_vehicles_or_of_some(queries: Any) -> None:
    for vehicles, tokens in (([], ["tA", "tB", "tC"]), (["C"], ["tC"])):
        pages = await all_of(registrations(queries, vehicles, ["token"]))
        assert [row["token"] for page in pages for row in page] == tokens
    assert await all_of(registrations(queries, [], ["fid"])) == []


class Busy:
    """A database that is busy so many times."""

    def __init__(self, times: int) -> None:
        self._left = times

    async def vehicles_from(self, first: str, limit: int) -> list[str]:
        if self._left:
            self._left -= 1
            raise Unavailable("the database is slow")
        return []


async def test_a_slow_database_is_asked_again_for_some_seconds(autojump_clock: trio.testing.MockClock) -> None:
    busy: Any = Busy(TRIES - 1)
    assert await all_of(statuses(busy, [], 0, 1)) == []
    assert trio.current_time() == pytest.approx((TRIES - 1) * AGAIN_AFTER_S)
    slow: Any = Busy(TRIES)
    with pytest.raises(Unavailable):
        await all_of(statuses(slow, [], 0, 1))
