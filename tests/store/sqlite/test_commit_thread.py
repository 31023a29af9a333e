"""The commit thread, both twins: what is gathered is on disk when `finish` returns, whole or not; nothing dangles."""

from __future__ import annotations

import ctypes
import gc
import os
import select
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from builders import rows
from commit_threads import COUNT, FIRST, TABLE, TWINS, needs_cython, put, readable
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.connection import open_writer


def test_a_group_is_on_disk_when_it_is_finished(committer: CommitThread, connection: Any, database: Path) -> None:
    put(committer)
    put(committer, place=(1 << 20) + 1, payload=None, seq=-1, flags="ahead", timely=False, activity=b'{"kind":1}')
    committer.shape(1, 2, 1, *COUNT)
    assert committer.gathered == 3
    assert not connection.in_transaction
    committer.start()
    assert readable(committer)
    committer.finish()
    assert not readable(committer, 0), "the end is told once"
    assert committer.gathered == 0
    assert not connection.in_transaction
    one, other = rows(database, TABLE)
    assert one == (*FIRST, '{"state":1}', '{"name":"Ännchen 🚐"}', "", None, None)
    assert other[1:4] == (0, 1_700_000_000_000, -1)
    assert other[7:] == (None, '{"state":1}', '{"name":"Ännchen 🚐"}', "ahead", None, '{"kind":1}')
    shapes = "SELECT kept, newest, counted, counted_seq, received, lost, resets FROM vehicles ORDER BY number"
    assert rows(database, shapes) == [(2, 1, *COUNT), (0, -1, -1, -1, 0, 0, 0)]


def test_finish_waits_for_the_end(committer: CommitThread, database: Path) -> None:
    put(committer)
    committer.start()
    committer.finish()
    assert len(rows(database, TABLE)) == 1


def test_an_open_transaction_is_committed_with_the_group(
    committer: CommitThread, connection: Any, database: Path
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE vehicles SET name = 'Anna'")
    put(committer)
    committer.start()
    committer.finish()
    assert rows(database, "SELECT DISTINCT name FROM vehicles") == [("Anna",)]
    assert len(rows(database, TABLE)) == 1


def test_a_group_without_anything_costs_nothing(committer: CommitThread, database: Path) -> None:
    log = database.with_name("evd.db-wal")
    before = log.stat().st_size
    committer.start()
    assert readable(committer, 0), "at once"
    committer.finish()
    assert log.stat().st_size == before


def test_what_is_flushed_is_seen_by_the_connection_and_nobody_else_before_the_commit(
    committer: CommitThread, connection: Any, database: Path
) -> None:
    put(committer)
    committer.flush()
    assert connection.in_transaction
    assert committer.gathered == 0
    assert len(connection.execute(TABLE).fetchall()) == 1
    assert rows(database, TABLE) == []
    committer.start()
    committer.finish()
    assert len(rows(database, TABLE)) == 1


def test_what_is_dropped_is_not_written(committer: CommitThread, database: Path) -> None:
    put(committer)
    committer.shape(1, 9, 9, *COUNT)
    committer.drop()
    put(committer, place=5)
    committer.start()
    committer.finish()
    assert [row[0] for row in rows(database, TABLE)] == [5]
    assert rows(database, "SELECT kept FROM vehicles WHERE number = 1") == [(0,)]


def test_more_than_it_may_gather_is_written_all_the_same(committer: CommitThread, database: Path) -> None:
    for place in range(11):
        put(committer, place=place)
        committer.shape(place % 7, place, place, *COUNT)
        assert committer.gathered <= 8
    committer.start()
    committer.finish()
    assert [row[0] for row in rows(database, TABLE)] == list(range(11))


def test_moves_are_written_in_order_before_the_rows(committer: CommitThread, database: Path) -> None:
    for place in range(4):
        put(committer, place=place, id=f"at {place}")
    committer.flush()
    committer.move(2, 3)
    committer.move(1, 2)
    put(committer, place=1, id="late")
    assert committer.gathered == 3
    committer.start()
    committer.finish()
    ids = rows(database, "SELECT place, id FROM statuses ORDER BY place")
    assert ids == [(0, "at 0"), (1, "late"), (2, "at 1"), (3, "at 2")]


def test_a_move_of_nothing_and_moves_beyond_the_bound_change_nothing_else(
    committer: CommitThread, database: Path
) -> None:
    put(committer, place=0)
    committer.flush()
    committer.move(500, 7)
    for place in range(11):
        committer.move(place, place + 1)
        assert committer.gathered <= 8
    committer.start()
    committer.finish()
    assert [row[0] for row in rows(database, TABLE)] == [11]


def test_the_last_word_stands(committer: CommitThread, database: Path) -> None:
    put(committer)
    put(committer, id="later")
    committer.shape(1, 1, 0, *COUNT)
    committer.shape(1, 2, 1, *COUNT)
    committer.start()
    committer.finish()
    assert rows(database, "SELECT id FROM statuses") == [("later",)]
    assert rows(database, "SELECT kept, newest FROM vehicles WHERE number = 1") == [(2, 1)]


OPEN = (1, 5, 7, "ff", b"{}", 0, 3, '{"n":"Ä"}'.encode())


def test_parts_are_written(committer: CommitThread, connection: Any, database: Path) -> None:
    """An ended part takes the place of one with its start; an open part changes its vehicle's row."""
    connection.execute("INSERT INTO derived VALUES (1, '{}', 0, 0, '', '{}', 0, 0, '{}')")
    for number in range(6):  # more than are gathered
        committer.ended_part(1, number % 5, 19_000, b'{"n":%d}' % number)
        committer.open_part(*OPEN)
    assert committer.gathered > 0
    committer.start()
    committer.finish()
    assert committer.gathered == 0
    data = [f'{{"n":{number}}}' for number in (5, 1, 2, 3, 4)]
    assert rows(database, "SELECT * FROM hour_parts") == [(1, start, 19_000, data[start]) for start in range(5)]
    assert rows(database, "SELECT * FROM derived") == [(1, "{}", 5, 7, "ff", "{}", 0, 3, '{"n":"Ä"}')]


@pytest.mark.parametrize("end", ["finish", "flush", "drop", "close"])
def test_what_was_given_is_held_until_it_is_written_and_no_longer(committer: CommitThread, end: str) -> None:
    values = {name: os.urandom(64) for name in ("payload", "fields", "document")} | {"id": os.urandom(9).hex()}
    values |= {name: os.urandom(64) for name in ("ended", "last", "part")}
    before = [sys.getrefcount(value) for value in values.values()]
    put(committer, **{name: values[name] for name in ("payload", "fields", "document", "id")})
    committer.ended_part(1, 0, 0, values["ended"])
    committer.open_part(1, 0, 0, "ff", values["last"], 0, 0, values["part"])
    assert all(sys.getrefcount(value) > count for value, count in zip(values.values(), before, strict=True))
    if end == "finish":
        committer.start()
    getattr(committer, end)()
    if end == "close" and isinstance(committer, TWINS["python"]):
        del committer  # the Python one keeps it for as long as it lives itself
    else:
        assert [sys.getrefcount(value) for value in values.values()] == before


def test_what_only_the_scribe_holds_is_written_whole(committer: CommitThread, database: Path) -> None:
    for place in range(4):
        put(committer, place=place, document=b"%d" % place * 5000, id=f"ä{place}" * 50)
    committer.start()
    gc.collect()
    rubbish = [os.urandom(5000) for _ in range(50)]
    committer.finish()
    assert len(rubbish) == 50
    found = rows(database, "SELECT document, id FROM statuses ORDER BY place")
    assert found == [(f"{place}" * 5000, f"ä{place}" * 50) for place in range(4)]


@needs_cython
def test_the_thread_never_takes_the_gil(connection: Any, database: Path) -> None:
    """poll() is called here with the GIL held throughout: a thread that wanted it would never come to an end."""
    threads = threading.active_count()
    committer = TWINS["cython"](connection, rows_max=4, close_timeout_s=10)
    waited = (ctypes.c_int * 2)(committer.fd, select.POLLIN)  # struct pollfd, little-endian
    holding_the_gil = ctypes.PyDLL(None).poll
    for place in range(20):
        put(committer, place=place)
        committer.start()
        assert holding_the_gil(waited, 1, 10_000) == 1
        committer.finish()
    assert len(rows(database, TABLE)) == 20
    assert threading.active_count() <= threads, "no thread of Python's"
    committer.close()


int64 = st.integers(-(1 << 63), (1 << 63) - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
a_row = st.tuples(
    *(st.integers(0, 9), st.booleans(), int64, int64, texts, int64, int64),
    *(st.none() | st.binary(max_size=12), texts.map(str.encode), st.binary(max_size=20), texts),
)


@needs_cython
@settings(max_examples=50)
@given(groups=st.lists(st.lists(a_row, max_size=9), max_size=4))
def test_law_both_twins_write_the_same(groups: list[list[Any]]) -> None:
    told = []
    for twin in TWINS.values():
        with tempfile.TemporaryDirectory() as directory:
            connection = open_writer(Path(directory) / "evd.db")
            committer = twin(connection, rows_max=4, close_timeout_s=10)
            connection.text_factory = bytes  # what is no UTF-8 is compared, too
            for group in groups:
                for row in group:
                    committer.put(*row)
                committer.start()
                committer.finish()
            told.append(connection.execute("SELECT *, typeof(payload), typeof(document) FROM statuses").fetchall())
            committer.close()
            connection.close()
    assert told[0] == told[1]
