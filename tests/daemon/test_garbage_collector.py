"""Full passes of the collector: not amid a crowd, and not never."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import trio
from quart_trio import QuartTrio
from trio.testing import MockClock
from werkzeug.exceptions import HTTPException

from evd.api.request_permits import HoldingConnection
from evd.daemon.garbage_collector import EVERY_S, FEW, GROWN, LATEST_S, LONG_S, is_due, make_full_pass, make_full_passes


class Node:
    """Refers to itself, so only a pass of the collector frees it."""

    def __init__(self) -> None:
        self.me = self


@pytest.mark.parametrize(
    ("connections", "since_s", "grown", "due"),
    [
        *((FEW, EVERY_S, 0, True), (FEW, 1, GROWN - 1, False), (FEW, 1, GROWN, True)),
        *((FEW + 1, EVERY_S, GROWN, False), (9 * FEW, LATEST_S, 0, True)),
    ],
)
def test_a_crowd_is_not_held_up_but_for_what_has_waited_long(
    connections: int, since_s: float, grown: int, due: bool
) -> None:
    assert is_due(connections, since_s, grown) is due


@pytest.mark.parametrize(
    ("connections", "took_s", "frozen"),
    [(FEW, LONG_S + 0.001, True), (FEW, LONG_S - 0.001, False), (FEW + 1, LONG_S + 0.001, False)],
)
def test_what_made_a_pass_long_is_not_looked_at_again(connections: int, took_s: float, frozen: bool) -> None:
    fleet = [[] for _ in range(1000)]
    times = iter([0.0, took_s])
    before = gc.get_freeze_count()
    try:
        make_full_pass(connections, lambda: next(times))
        assert (gc.get_freeze_count() - before >= len(fleet)) is frozen
    finally:
        gc.unfreeze()


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


async def refuse_one(app: QuartTrio) -> None:
    """A request to a path that nobody serves, from its first byte to its last."""
    headers: list[tuple[bytes, bytes]] = [(b"host", b"x")]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/nothing"}
    scope |= {
        "raw_path": b"/nothing",
        "query_string": b"",
        "headers": headers,
        "client": ("::1", 1),
        "server": ("x", 1),
    }
    requests = [{"type": "http.request", "body": b"", "more_body": False}]
    answered: list[Any] = []

    async def receive() -> Any:
        if requests:
            return requests.pop()
        return await trio.sleep_forever()

    async def send(message: Any) -> None:
        answered.append(message)

    await HoldingConnection(app, scope)(receive, send)  # type: ignore[arg-type]
    assert answered[0]["status"] == 418


@pytest.mark.usefixtures("by_itself_python_makes_no_pass")
async def test_a_refused_request_leaves_next_to_nothing_to_the_collector() -> None:
    """A crowd that is refused would pile it up until the next full pass, which would hold the loop for long."""
    app = QuartTrio("refuses")
    app.register_error_handler(HTTPException, lambda _: ("", 418))
    await refuse_one(app)
    gc.collect()
    for _ in range(50):
        await refuse_one(app)
    assert gc.collect() < 50 * 20
