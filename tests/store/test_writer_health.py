"""What keeps the writer from writing is logged when it begins and when it ends, and read by readiness."""

from __future__ import annotations

import pytest
import structlog
import trio

from evd.errors import StoreBusy, StoreFull, StoreHangs
from evd.model.daemon_state import NotReady
from evd.store.writer_health import WriterHealth


def test_a_full_disk_is_logged_once_until_writing_went_well() -> None:
    health = WriterHealth(5.0)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            health.found_full(StoreFull("the disk of evd.db is full"))
        assert health.disk_full
        health.went_well()
        assert not health.disk_full
        health.found_full(StoreFull("again"))
    assert [entry["reason"] for entry in logs] == ["the disk of evd.db is full", "again"]


def test_a_stall_is_logged_when_it_begins_and_when_it_ends() -> None:
    health = WriterHealth(5.0)
    with structlog.testing.capture_logs() as logs:
        for now in (0.0, 5.0, 6.0):
            health.look(now, waiting=3)
        health.commits += 1
        health.look(7.0, waiting=0)
    assert [(entry["event"], entry.get("waiting")) for entry in logs] == [
        ("nothing is written", 3),
        ("writing goes on", None),
    ]


def test_a_lock_counts_as_a_stall_until_an_attempt_went_well() -> None:
    health = WriterHealth(5.0)
    health.found_busy(StoreBusy("held by sqlite3"))
    health.look(0.0, waiting=0)
    health.look(5.0, waiting=0)
    assert (health.stall.reason, health.stall.detail) == (NotReady.DATABASE_HELD, "held by sqlite3")
    health.went_well()
    health.look(6.0, waiting=0)
    assert health.stall.reason is None


async def test_a_store_that_cannot_be_left_is_marked_so_that_it_is_not_closed(
    mock_clock: trio.testing.MockClock,
) -> None:
    health = WriterHealth(5.0)
    await health.left_in_peace(trio.lowlevel.checkpoint)
    assert not health.hangs
    mock_clock.autojump_threshold = 0
    with trio.CancelScope() as scope, pytest.raises(StoreHangs, match="disk does not answer"):
        scope.cancel()
        await health.left_in_peace(trio.sleep_forever)
    assert health.hangs
