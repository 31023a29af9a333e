"""The search for a status's vehicle through all rings, which may take too long."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from builders import arrival, new_store

from evd.errors import NotFound
from evd.store.sqlite.read import by_id as finding
from evd.store.sqlite.read.queries import open_queries as asked


async def test_a_search_that_takes_too_long_ends_and_says_so(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no error of the database's: 404, and what would be quicker."""
    monkeypatch.setattr("evd.store.sqlite.read.pushes.SEARCH_TIMEOUT_S", 0.0)
    monkeypatch.setattr("evd.store.sqlite.read.by_id.STEPS", 1)
    with closing(new_store(database)) as store:
        store.write([arrival()])
        assert finding.vehicle_of(database, "0123456789abcdef", -1.0) == (None, False)
        async with asked(database) as queries:
            with pytest.raises(NotFound, match="name its vehicle with --vehicle"):
                await queries.vehicle_of("0123456789abcdef")
