"""What the commands share: ids as parts of paths, and ends that are sentences."""

from __future__ import annotations

import io

import click
import pytest

from evd.cli import cli, main
from evd.cli.common import agreed, path_part
from evd.cli.usage import paths
from evd.errors import ConfigError


@pytest.mark.parametrize("text", ["", "a/b", "\udcff", "a\nb"])
def test_what_can_be_no_part_of_a_path_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an id or a name: use printable characters"):
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
    assert ended.value.code == 130
    assert capsys.readouterr().err == "evd: interrupted\n"


DESTROYS = {"revoke", "remove", "delete", "forget", "merge", "cancel"}


def test_every_command_that_destroys_has_a_yes() -> None:
    top = click.Context(cli, info_name="evd")
    without = []
    for path in paths(cli, top):
        words = path.split()[1:]
        if (words[-1] in DESTROYS or words == ["restore"]) and not any(
            "--yes" in option.opts for option in command_at(words).params
        ):
            without.append(path)
    assert without == []


def command_at(words: list[str]) -> click.Command:
    found: click.Command = cli
    for word in words:
        assert isinstance(found, click.Group)
        below = found.get_command(click.Context(found), word)
        assert below is not None
        found = below
    return found


@pytest.mark.parametrize(("typed", "wants"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_person_is_asked_and_no_is_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, wants: bool
) -> None:
    stream = io.StringIO(typed)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stream)
    assert agreed("Remove it?", yes=False) is wants
    shown = capsys.readouterr()
    assert "Remove it? [y/N]" in shown.out
    assert ("Nothing was changed." in shown.err) is not wants


def test_nobody_is_asked_where_nobody_can_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(ConfigError, match="so nothing was changed: add --yes"):
        agreed("Remove it?", yes=False)
    assert agreed("Remove it?", yes=True)
    assert agreed("Remove it?", yes=False, as_json=True), "a program says what it wants"
