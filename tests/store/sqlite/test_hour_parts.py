"""Stored parts of hours, and those of the ring's statuses since: the newer one of a part counts."""

from __future__ import annotations

from collections.abc import Callable

from builders import NOW, arrival

from evd.derived.rollups import Rollup, written
from evd.model.units import HOUR_MS
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.read.hour_parts import DerivedSnapshot, HourPart, Live, with_live

Opener = Callable[..., SqliteDatabase]
HOUR = NOW - NOW % HOUR_MS


def test_a_part_that_goes_on_replaces_the_stored_one() -> None:
    live = Live([Rollup(HOUR_MS, 0, 5), Rollup(2 * HOUR_MS, 0, 1)], [], None, None)
    stored = [(0, 0, "old"), (HOUR_MS, 0, "stale")]
    assert list(with_live(stored, live)) == [
        HourPart(0, 0, "old"),
        *(HourPart(part.start, part.day, written(part)) for part in live.parts),
    ]


def test_a_snapshot_derives_from_what_came_since_it_was_written(open_store: Opener) -> None:
    store = open_store(capacity=10, rollup_days=9)
    store.write([arrival(time=HOUR + n * HOUR_MS // 2, seq=n) for n in range(3)])
    connection = open_reader(store.path)
    try:
        with DerivedSnapshot(connection, "386625") as (number, zone, live):
            assert (number, zone, live.open is not None) == (1, "UTC", True)
            assert [(part.start - HOUR, part.messages) for part in live.parts] == [(0, 2), (HOUR_MS, 1)]
        with DerivedSnapshot(connection, "nobody") as (number, _, live):
            assert (number, live) == (-1, Live([], [], None, None))
    finally:
        connection.close()
