"""What the commands share: tables show what strangers sent as it is and whole, and ends are sentences."""

from __future__ import annotations

import pytest

from evd.cli import cli, main
from evd.cli.common import path_part, table
from evd.errors import ConfigError


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


@pytest.mark.parametrize("text", ["", "a/b", "\udcff", "a\nb"])
def test_what_can_be_no_part_of_a_path_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="is no id or name: printable characters are needed"):
        path_part(text)


def test_a_part_of_a_path_is_quoted() -> None:
    assert path_part("Ä b?") == "%C3%84%20b%3F"


def test_an_interrupt_out_of_nurseries_ends_a_command_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise BaseExceptionGroup("nursery", [BaseExceptionGroup("inner", [KeyboardInterrupt()])])

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["vehicle", "list"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Aborted!\n"
