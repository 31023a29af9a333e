"""Each test here is run against every engine: what any of them must do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from any_engine import AnyDatabase

from evd.store.engines import ENGINES


@pytest.fixture(params=sorted(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyDatabase]:
    opened = AnyDatabase(ENGINES[request.param], tmp_path / "evd.db")
    yield opened
    opened.close()
