"""evd is killed at each statement of an upgrade, from each earlier schema: the next start has all of the file.

An upgrade is one transaction, so after the kill the file is as the older evd left it, or whole in the new schema; what
the kill left beside it (the unfinished copy, the WAL) hinders nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from builders import NOW, arrival, new_store, ring_of, rows
from daemon_process import init, run_evd
from folders import SUPPORT

from evd.store.sqlite import connection as opening
from evd.store.sqlite.connection import APPLICATION_ID, SCHEMA_VERSION
from evd.store.sqlite.sqlite_library import sqlite3

VERSIONS = (1, 2, 4, 5, 6, 7, 8, 9)
"""Those whose tables are kept as files; 1 has the tables of 2, and no evd was released with 3."""

KILLS = 1_000_000 if "NIGHTLY" in os.environ else 4
"""At each statement at night; else at so many, spread over all."""

COLUMNS = "place, timely, time, seq, id, received, connectivity, payload, fields, document, flags"
STATUSES = [arrival(time=NOW + slot * 1000, seq=2 * slot) for slot in range(3)]


def old_file(path: Path, version: int) -> None:
    """A vehicle that was heard three times; the latest are in the WAL only, as after a kill."""
    with closing(sqlite3.connect(str(path), isolation_level=None)) as made:
        made.executescript((SUPPORT / f"schema_{max(version, 2)}.sql").read_text("utf-8"))
        made.executescript(
            f"""
            INSERT INTO meta VALUES ('statuses_per_vehicle', 10);
            INSERT INTO vehicles (number, vehicle, slots, kept, newest, created) VALUES (1, '386625', 10, 3, 2, {NOW});
            PRAGMA application_id = {APPLICATION_ID};
            PRAGMA user_version = {version};
            PRAGMA journal_mode = wal;"""
        )
        for slot, one in enumerate(STATUSES):
            row = ((1 << 20) + slot, one.timely, one.time, one.seq, one.status_id, NOW, 1, one.payload, "{}", "{}", "")
            made.execute(f"INSERT INTO statuses ({COLUMNS}) VALUES ({', '.join('?' * 11)})", row)


def upgraded_in_a_child(path: Path, on_statement: Callable[[int], None]) -> int:
    """A process that opens the file, and is told of each statement; how it ended (`os.waitpid`'s status)."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        genuine, count = sqlite3.connect, 0

        def traced(*arguments: object, **options: object) -> object:
            made = genuine(*arguments, **options)

            def note(_: str) -> None:
                nonlocal count
                count += 1
                on_statement(count)

            made.set_trace_callback(note)
            return made

        opening.sqlite3.connect = traced  # type: ignore[attr-defined]
        opening.open_writer(path)
        (path.parent / "statements").write_text(str(count))
    finally:
        os._exit(0)


def killed_at(number: int) -> Callable[[int], None]:
    return lambda count: os.kill(os.getpid(), signal.SIGKILL) if count == number else None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kill_at_any_statement_of_an_upgrade_loses_nothing(tmp_path: Path, version: int) -> None:
    made = tmp_path / "made"
    made.mkdir()
    old_file(made / "evd.db", version)
    whole = shutil.copytree(made, tmp_path / "whole")
    assert upgraded_in_a_child(whole / "evd.db", lambda count: None) == 0
    statements = int((whole / "statements").read_text())
    assert statements > 30, "the upgrade itself must be among them"
    found = set()
    for number in range(1, statements + 1, max(1, statements // KILLS)):
        folder = shutil.copytree(made, tmp_path / "killed")
        assert upgraded_in_a_child(folder / "evd.db", killed_at(number)) == signal.SIGKILL
        (kept,) = rows(folder / "evd.db", "PRAGMA user_version")[0]
        assert kept in (version, SCHEMA_VERSION)
        found.add(kept)
        new_store(folder / "evd.db").close()
        assert rows(folder / "evd.db", "PRAGMA user_version") == [(SCHEMA_VERSION,)]
        assert rows(folder / "evd.db", "PRAGMA integrity_check") == [("ok",)]
        assert ring_of(folder / "evd.db") == [one.status_id for one in STATUSES], f"killed at statement {number}"
        assert not list(folder.glob("*.new")), "an unfinished copy of the file as it was"
        shutil.rmtree(folder)
    assert version in found, "else no kill came before the end"


def test_an_older_evd_refuses_a_newer_file_in_one_sentence(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    database = tmp_path / "evd" / "evd.db"
    with closing(sqlite3.connect(str(database), isolation_level=None)) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = database.read_bytes()
    refused = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0")
    assert refused.returncode not in (0, 70), "70 would be started again and again"
    said = f"has schema {SCHEMA_VERSION + 1}, this evd knows {SCHEMA_VERSION}: install the evd that wrote it"
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert database.read_bytes() == before
