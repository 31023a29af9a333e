"""Full passes of the collector: not amid a crowd, and not never."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import trio
from trio.testing import MockClock

from evd.collector import EVERY_S, FEW, LATEST_S, is_due, make_full_passes


class Node:
    """Refers to itself, so only a pass of the collector frees it."""

    def __init__(self) -> None:
        self.me = self


@pytest.mark.parametrize(
    ("connections", "since_s", "due"),
    [(0, EVERY_S, True), (FEW, EVERY_S, True), (FEW + 1, EVERY_S, False), (9 * FEW, LATEST_S, True)],
)
def test_a_crowd_is_not_held_up_but_for_what_has_waited_long(connections: int, since_s: float, due: bool) -> None:
    assert is_due(connections, since_s) is due


@pytest.fixture
def by_itself_python_makes_no_pass() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("by_itself_python_makes_no_pass")
async def test_what_outlived_its_youth_is_freed_when_few_are_there(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    connections = FEW + 1
    old = Node()
    outlived = weakref.ref(old)
    gc.collect()
    del old
    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_full_passes, lambda: connections)
        await trio.sleep(3 * EVERY_S + 1)
        assert outlived() is not None
        connections = FEW
        await trio.sleep(EVERY_S)
        assert outlived() is None
        nursery.cancel_scope.cancel()
