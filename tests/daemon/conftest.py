"""What tests of a daemon's rooms share: its parts, built and not started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_parts import BuildParts, parts_in


@pytest.fixture
def parts_of(tmp_path: Path) -> Iterator[BuildParts]:
    with parts_in(tmp_path) as made:
        yield made
