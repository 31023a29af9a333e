"""What the commit thread cannot write is refused at once and alone, or fails as SQLite says; it goes on afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import rows
from commit_threads import COUNT, FIRST, TABLE, put

from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.sqlite_library import sqlite3

BAD_VALUES = [
    pytest.param({"place": 1 << 63}, OverflowError, id="an integer beyond 64 bits"),
    pytest.param({"time": -(1 << 63) - 1}, OverflowError, id="a negative one"),
    pytest.param({"seq": "7"}, TypeError, id="text for a number"),
    pytest.param({"received": None}, TypeError, id="no number"),
    pytest.param({"id": b"id"}, TypeError, id="bytes for text"),
    pytest.param({"id": "\ud800"}, UnicodeEncodeError, id="a lone surrogate"),
    pytest.param({"flags": None}, TypeError, id="no flags"),
    pytest.param({"fields": None}, TypeError, id="no fields"),
    pytest.param({"fields": "{}"}, TypeError, id="text for bytes"),
    pytest.param({"document": bytearray(b"{}")}, TypeError, id="what may change meanwhile"),
    pytest.param({"payload": "13"}, TypeError, id="a payload in hex"),
]


@pytest.mark.parametrize(("bad", "error"), BAD_VALUES)
def test_a_value_that_does_not_fit_is_refused_at_once_and_alone(
    committer: CommitThread, database: Path, bad: dict[str, Any], error: type[Exception]
) -> None:
    document = os.urandom(64).hex().encode()
    put(committer)
    before = sys.getrefcount(document)
    with pytest.raises(error):
        put(committer, **({"place": 2, "document": document} | bad))
    assert sys.getrefcount(document) == before, "nothing of it is held"
    assert committer.gathered == 1
    committer.start()
    committer.finish()
    assert rows(database, TABLE) == [(*FIRST, '{"state":1}', '{"name":"Ännchen 🚐"}', "", None, None)]


@pytest.mark.parametrize(
    "bad", [(1 << 63, 0, 0, *COUNT), (1, "0", 0, *COUNT), (1, 0, None, *COUNT), (1, 0, 0, *COUNT[:4], "0")]
)
def test_a_shape_that_does_not_fit_is_refused_at_once(committer: CommitThread, bad: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        committer.shape(*bad)
    assert committer.gathered == 0


@pytest.mark.parametrize("bad", [("1", 0, 0, b""), (1, 1 << 63, 0, b""), (1, 0, 0, "text"), (1, 0, 0, None)])
def test_a_part_that_does_not_fit_is_refused_at_once(committer: CommitThread, bad: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        committer.ended_part(*bad)
    with pytest.raises((TypeError, OverflowError)):
        committer.open_part(bad[0], bad[1], 0, "ff", bad[3], 0, 0, b"{}")
    assert committer.gathered == 0


def other_holds_the_lock(connection: Any, database: Path) -> Any:
    other = sqlite3.connect(str(database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def file_is_full(connection: Any, database: Path) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def table_refuses(connection: Any, database: Path) -> None:
    connection.execute("CREATE TEMP TRIGGER no BEFORE UPDATE ON vehicles BEGIN SELECT RAISE(ABORT, 'not so'); END")


def table_is_gone(connection: Any, database: Path) -> None:
    connection.execute("DROP TABLE vehicles")


@pytest.mark.parametrize("how", ["start", "flush"])
@pytest.mark.parametrize(
    ("make", "kind", "code", "says"),
    [
        (other_holds_the_lock, sqlite3.OperationalError, sqlite3.SQLITE_BUSY, "database is locked"),
        (file_is_full, sqlite3.OperationalError, sqlite3.SQLITE_FULL, "database or disk is full"),
        (table_refuses, sqlite3.IntegrityError, sqlite3.SQLITE_CONSTRAINT, "not so"),
        (table_is_gone, sqlite3.OperationalError, sqlite3.SQLITE_ERROR, "no such table: (main.)?vehicles"),
    ],
)
def test_an_error_is_the_one_that_sqlite3_would_raise(
    committer: CommitThread, connection: Any, database: Path, make: Any, kind: Any, code: int, says: str, how: str
) -> None:
    other = make(connection, database)
    for place in range(3):
        put(committer, place=place, document=b"x" * 60_000)
    committer.shape(1, 3, 2, *COUNT)
    with pytest.raises(sqlite3.Error, match=says) as caught:
        if how == "start":
            committer.start()
            committer.finish()
        committer.flush()
    assert type(caught.value) is kind
    assert caught.value.sqlite_errorcode & 0xFF == code, "the cython one knows the extended code, too"
    assert committer.gathered == 0, "what was gathered is forgotten"
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    assert rows(database, TABLE) == []
    if other:
        other.close()


def test_it_goes_on_after_a_failure(committer: CommitThread, connection: Any, database: Path) -> None:
    other = other_holds_the_lock(connection, database)
    put(committer)
    committer.start()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        committer.finish()
    other.close()
    put(committer, place=9)
    committer.start()
    committer.finish()
    assert [row[0] for row in rows(database, TABLE)] == [9]
