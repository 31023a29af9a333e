"""Bytes that change in the files of an evd that was killed.

The WAL has checksums: what is changed there is dropped, and no row is wrong. SQLite has none in the database's file: a
changed byte of a row's content can't be found, a changed structure is: evd says so in a sentence and never crashes.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from contextlib import closing
from pathlib import Path

import pytest
from daemon_process import init, run_evd, running_daemon
from fault_load import SEED, load_of
from ledger import Ledger, new_ledger, stored

from evd.cli.exits import UNUSABLE
from evd.errors import StoreError
from evd.store.sqlite.connection import PAGE_BYTES, open_writer

CHANGES = 200 if "NIGHTLY" in os.environ else 20
STARTS = 40 if "NIGHTLY" in os.environ else 4
BYTES = 64


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ledger]:
    """The directory of an evd that was killed under load, with its WAL, and what it was sent."""
    directory = tmp_path_factory.mktemp("killed") / "evd"
    keys = init(directory)
    with new_ledger() as ledger, load_of(ledger, keys) as load:
        with running_daemon(directory, keys=keys) as daemon:
            load.aim(daemon.url)
            load.wait_for_acks(300)
            daemon.stop(signal.SIGKILL, exit_code=-signal.SIGKILL)
        load.rest()
    return directory, ledger


def change(path: Path, chance: random.Random, first: int = 0) -> None:
    """64 bytes of one page, at or behind the byte `first`."""
    size = path.stat().st_size
    page = chance.randrange(first, max(size - BYTES, first + 1)) // PAGE_BYTES * PAGE_BYTES
    with path.open("r+b") as file:
        file.seek(min(page + chance.randrange(PAGE_BYTES - BYTES), size - BYTES))
        file.write(chance.randbytes(BYTES))


@pytest.mark.parametrize("name", ["evd.db-wal", "evd.db-shm"])
def test_no_row_is_wrong_whatever_changes_in_the_log(tmp_path: Path, killed: tuple[Path, Ledger], name: str) -> None:
    directory, ledger = killed
    chance, sent = random.Random(SEED), ledger.entries().sent
    whole = 0
    for number in range(CHANGES):
        copy = tmp_path / str(number)
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("evd.sock"))
        change(copy / name, chance)
        try:
            open_writer(copy / "evd.db").close()
        except StoreError:
            continue
        rows = set(stored(copy / "evd.db"))
        assert rows <= sent
        whole += rows >= ledger.entries().acknowledged
        shutil.rmtree(copy)
    print(f"{name}: {CHANGES} changes, after {whole} all that was acknowledged was there")
    if name == "evd.db-shm":
        assert whole == CHANGES, "it is made anew from the log"


def test_a_changed_database_is_refused_in_a_sentence_or_served(tmp_path: Path, killed: tuple[Path, Ledger]) -> None:
    directory, _ = killed
    chance, refused = random.Random(SEED), 0
    with closing(open_writer(directory / "evd.db")) as writer:  # all of it into the database's file
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for number in range(STARTS):
        copy = tmp_path / str(number)
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("evd.sock"))
        change(copy / "evd.db", chance)
        try:
            with running_daemon(copy, keys={}) as daemon:
                daemon.stop(exit_code=None)
                said = str(daemon.logs)
        except AssertionError as ended:
            refused += 1
            said = str(ended)
            assert "evd.db" in said
        assert "Traceback" not in said
        shutil.rmtree(copy)
    print(f"{STARTS} starts with a changed database, {refused} refused")


def test_a_file_that_is_no_database_is_refused_and_stays(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    header = b"no database at all"
    with (tmp_path / "evd" / "evd.db").open("r+b") as file:
        file.write(header)
    ended = run_evd("serve", "--dir", tmp_path / "evd", "--bind", "127.0.0.1:0")
    assert ended.returncode == UNUSABLE.code
    (said,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert "evd.db" in said
    assert (tmp_path / "evd" / "evd.db").read_bytes().startswith(header)
