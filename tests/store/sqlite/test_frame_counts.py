"""The count of frames in SQLite: what followed a ring's written shape, and how far a late frame's search goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import NOW, arrival, new_store, rows

from evd.model.units import DAY_MS, HOUR_MS, MINUTE_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.frame_counts import LOOK_ROWS_MAX

Opener = Callable[..., SqliteDatabase]
MIDNIGHT = NOW // DAY_MS * DAY_MS
DAYS = "SELECT day, received, lost, resets FROM days WHERE vehicle = '386625' ORDER BY day"


@pytest.mark.parametrize("groups", [1, 3, 7, 100])
def test_what_followed_the_written_shape_is_counted_by_readers_and_by_the_next_start(
    open_store: Opener, database: Path, groups: int
) -> None:
    """In order, every second one lost; the shape is written with each eighth."""
    store = open_store(capacity=30)
    said = [arrival(time=MIDNIGHT + number * MINUTE_MS, seq=2 * number) for number in range(50)]
    for first in range(0, len(said), groups):
        store.write(said[first : first + groups])
        so_far = min(first + groups, len(said))
        assert rows(database, DAYS) == [("2023-11-14", so_far, so_far - 1, 0)]
        if first % 3 == 0:
            store.close()
            store = open_store(capacity=30)
    store.write([arrival(time=MIDNIGHT + HOUR_MS, seq=200)])
    assert rows(database, DAYS) == [("2023-11-14", 51, 49 + 101, 0)]


@pytest.mark.parametrize("commits", range(1, 19))
def test_a_start_over_what_a_crash_left_counts_on(
    open_store: Opener, database: Path, tmp_path: Path, commits: int
) -> None:
    """The file and its log, copied while the store runs; the shape is written with each eighth status."""
    store = open_store(capacity=30)
    for number in range(commits):
        store.write([arrival(time=MIDNIGHT + number * MINUTE_MS, seq=2 * number)])
    for name in (database.name, f"{database.name}-wal"):
        (tmp_path / "crashed").mkdir(exist_ok=True)
        shutil.copy(database.with_name(name), tmp_path / "crashed" / name)
    crashed = tmp_path / "crashed" / database.name
    restarted = new_store(crashed, capacity=30)
    restarted.write([arrival(time=MIDNIGHT + HOUR_MS, seq=2 * commits)])
    assert rows(crashed, DAYS) == [("2023-11-14", commits + 1, commits, 0)]
    restarted.close()


def test_a_late_one_whose_neighbours_are_out_of_sight_is_received_and_takes_back_no_gap(
    open_store: Opener, database: Path
) -> None:
    store = open_store(capacity=2 * LOOK_ROWS_MAX + 10)
    wlan = [
        arrival(time=NOW + 1000 + number, seq=None, connectivity=2, payload=None)
        for number in range(2 * LOOK_ROWS_MAX + 2)
    ]
    store.write([arrival(time=NOW, seq=1), *wlan, arrival(time=NOW + 9000, seq=5)])
    store.write([arrival(time=NOW + 1000 + LOOK_ROWS_MAX + 1, seq=3)])
    assert rows(database, DAYS) == [("2023-11-14", 3, 3, 0)]
