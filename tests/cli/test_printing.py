"""What commands print: text of strangers as plain text, in one line, and whole; nothing else prints."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import evd.cli
from evd.cli.printing import DRAWN_ROWS_MAX, WRAPPED, PlainOutput, filled, json_line, say, say_lines, show, table
from evd.cli.times import When

CLI = Path(evd.cli.__file__).parent


def test_json_is_escaped_where_a_terminal_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    show({"a": "\x9b\u202e\x7f é", "b": "\U000e0041"})
    assert capsys.readouterr().out == '{\n  "a": "\\u009b\\u202e\\u007f é",\n  "b": "\\udb40\\udc41"\n}\n'
    assert json_line(b'{"a":"\xc2\x9b"}') == b'{"a":"\\u009b"}'
    assert json_line(b'{"a":1}') == b'{"a":1}'


def test_a_value_writes_no_line_of_its_own_into_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    say("{} owns {:>4}, {:.1f}", "a\r\nb{}", "\x1b", 1.25)
    assert capsys.readouterr().out == "a��b{} owns    �, 1.2\n"
    assert filled("{}", None) == "None"
    say_lines("a\x9b\nb")
    assert capsys.readouterr().out == "a�\nb\n"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("see [/red] there", "see [/red] there", id="brackets are no markup"),
        pytest.param("[bold]loud[/bold]", "[bold]loud[/bold]", id="none that would be valid either"),
        pytest.param("a\x1b[2Jb\rc", "a\ufffd[2Jb\ufffdc", id="nothing moves the cursor"),
        pytest.param(None, "–", id="nothing is a dash"),
        pytest.param(0, "0", id="zero is something"),
    ],
)
def test_a_cell_says_what_was_said(capsys: pytest.CaptureFixture[str], said: object, shown: str) -> None:
    table([{"text": said}], {"text": "WHAT"}, empty="")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["WHAT", shown]


def test_a_row_is_one_line_where_no_terminal_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    wide = {f"c{number}": "0102030405060708 " * 3 for number in range(20)}
    table([wide], {name: name for name in wide}, empty="")
    heading, row = capsys.readouterr().out.splitlines()
    assert row.split() == ["0102030405060708"] * 60
    assert heading.split() == list(wide)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes stdout a terminal of so many columns."""

    def make(columns: int) -> None:
        values = {"COLUMNS": str(columns), "TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return make


def plain(text: str) -> str:
    """Without bold type."""
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def test_a_narrow_terminal_does_without_columns_and_says_so(
    capsys: pytest.CaptureFixture[str], narrow: Callable[[int], None]
) -> None:
    row = {"id": "0" * 24, "name": "n" * 10, "kept": 1000, "by": "sigfox", "detail": "a sentence " * 9}
    columns = {name: name.upper() for name in row}
    narrow(64)
    table([row], columns, empty="", less=["kept"])
    shown = capsys.readouterr()
    heading, *body = plain(shown.out).splitlines()
    assert heading.split() == ["ID", "NAME", "BY", "DETAIL"]
    assert max(map(len, body)) <= 64
    assert body[0].split()[:3] == ["0" * 24, "n" * 10, "sigfox"]
    assert "".join(body).count("sentence") == 9, "a sentence takes several lines"
    assert shown.err == "… without KEPT: a wider terminal shows more, --json all.\n"
    narrow(20)
    table([row], columns, empty="", less=["kept"])
    assert plain(capsys.readouterr().out).replace("\n", "").replace(" ", "") == "ID" + "0" * 24, (
        "the first column stays whole"
    )
    narrow(200)
    table([row], columns, empty="", less=["kept"])
    assert capsys.readouterr().err == ""


def tables() -> dict[str, dict[str, str]]:
    """The columns of all commands' tables."""
    found = {}
    for path in sorted(CLI.glob("*.py")):
        module = importlib.import_module(f"evd.cli.{path.stem}")
        found |= {f"{path.stem}.{name}": value for name, value in vars(module).items() if name.endswith("COLUMNS")}
    return {name: columns for name, columns in found.items() if isinstance(columns, dict)}


@pytest.mark.parametrize("name", tables())
def test_a_table_fits_into_eighty_columns(
    capsys: pytest.CaptureFixture[str], narrow: Callable[[int], None], name: str
) -> None:
    columns = tables()[name]
    narrow(80)
    row = {key: "five words are a sentence " * 4 if key in WRAPPED else "5d8cdc8fe833d938320a1ba4" for key in columns}
    row |= {
        key: When(1_700_000_000_000) for key in columns if key in ("time", "sent", "created", "last_time", "received")
    }
    table([row] * 3, columns, empty="")
    out = plain(capsys.readouterr().out)
    assert max(map(len, out.splitlines())) <= 80
    whole = [value for key, value in row.items() if key not in WRAPPED and isinstance(value, str)]
    assert not whole or whole[0] in out


def test_a_time_in_a_table_is_local_and_its_zone_is_in_the_heading(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Bratislava")
    time.tzset()
    try:
        table([{"at": When(1_700_000_000_000)}, {"at": None}], {"at": "HEARD"}, empty="")
        winter = capsys.readouterr().out.splitlines()
        table([{"at": When(1_700_000_000_000)}, {"at": When(1_690_000_000_123, to_ms=True)}], {"at": "HEARD"}, empty="")
        both = capsys.readouterr().out.splitlines()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [line.strip() for line in winter] == ["HEARD (CET)", "2023-11-14 23:13:20", "–"]
    assert [line.strip() for line in both] == ["HEARD (CET/CEST)", "2023-11-14 23:13:20", "2023-07-22 06:26:40.123"]


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    table([], {"a": "A"}, empty="There are none.")
    assert capsys.readouterr().out == "There are none.\n"


PRINTS = frozenset({"echo", "secho", "echo_via_pager", "confirm", "prompt", "print", "print_exception", "input"})
STREAMS = frozenset({"write", "writelines"})


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_only_the_printer_prints(path: Path) -> None:
    if path.name == "printing.py":
        return
    for call in calls(path):
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        assert name not in PRINTS, f"{path.name}:{call.lineno} prints by itself"
        if isinstance(function, ast.Attribute) and name in STREAMS:
            owner = ast.unparse(function.value)
            assert owner in ("file", "out"), f"{path.name}:{call.lineno} writes to {owner} by itself"


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_a_sentence_is_a_template_of_evds_own(path: Path) -> None:
    """A value that was put into it before would not be looked at."""
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "evd.cli.printing"
        for alias in node.names
    }
    for call in calls(path):
        if isinstance(call.func, ast.Name) and call.func.id in imported & {"say", "filled"}:
            assert isinstance(call.args[0], ast.Constant), f"{path.name}:{call.lineno} has no template"


def test_a_long_table_is_the_one_that_rich_draws_but_for_blanks_at_ends(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ({"a": "386625", "n": 7}, {"a": "Škoda\n日本", "n": 1234}, {"a": None, "n": 5}, {"a": "[red]", "n": None})
    printed = []
    for repeats in (1, DRAWN_ROWS_MAX):
        table(kinds * repeats, {"a": "A", "n": "NUMBER"}, empty="", right=["n"])
        printed.append([line.rstrip() for line in capsys.readouterr().out.splitlines()])
    assert printed[0] == printed[1][: len(printed[0])]
    assert len(printed[1]) == 1 + len(kinds) * DRAWN_ROWS_MAX


def test_an_export_on_a_terminal_is_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    PlainOutput().writelines([b"a\tb\n", "\x1b[2J\u202ec\r\n".encode()])
    assert capsys.readouterr().out == "a\tb\n\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}c\n"
