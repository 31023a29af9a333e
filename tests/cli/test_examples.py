"""The help of every command has an example, and each can be parsed as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from evd.cli import cli
from evd.cli.examples import EXAMPLES
from evd.cli.usage import paths

TOP = click.Context(cli, info_name="evd")
COMMANDS = sorted(path.removeprefix("evd ") for path in paths(cli, TOP))


def command_at(path: str) -> click.Command:
    found: click.Command = cli
    for word in path.split():
        assert isinstance(found, click.Group)
        below = found.get_command(click.Context(found), word)
        assert below is not None
        found = below
    return found


def test_no_example_is_of_a_command_that_is_gone() -> None:
    assert EXAMPLES.keys() - set(COMMANDS) == set()


@pytest.mark.parametrize("path", COMMANDS)
def test_the_help_has_an_example_that_can_be_parsed(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = command_at(path)
    with click.Context(command, info_name=path) as context:
        shown = command.get_help(context)
    found = re.search(r"Example:\s+(evd .*(?:\n +.*)*)", shown)
    assert found, f"a line for `{path}` in evd/cli/examples.py is missing"
    words = shlex.split(found[1].partition(" < ")[0].partition(" > ")[0].partition(" | ")[0])
    assert words[1 : 1 + len(path.split())] == path.split()
    monkeypatch.chdir(tmp_path)
    arguments = words[1 + len(path.split()) :]
    for word in arguments:
        if re.fullmatch(r"[\w-]+\.(jsonl?|txt|gz|toml)", word):
            (tmp_path / word).touch()
    with command.make_context(path, arguments):
        pass
