"""`evd shell`: questions in SQL to the database, which is opened for reading only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, say_error, say_lines, show, table, typed_line
from evd.config.data_dir import find
from evd.errors import ConfigError
from evd.model.plain_text import one_line

if TYPE_CHECKING:
    from evd.store.sql import SqlAnswer, SqlSession

HELP = """End a statement with a semicolon. Times ending in _ms are epoch ms; docs/sql.md has questions and their SQL.
.names          views, then tables
.schema NAME    how a view or a table is made
.quit           or Ctrl-D"""


@click.command()
@click.argument("sql", required=False)
@directory_option
@json_option
def shell(sql: str | None, directory: str | None, as_json: bool) -> None:
    """Ask the database in SQL: its tables and views, for reading only.

    With SQL that one statement is answered; without it each line of stdin, up to its semicolon. Beside a running evd,
    too. A statement ends after a minute, or 100,000 rows.
    """
    from evd.store.engines import DEFAULT, ENGINES

    data_dir = find(directory, os.environ)
    data_dir.require()
    opened = ENGINES[DEFAULT].sql
    if opened is None:
        raise ConfigError("this database speaks no SQL")
    session = opened(data_dir.database)
    try:
        if sql is not None:
            _print(session.ask(sql), as_json)
        else:
            _converse(session, as_json)
    finally:
        session.close()


def _converse(session: SqlSession, as_json: bool) -> None:
    """A statement that fails ends a script, and a person's question only."""
    person = sys.stdin.isatty()
    if person:
        import readline  # noqa: F401 (arrows and history for `input`)

        say("Reading only. `.help` shows what is understood.", err=True)
    for statement in _statements(session, person):
        try:
            if statement.startswith("."):
                _command(session, statement)
            else:
                _print(session.ask(statement), as_json)
        except ConfigError as error:
            if not person:
                raise
            say_error(error)


def _statements(session: SqlSession, person: bool) -> Iterator[str]:
    pending = ""
    while (line := _line("sql> " if not pending else "...> ", person)) is not None:
        if not pending and line.startswith("."):
            if line.split()[:1] == [".quit"]:
                return
            yield line
            continue
        pending = f"{pending}\n{line}".strip()
        if session.is_whole(pending):
            yield pending
            pending = ""
    if pending:
        yield pending


def _line(prompt: str, person: bool) -> str | None:
    if person:
        try:
            return typed_line(prompt)
        except EOFError:
            return None
    return sys.stdin.readline() or None


def _command(session: SqlSession, line: str) -> None:
    """Raises ConfigError."""
    name, _, rest = line.strip().partition(" ")
    if name == ".names":
        for one in session.names():
            say("{}", one)
    elif name == ".schema" and rest.strip():
        made = session.made_by(rest.strip())
        if made is None:
            raise ConfigError(f"there is no view or table {rest.strip()!r}: `.names` lists them")
        say_lines(made)
    elif name == ".help":
        say_lines(HELP)
    else:
        raise ConfigError(f"{line.strip()!r} is not understood: `.help` shows what is")


def _print(answer: SqlAnswer, as_json: bool) -> None:
    rows = [dict(zip(answer.names, map(_plain, row), strict=True)) for row in answer.rows]
    if as_json:
        show(rows)
    elif answer.names:
        table(rows, {name: one_line(name) for name in answer.names}, empty="No row.")
    if answer.is_cut:
        say("… there are more rows: narrow it down with WHERE or LIMIT.", err=True)


def _plain(value: Any) -> Any:
    """Bytes as hex digits."""
    return value.hex() if isinstance(value, bytes) else value
