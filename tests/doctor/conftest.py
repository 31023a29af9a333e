"""A directory as `evd init` makes it, and an authority for certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme
from daemon_process import init


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    init(tmp_path / "evd")
    return tmp_path / "evd"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()
