"""A ring in pages: they are what one question gives, and a ring that moves on between them loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, new_store, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.model.operations import SetVehicle
from evd.model.units import DAY_MS
from evd.store.records import NUMBER_MAX, PageLimit, SortKey, TimeSpan
from evd.store.sqlite.connection import open_reader
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.ring_walk import Columns, read_page

IDS = Columns("s.time, s.seq, s.id")


def walked(
    path: Path, span: TimeSpan, room: PageLimit, between: Callable[[], object] = lambda: None, *, down: bool = False
) -> list[str]:
    """The ids of all pages, with something done between two of them."""
    found: list[str] = []
    after: SortKey | None = None
    with closing(open_reader(path)) as reader:
        while True:
            page = read_page(reader, span, after, IDS, room, down=down)
            assert not reader.in_transaction, "nothing is held between two pages"
            found += [row[2] for row in page.rows]
            if not page.more:
                return found
            assert page.rows
            after = tuple(page.rows[-1])
            between()


moments = st.tuples(st.integers(0, 12), st.sampled_from((0, 1, 2, None)), st.booleans(), st.integers(0, 3))


@settings(max_examples=40)
@given(
    said=st.lists(moments, max_size=40),
    capacity=st.integers(1, 12),
    lowered=st.sampled_from((None, 1, 3, 7)),
    room=st.builds(PageLimit, st.integers(1, 6), st.sampled_from((1, 40, 9999))),
    times=st.tuples(st.integers(-1, 13), st.integers(-1, 13)),
)
def test_pages_are_what_one_question_gives(
    tmp_path_factory: pytest.TempPathFactory,
    said: list[Any],
    capacity: int,
    lowered: int | None,
    room: PageLimit,
    times: tuple[int, int],
) -> None:
    """Whatever came early, late, at the same time or of the future; and while a lowered ring is being trimmed."""
    path = tmp_path_factory.mktemp("ring") / "evd.db"
    store = new_store(path, capacity=capacity)
    for time_, seq, ahead, payload in said:
        at = NOW + time_ * 1000 + (9 * DAY_MS if ahead else 0)
        store.write([arrival(time=at, seq=seq, payload=bytes([payload]))])
    if lowered:
        store.write([SetVehicle("386625", NOW, keep=lowered)])
    for first, last in (tuple(NOW + moment * 1000 for moment in times), (0, NOW + 99 * DAY_MS)):
        wanted = [
            status_id
            for (status_id,) in rows(
                path,
                "SELECT id FROM ring WHERE vehicle = '386625' AND time BETWEEN ? AND ? ORDER BY time, seq, position",
                *(first, last),
            )
        ]
        assert walked(path, TimeSpan("386625", first, last), room) == wanted
        assert walked(path, TimeSpan("386625", first, last), room, down=True) == wanted[::-1]
    store.close()


def test_a_ring_that_moves_on_between_two_pages_loses_and_repeats_nothing(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    """What is told is what was there all the time, and in order; late ones come in, and the oldest fall out."""
    store = open_store(capacity=50)
    store.write([arrival(time=NOW + i * 1000, seq=i) for i in range(50)])
    before = [status_id for (status_id,) in rows(database, "SELECT id FROM ring ORDER BY time")]
    step = iter(range(1000))

    def move_on() -> None:
        number = next(step)
        store.write([arrival(time=NOW + (60 + number) * 1000, seq=60 + number)])
        store.write([arrival(time=NOW + number * 3000 + 1, seq=number)])

    found = walked(database, TimeSpan("386625", 0, NUMBER_MAX), PageLimit(4, 9999), move_on)
    after = {status_id for (status_id,) in rows(database, "SELECT id FROM ring")}
    assert len(set(found)) == len(found)
    stayed = [status_id for status_id in before if status_id in after]
    assert [status_id for status_id in found if status_id in stayed] == stayed
    times = dict(rows(database, "SELECT id, time FROM ring"))
    told = [times[status_id] for status_id in found if status_id in times]
    assert told == sorted(told)


def test_an_unknown_vehicle_has_no_pages(open_store: Callable[..., SqliteDatabase], database: Path) -> None:
    open_store()
    assert walked(database, TimeSpan("NOBODY", 0, NUMBER_MAX), PageLimit(9, 9)) == []
