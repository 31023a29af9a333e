"""The one printer of all commands: text that did not come from evd reaches a terminal only as plain text.

A sentence is a template of evd's own and values, each rendered in one line. So no value can write a line of its own,
move the cursor, reverse the text direction or act as markup. No other module of the commands prints
(tests/cli/test_printing.py).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import orjson

from evd.cli.times import When, exact, zone
from evd.model.plain_text import json_text, lines, one_line

if TYPE_CHECKING:  # rich takes as long to import as all that a command without a table does
    from rich.box import Box
    from rich.console import Console
    from rich.text import Text

FILE_COLUMNS = 10_000
"""Width of a table that goes to a file: each row is one line, for grep."""

DRAWN_ROWS_MAX = 2_000
"""Rows that rich draws within some seconds."""


def filled(template: str, *values: Any) -> str:
    """A template with its values, each in one line."""
    return template.format(*map(_plain, values))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else one_line(str(value))


def say(template: str, *values: Any, err: bool = False) -> None:
    """A sentence on stdout, or on stderr: `say("{} owns {}", uid, vehicle)`."""
    click.echo(filled(template, *values), err=err)


def say_bold(text: str) -> None:
    """A heading; more follows in the same line."""
    click.secho(one_line(text), bold=True, nl=False)


def say_lines(text: str, *, err: bool = False) -> None:
    """A text of several lines: a body, a grammar with its caret."""
    click.echo(lines(text), err=err)


def say_error(error: BaseException | str) -> None:
    """An error's sentence, on stderr."""
    click.echo(f"evd: {one_line(str(error))}", err=True)


def show_error_line(document: Any) -> None:
    """JSON on stderr, in one line, for a program that reads the end of it."""
    click.echo(json_line(orjson.dumps(document)).decode(), err=True)


def confirmed(question: str) -> bool:
    return click.confirm(question)


def asked(question: str, choices: Sequence[str] = ()) -> str:
    """What a person types; one of `choices`, if there are any."""
    return str(click.prompt(question, type=click.Choice(choices) if choices else str))


def typed_line(prompt: str) -> str:
    """A line that a person types, with arrows and history where readline is loaded. Raises EOFError."""
    return input(prompt)


def typed_password() -> str:
    """A password that is typed twice and not shown."""
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


class PlainOutput(io.RawIOBase):
    """Stdout as a binary file, for whole lines of UTF-8 that are shown on a terminal."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        click.echo(lines(bytes(data).decode("utf-8", "replace")), nl=False)
        return len(data)


def show(document: Any) -> None:
    """JSON on stdout."""
    _write(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def show_line(document: Any) -> None:
    """JSON on stdout, in one line."""
    _write(orjson.dumps(document))


def json_line(line: bytes) -> bytes:
    """A line of JSON for another program, safe on a terminal, too."""
    return line if line.isascii() and b"\x7f" not in line else json_text(line.decode()).encode()


WRAPPED = frozenset({"detail", "said", "sentence", "samples", "fate", "text", "help", "meaning"})
"""Columns of sentences, which may take several lines of a terminal; all others are ids, numbers, times and words."""

IDS = frozenset({"vehicle", "id", "uid", "number", "status_id"})
"""Columns by which a person goes on: they are left out last."""

WRAPPED_MIN = 16
"""Characters of such a column: a sentence of shorter lines cannot be read."""

GAP = 2
"""Blanks between two columns."""


def table(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    empty: str,
    box: Box | None = None,
    right: Iterable[str] = (),
    less: Iterable[str] = (),
) -> None:
    """A table for people: `columns` maps a row's key to its heading; the columns in `right` are right-aligned.

    On a terminal that is too narrow columns are left out: those in `less`, in that order, then from the right. A time
    (`When`) is local, and the heading has the zone.
    """
    rows = list(rows)
    if not rows:
        click.echo(empty)
        return
    headings = {key: f"{heading}{_zone(rows, key)}" for key, heading in columns.items()}
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = FILE_COLUMNS
    left_out: list[str] = []
    if box is None:
        left_out = _too_many(rows, headings, console.width, list(less))
        headings = {key: heading for key, heading in headings.items() if key not in left_out}
    if box is None and len(rows) > DRAWN_ROWS_MAX:
        _write_long(rows, headings, frozenset(right))
    else:
        _draw(console, rows, headings, box, frozenset(right))
    if left_out:
        named = ", ".join(columns[key] for key in columns if key in left_out)
        say("… without {}: a wider terminal shows more, --json all.", named, err=True)


def _draw(
    console: Console,
    rows: Sequence[Mapping[str, Any]],
    headings: Mapping[str, str],
    box: Box | None,
    right: frozenset[str],
) -> None:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box, pad_edge=box is not None, header_style="bold")
    for key, heading in headings.items():
        side = "right" if key in right else "left"
        whole = box is None and key not in WRAPPED and len(headings) > 1
        drawn.add_column(Text(heading), overflow="fold", no_wrap=whole, justify=side)  # type: ignore[arg-type]
    for row in rows:
        drawn.add_row(*(Text(_cell(row, key)) for key in headings))
    console.print(drawn)


def _too_many(rows: Sequence[Mapping[str, Any]], headings: Mapping[str, str], width: int, less: list[str]) -> list[str]:
    """The columns to leave out, so that the others fit."""
    from rich.cells import cell_len

    widths = {key: max(cell_len(headings[key]), *(cell_len(_cell(row, key)) for row in rows)) for key in headings}
    widths |= {
        key: min(size, max(WRAPPED_MIN, cell_len(headings[key]))) for key, size in widths.items() if key in WRAPPED
    }
    others = list(headings)[1:]
    order = [key for key in less if key in others]
    for later in (WRAPPED | IDS, IDS, frozenset[str]()):
        order += [key for key in reversed(others) if key not in order and key not in later]
    left_out: list[str] = []
    while order and sum(widths.values()) + GAP * (len(widths) - 1) > width:
        left_out.append(order.pop(0))
        del widths[left_out[-1]]
    return left_out


def _zone(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    """` (CET)`, or ` (CET/CEST)`; nothing if the column holds no time."""
    names = dict.fromkeys(zone(value.ms) for row in rows if isinstance(value := row.get(key), When))
    return f" ({'/'.join(names)})" if names else ""


def _cell(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return "–"
    return exact(value) if isinstance(value, When) else one_line(str(value))


def _write_long(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], right: frozenset[str]) -> None:
    """The same table without folded cells: rich would take some minutes for a fleet of 100,000."""
    from rich.cells import cell_len

    widths = {
        key: max(cell_len(heading), *(cell_len(_cell(row, key)) for row in rows)) for key, heading in columns.items()
    }

    def line(cells: Iterable[tuple[str, str]]) -> str:
        padded = []
        for key, text in cells:
            blanks = " " * (widths[key] - cell_len(text))
            padded.append(blanks + text if key in right else text + blanks)
        return "  ".join(padded).rstrip()

    click.echo(line(columns.items()))
    for row in rows:
        click.echo(line((key, _cell(row, key)) for key in columns))


def say_styled(screen: Console, text: str, style: str = "") -> None:
    """Text on a screen that also shows live counts."""
    screen.print(lines(text), style=style, markup=False, highlight=False, soft_wrap=True)


def cell(text: str) -> Text:
    """A cell of a rich table."""
    from rich.text import Text

    return Text(one_line(text))


def _write(document: bytes) -> None:
    sys.stdout.write(json_line(document).decode() + "\n")
    sys.stdout.flush()
