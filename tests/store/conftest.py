"""What the tests of the writer and of its parts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_store import ScriptedStore


@pytest.fixture
def store() -> Iterator[ScriptedStore]:
    scripted = ScriptedStore()
    yield scripted
    scripted.close()
