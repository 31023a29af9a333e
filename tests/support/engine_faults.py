"""How each engine is brought to refuse: a new engine has a row here, else the contract's test of faults fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from evd.store.sqlite.sqlite_library import sqlite3


class Faults(NamedTuple):
    """Both take an open database and its path, and last as long as their contexts."""

    full: Callable[[Any, Path], AbstractContextManager[None]]
    """It has no space for another megabyte."""
    held: Callable[[Any, Path], AbstractContextManager[None]]
    """Another writer holds it."""


@contextmanager
def _sqlite_full(database: Any, path: Path) -> Iterator[None]:
    """SQLite's own page limit stands for the disk's end: the same code, the same rollback, on any machine."""
    (pages,) = database._db.execute("PRAGMA page_count").fetchone()
    database._db.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        database._db.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def _sqlite_held(database: Any, path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(str(path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


FAULTS = {"sqlite": Faults(_sqlite_full, _sqlite_held)}
"""Engine → its faults."""
