"""A Google for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google_identity import Google


@pytest.fixture(scope="session")
def google() -> Iterator[Google]:
    one = Google()
    yield one
    one.close()
