"""The commit thread ends in order: after the group in hand, on a disk that hangs, with its process."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from builders import rows
from commit_threads import COUNT, TABLE, TWINS, entries, needs_cython, put, readable, tasks, until
from folders import SUPPORT

from evd.store.sqlite.commit_thread import CommitThread
from evd.store.sqlite.sqlite_library import sqlite3


def other_holds_the_lock(connection: Any, database: Path) -> Any:
    other = sqlite3.connect(str(database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


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


DIES = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from commit_threads import TWINS, put
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
    arguments = [sys.executable, "-c", DIES, str(database), name, str(SUPPORT), *(["held"] if held else [])]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30)
    assert done.returncode == 7, done.stderr
    assert time.monotonic() - began < 20
    if other:
        other.close()
