"""The browser of a file's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console_page import running_browser
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as one:
        yield one
