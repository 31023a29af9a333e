"""The commit thread, both twins: what is gathered is on disk when `finish` returns, whole or not; nothing dangles."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import rows
from folders import SUPPORT
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.errors import ConfigError
from evd.store.sqlite import _commit_thread_py
from evd.store.sqlite.commit_thread import CommitThread, open_commit_thread
from evd.store.sqlite.connection import open_writer
from evd.store.sqlite.sqlite_library import sqlite3

HERE = Path(__file__).parent
PACKAGE = Path(_commit_thread_py.__file__).parent
TWINS: dict[str, Any] = {"python": _commit_thread_py.CommitThread}
with contextlib.suppress(ImportError):
    from evd.store.sqlite import _commit_thread

    TWINS["cython"] = _commit_thread.CommitThread
needs_cython = pytest.mark.skipif("cython" not in TWINS, reason="the extension is not built")

ROW = {
    "place": 1 << 20,
    "timely": True,
    "time": 1_700_000_000_000,
    "seq": 7,
    "id": "00000000000000ff",
    "received": 1_700_000_000_001,
    "connectivity": 1,
    "payload": b"\x00\x13\xff",
    "fields": b'{"state":1}',
    "document": '{"name":"Ännchen 🚐"}'.encode(),
    "flags": "",
}
FIRST = (1 << 20, 1, 1_700_000_000_000, 7, "00000000000000ff", 1_700_000_000_001, 1, b"\x00\x13\xff")
TABLE = "SELECT * FROM statuses ORDER BY place"
COUNT = (1_700_000_000_000, 4095, 7, 2, 1)
"""Of a vehicle's frames: the newest one's time and seqNumber; received, lost, restarts."""

Opener = Callable[..., CommitThread]


@pytest.fixture(params=sorted(TWINS))
def twin(request: pytest.FixtureRequest) -> Any:
    return TWINS[request.param]


@pytest.fixture
def connection(database: Path) -> Iterator[Any]:
    opened = open_writer(database)
    opened.execute("PRAGMA busy_timeout = 0")
    opened.execute("INSERT INTO vehicles (number, vehicle, slots, created) VALUES (1, 'A', 20, 0), (2, 'B', 20, 0)")
    yield opened
    opened.close()


@pytest.fixture
def committer(twin: Any, connection: Any) -> Iterator[CommitThread]:
    made = twin(connection, rows_max=4, close_timeout_s=10)
    yield made
    with contextlib.suppress(TimeoutError):
        made.close()


def put(committer: CommitThread, **others: Any) -> None:
    committer.put(*(ROW | others).values())


def readable(committer: CommitThread, timeout_s: float = 10) -> bool:
    return bool(select.select([committer.fd], [], [], timeout_s)[0])


def entries(directory: str) -> int:
    return sum(1 for _ in Path(directory).iterdir())


def tasks() -> int:
    """The process's threads, whoever started them."""
    return entries("/proc/self/task")


def until(condition: Callable[[], bool]) -> bool:
    """The kernel strikes a thread off its list a moment after it was joined."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        os.sched_yield()
    return condition()


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


@pytest.mark.parametrize("bad", [("1", 0, 0, b""), (1, 1 << 63, 0, b""), (1, 0, 0, "text"), (1, 0, 0, None)])
def test_a_part_that_does_not_fit_is_refused_at_once(committer: CommitThread, bad: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        committer.ended_part(*bad)
    with pytest.raises((TypeError, OverflowError)):
        committer.open_part(bad[0], bad[1], 0, "ff", bad[3], 0, 0, b"{}")
    assert committer.gathered == 0


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


@pytest.mark.parametrize(
    "what",
    [
        lambda committer: put(committer),
        lambda committer: committer.move(1, 2),
        lambda committer: committer.shape(1, 1, 1, *COUNT),
        lambda committer: committer.flush(),
        lambda committer: committer.drop(),
        lambda committer: committer.start(),
    ],
)
def test_while_a_group_is_written_nothing_else_may_be_done(committer: CommitThread, database: Path, what: Any) -> None:
    put(committer)
    committer.start()
    with pytest.raises(RuntimeError, match="is being written"):
        what(committer)
    committer.finish()
    with pytest.raises(RuntimeError, match="no group was started"):
        committer.finish()
    assert len(rows(database, TABLE)) == 1


def test_a_closed_one_does_nothing_more(committer: CommitThread) -> None:
    committer.close()
    committer.close()
    for what in (lambda: put(committer), committer.flush, committer.drop, committer.start):
        with pytest.raises(RuntimeError, match="closed"):
            what()


def test_closing_waits_for_the_group_in_hand(committer: CommitThread, database: Path) -> None:
    put(committer)
    committer.start()
    committer.close()
    assert len(rows(database, TABLE)) == 1


def test_closing_ends_the_thread_and_closes_the_descriptor(twin: Any, connection: Any) -> None:
    threads, descriptors = tasks(), entries("/proc/self/fd")
    made = twin(connection, rows_max=4, close_timeout_s=10)
    assert tasks() == threads + 1
    made.close()
    assert until(lambda: tasks() <= threads)
    assert entries("/proc/self/fd") == descriptors


def test_closing_waits_for_a_disk_that_hangs_for_so_long_only(twin: Any, connection: Any, database: Path) -> None:
    """Another process's lock that is waited for stands for the disk."""
    connection.execute("PRAGMA busy_timeout = 60000")
    other = other_holds_the_lock(connection, database)
    committer = twin(connection, rows_max=4, close_timeout_s=0.05)
    put(committer)
    committer.start()
    with pytest.raises(TimeoutError):
        committer.close()
    other.close()
    assert readable(committer), "the group goes on nevertheless"
    committer.close()
    assert len(rows(database, TABLE)) == 1


@needs_cython
def test_one_that_is_let_go_of_while_it_writes_ends_in_order(connection: Any, database: Path) -> None:
    committer = TWINS["cython"](connection, rows_max=4, close_timeout_s=10)
    put(committer)
    committer.start()
    before = tasks()
    del committer
    gc.collect()
    assert until(lambda: tasks() < before)
    assert len(rows(database, TABLE)) == 1


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


DIES = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3].split(":")
from test_commit_thread import TWINS, put
from evd.store.sqlite.connection import open_writer
connection = open_writer(Path(sys.argv[1]))
committer = TWINS[sys.argv[2]](connection, rows_max=4, close_timeout_s=0.1)
if len(sys.argv) > 4:
    connection.execute("PRAGMA busy_timeout = 60000")
put(committer)
committer.start()
raise SystemExit(7)
"""


@pytest.mark.parametrize("held", [False, True], ids=["the disk is fine", "the disk hangs"])
@pytest.mark.parametrize("name", sorted(TWINS))
def test_a_process_that_ends_in_the_middle_of_a_group_is_not_held_up(
    connection: Any, database: Path, name: str, held: bool
) -> None:
    other = other_holds_the_lock(connection, database) if held else None
    began = time.monotonic()
    arguments = [sys.executable, "-c", DIES, str(database), name, f"{HERE}:{SUPPORT}", *(["held"] if held else [])]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30)
    assert done.returncode == 7, done.stderr
    assert time.monotonic() - began < 20
    if other:
        other.close()


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


# How C reaches SQLite


SAME_NUMBERS = """
#include <sqlite3ext.h>
#define sqlite3_api_routines_of_sqlite struct sqlite3_api_routines
{include}
#define SAME(entry) _Static_assert( \\
    offsetof(sqlite3_api_routines_of_sqlite, entry) == offsetof(evd_sqlite_table, entry), #entry)
{entries}
"""


@pytest.mark.skipif(not Path("/usr/include/sqlite3ext.h").exists(), reason="SQLite's headers are not installed")
def test_the_table_is_sqlites_own(tmp_path: Path) -> None:
    header = PACKAGE / "sqlite_table.h"
    entries = [line.split("(")[1].split(",")[0] for line in header.read_text().splitlines() if line[:7] == "EVD_AT("]
    assert len(entries) == 13
    source = tmp_path / "same.c"
    # sqlite3ext.h makes each name a macro of its own.
    undone = "\n".join(f"#undef sqlite3_{entry}" for entry in entries)
    same = "\n".join(f"SAME({entry});" for entry in entries)
    source.write_text(SAME_NUMBERS.format(include=f'{undone}\n#include "{header}"', entries=same))
    compiler = shutil.which("gcc") or pytest.skip("there is no gcc")
    done = subprocess.run([compiler, "-fsyntax-only", str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_cython
def test_extensions_stay_refused_to_sql(connection: Any) -> None:
    TWINS["cython"](connection, rows_max=4, close_timeout_s=10).close()
    with pytest.raises(sqlite3.OperationalError, match="not authorized"):
        connection.execute("SELECT load_extension('evil')")


class Closed(sqlite3.Connection):  # type: ignore[misc]
    """A connection of an SQLite that was built without extensions."""

    def enable_load_extension(self, enable: bool) -> None:
        raise sqlite3.OperationalError("extensions are not compiled in")


@pytest.mark.parametrize(("asked", "expected"), [("python", "python"), ("", "cython"), ("cython", "cython")])
def test_the_scribe_is_chosen_as_the_codec_is(connection: Any, asked: str, expected: str) -> None:
    if expected not in TWINS:
        pytest.skip("the extension is not built")
    committer = open_commit_thread(connection, rows_max=4, close_timeout_s=10, environ={"EVD_CODEC": asked})
    assert type(committer) is TWINS[expected]
    committer.close()


@needs_cython
def test_where_sqlite_loads_no_extensions_the_python_one_stands_in_unless_set_otherwise(database: Path) -> None:
    open_writer(database).close()
    connection = sqlite3.connect(str(database), isolation_level=None, factory=Closed)
    committer = open_commit_thread(connection, rows_max=4, close_timeout_s=10, environ={})
    assert type(committer) is TWINS["python"]
    committer.close()
    with pytest.raises(ConfigError, match="EVD_CODEC asks for cython, which cannot be used: SQLite loads no ext"):
        open_commit_thread(connection, rows_max=4, close_timeout_s=10, environ={"EVD_CODEC": "cython"})
    connection.close()
