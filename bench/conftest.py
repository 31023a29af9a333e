"""The rates of the whole daemon, told below pytest-benchmark's tables, which know seconds only."""

from __future__ import annotations

from typing import Any

import pytest

RATES: pytest.StashKey[dict[int, dict[str, float]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RATES] = {}


@pytest.fixture
def rates(request: pytest.FixtureRequest) -> dict[int, dict[str, float]]:
    """Connections → what the load told of its median round."""
    return request.config.stash[RATES]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.stash[RATES]:
        return
    terminalreporter.section("callbacks answered after the commit")
    terminalreporter.line(f"{'connections':>11} {'callbacks/s':>12} {'p50 ms':>8} {'p99 ms':>8} {'refused':>8}")
    for connections, told in sorted(config.stash[RATES].items()):
        row = (told[name] for name in ("per_s", "p50_ms", "p99_ms", "refused"))
        terminalreporter.line("{:>11} {:>12.0f} {:>8.2f} {:>8.2f} {:>8.0f}".format(connections, *row))
