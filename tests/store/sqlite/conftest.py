"""A commit thread of either kind on a connection with two vehicles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commit_threads import TWINS

from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.connection import open_writer


@pytest.fixture(params=sorted(TWINS))
def twin(request: pytest.FixtureRequest) -> Any:
    return TWINS[request.param]


@pytest.fixture
def connection(database: Path) -> Iterator[Any]:
    opened = open_writer(database)
    opened.execute("PRAGMA busy_timeout = 0")
    opened.execute("INSERT INTO vehicles (number, vehicle, slots, created) VALUES (1, 'A', 20, 0), (2, 'B', 20, 0)")
    yield opened
    opened.close()


@pytest.fixture
def committer(twin: Any, connection: Any) -> Iterator[CommitThread]:
    made = twin(connection, rows_max=4, close_timeout_s=10)
    yield made
    with contextlib.suppress(TimeoutError):
        made.close()
