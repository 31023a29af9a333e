"""Mistakes in a command line: one sentence, with the command that was meant."""

from __future__ import annotations

import click
import pytest
from command_line import fails

from evd.cli import cli
from evd.cli.usage import paths, sentence_of


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["vehicel", "list"], "evd: there is no command `evd vehicel`; did you mean `evd vehicle`?"),
        (["key", "lst"], "evd: there is no command `evd key lst`; did you mean `evd key list`?"),
        (["revoke"], "evd: there is no command `evd revoke`; did you mean `evd key revoke` or `evd token revoke`?"),
        (["xyzzy"], "evd: there is no command `evd xyzzy`: `evd --help` lists them"),
        (["key", "create"], "evd: missing option '--role'"),
        (["stats", "--jsn"], "evd: no such option '--jsn'. Did you mean '--json'?"),
        (["a\x1b[2Jb"], "evd: there is no command `evd a\\x1b[2Jb`: `evd --help` lists them"),
    ],
)
def test_a_mistake_in_the_command_line_is_one_sentence(
    capsys: pytest.CaptureFixture[str], given: list[str], says: str
) -> None:
    code, lines = fails(capsys, *given)
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith(says), lines


def test_every_command_that_does_something_has_a_path() -> None:
    found = list(paths(cli, click.Context(cli, info_name="evd")))
    assert {"evd serve", "evd key create", "evd vehicle tag"} <= set(found)
    assert "evd key" not in found
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (click.ClickException("The fake stops."), "The fake stops."),
        (click.UsageError("Give both."), "Give both."),
        (click.UsageError("Give both.", click.Context(cli, info_name="evd")), "give both: `evd --help` shows how"),
        (click.UsageError("Did you mean x?", click.Context(cli, info_name="evd")), "did you mean x?"),
    ],
)
def test_where_help_is_is_said_where_it_is_known(error: click.ClickException, says: str) -> None:
    assert sentence_of(error) == says
