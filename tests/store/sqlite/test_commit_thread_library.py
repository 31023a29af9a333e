"""How the commit thread in C reaches SQLite, and when the Python one stands in for it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commit_threads import PACKAGE, TWINS, needs_cython

from evd.errors import ConfigError
from evd.store.sqlite.commit_thread import open_commit_thread
from evd.store.sqlite.connection import open_writer
from evd.store.sqlite.sqlite_library import sqlite3

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
