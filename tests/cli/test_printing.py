"""What commands print: text of strangers as plain text, in one line, and whole; nothing else prints."""

from __future__ import annotations

import ast
import importlib
import json
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import evd.cli
from evd.cli.printing import DRAWN_ROWS_MAX, WRAPPED, PlainOutput, filled, json_line, say, say_lines, show, table
from evd.cli.times import When
from evd.model.plain_text import REPLACEMENT, excerpt, json_text, lines, one_line

CLI = Path(evd.cli.__file__).parent

FORBIDDEN = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) | frozenset(
    "\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad\u061c"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ASCII, Čeština, Ελληνικά, 日本語, 😀", None),
        ("", None),
        ("a\x1b[2Jb\rc\nd\te\x00\x7f", "a�[2Jb�c�d�e��"),
        ("a\x9b2Jb\x85c\x90d", "a�2Jb�c�d"),
        ("abc\u202edef\u2066ghi", "abc�def�ghi"),
        ("a\u200bb\u200dc\ufeffd\u00ade", "a�b�c�d�e"),
        ("a\u2028b\u2029c", "a�b�c"),
        ("a\u3164b\u115fc\u2800d", "a�b�c�d"),
        ("\udcff\ud800", "��"),
        ("\ue000\U000e0041", "��"),
        ("1\u00a0000\u3000x", "1 000 x"),
        ("e\u0301\u0301", None),
        ("e" + "\u0301" * 9, "e" + "\u0301" * 4 + REPLACEMENT * 5),
    ],
)
def test_a_strangers_text_in_one_line(text: str, shown: str | None) -> None:
    assert one_line(text) == (text if shown is None else shown)


@given(st.text())
def test_law_one_line_is_printable_and_as_long_as_it_was(text: str) -> None:
    shown = one_line(text)
    assert len(shown) == len(text)
    assert not FORBIDDEN.intersection(shown)
    assert all(unicodedata.category(one)[0] != "C" for one in shown if one != REPLACEMENT)
    assert one_line(shown) == shown


def test_a_text_of_several_lines_keeps_them() -> None:
    assert lines("a\r\nb\n\tc\rd\x1b") == "a\nb\n\tc�d�"


def test_an_excerpt_is_short_and_shows_all_it_has() -> None:
    assert excerpt("a\x1b[1mb\u202ec" + "x" * 100, 10) == "a[1mbcxx"


@given(
    st.recursive(st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.text(), one), max_leaves=5)
)
def test_law_json_that_may_be_shown_says_the_same(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, indent=1)
    shown = json_text(text)
    assert json.loads(shown) == document
    assert not (FORBIDDEN - {"\n"}).intersection(shown)


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
        values = {"COLUMNS": str(columns), "TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "dumb"}
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return make


def test_a_narrow_terminal_does_without_columns_and_says_so(
    capsys: pytest.CaptureFixture[str], narrow: Callable[[int], None]
) -> None:
    row = {"id": "0" * 24, "name": "n" * 10, "kept": 1000, "by": "sigfox", "detail": "a sentence " * 9}
    columns = {name: name.upper() for name in row}
    narrow(64)
    table([row], columns, empty="", less=["kept"])
    shown = capsys.readouterr()
    heading, *body = shown.out.splitlines()
    assert heading.split() == ["ID", "NAME", "BY", "DETAIL"]
    assert max(map(len, body)) <= 64
    assert body[0].split()[:3] == ["0" * 24, "n" * 10, "sigfox"]
    assert "".join(body).count("sentence") == 9, "a sentence takes several lines"
    assert shown.err == "… without KEPT: a wider terminal shows more, --json all.\n"
    narrow(20)
    table([row], columns, empty="", less=["kept"])
    assert capsys.readouterr().out.replace("\n", "").replace(" ", "") == "ID" + "0" * 24, "the first column stays whole"
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


TIMES = ("time", "sent", "created", "last_time", "received")


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
    out = capsys.readouterr().out
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
