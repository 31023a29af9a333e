"""What the benches share: how long they take, and the tables they tell below pytest-benchmark's.

pytest-benchmark's own tables know seconds; a load's seconds are its length, so loads are left out there and told here,
in callbacks a second. Both stand in the JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from loads import SENDER

Row = dict[str, Any]
Tell = Callable[[str, Row], None]

TABLES: pytest.StashKey[dict[str, list[Row]]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("evd's benches")
    group.addoption("--seconds", type=int, default=3, help="length of one load (3)")
    group.addoption("--turns", type=int, default=3, help="loads of each server (3)")
    group.addoption("--soak-seconds", type=int, default=60, help="length of the load that memory is watched under (60)")
    group.addoption("--rows", type=int, default=10_000_000, help="rows of bench_growth's large file (10,000,000)")
    group.addoption("--vehicles", type=int, default=100_000, help="vehicles of bench_growth's large fleet (100,000)")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLES] = {}


@pytest.fixture
def seconds(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--seconds"))


@pytest.fixture
def turns(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--turns"))


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Tell:
    """Add a row (heading → cell) to the table of this title."""

    def add(title: str, row: Row) -> None:
        pytestconfig.stash[TABLES].setdefault(title, []).append(row)

    return add


@pytest.hookimpl(wrapper=True)
def pytest_benchmark_group_stats() -> Generator[None, Any, Any]:
    groups: Any = yield
    timed = [(name, [one for one in group if "told" not in one["extra_info"]]) for name, group in groups]
    return [(name, group) for name, group in timed if group]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    tables = config.stash[TABLES]
    for title, rows in tables.items():
        terminalreporter.section(title)
        for line in table(rows):
            terminalreporter.line(line)
    if any("callbacks/s" in row for rows in tables.values() for row in rows):
        terminalreporter.line(f"callbacks sent by {SENDER}")


def table(rows: list[Row]) -> list[str]:
    """Aligned lines: text to the left, numbers to the right."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    texts = [[cell(row.get(heading, "")) for heading in headings] for row in rows]
    widths = [max(map(len, column)) for column in zip(headings, *texts, strict=True)]
    to_left = [all(isinstance(row.get(heading, ""), str) for row in rows) for heading in headings]

    def line(cells: list[str]) -> str:
        places = zip(cells, widths, to_left, strict=True)
        return "  ".join(text.ljust(width) if left else text.rjust(width) for text, width, left in places).rstrip()

    return [line(headings), *map(line, texts)]


def cell(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
