"""Each test here is run against every engine: what any of them must do.

The tests know the protocols and nothing else: no SQL, no engine's class, no private name. `test_completeness` says what
is not specified yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from any_engine import AnyDatabase
from engine_faults import FAULTS, Faults

from evd.store.engines import ENGINES


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def database(engine: str, tmp_path: Path) -> Iterator[AnyDatabase]:
    opened = AnyDatabase(ENGINES[engine], tmp_path / "evd.db")
    yield opened
    opened.close()


@pytest.fixture
def faults(engine: str) -> Faults:
    return FAULTS[engine]
