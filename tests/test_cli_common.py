"""Tables of the command line: what strangers sent stands in them as it is, and none of it is lost."""

from __future__ import annotations

import pytest

from evd.cli.common import table


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


def test_a_narrow_terminal_cuts_nothing_off(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COLUMNS": "40", "TTY_COMPATIBLE": "1", "FORCE_COLOR": "1", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    table([{"a": "0" * 30, "b": "1" * 30}], {"a": "A", "b": "B"}, empty="")
    out = capsys.readouterr().out
    assert out.count("0") >= 30
    assert out.count("1") >= 30
    assert "…" not in out


def test_no_rows_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    table([], {"a": "A"}, empty="There are none.")
    assert capsys.readouterr().out == "There are none.\n"
