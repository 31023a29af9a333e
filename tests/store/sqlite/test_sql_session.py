"""A person's SQL: reading only, one statement at a time, bounded in time."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import new_store

from evd.errors import ConfigError
from evd.store.sqlite.sql_session import SqliteSession


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "evd.db"
    new_store(path).close()
    return path


def test_an_answer_has_names_and_rows(database: Path) -> None:
    session = SqliteSession(database)
    assert session.ask("SELECT 1 AS one, 'x' AS two") == (["one", "two"], [(1, "x")], False)
    assert session.ask("SELECT * FROM fleet LIMIT 0").rows == []
    assert "history" in session.names() and "CREATE VIEW history" in (session.made_by("history") or "")
    assert session.made_by("nothing") is None
    assert (session.is_whole("SELECT ';"), session.is_whole("SELECT 1;")) == (False, True)
    session.close()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DELETE FROM keys", "readonly database"),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "one after the other|one statement at a time"),
        ("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", "was stopped"),
    ],
)
def test_what_is_not_taken_is_said_and_the_next_question_is_answered(database: Path, sql: str, says: str) -> None:
    session = SqliteSession(database, lasts_s=0.2)
    with pytest.raises(ConfigError, match=says):
        session.ask(sql)
    assert session.ask("SELECT count(*) FROM keys").rows == [(0,)]
    session.close()


def test_a_question_leaves_nothing_open_that_would_hold_the_log(database: Path) -> None:
    store = new_store(database)
    session = SqliteSession(database)
    session.ask("SELECT 1 FROM meta UNION ALL SELECT 2 FROM meta")
    busy, *_ = store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
    session.close()
    store.close()
