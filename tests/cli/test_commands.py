"""The table of commands: its lines of help are the commands' own, and a command imports what it needs and no more."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from daemon_process import clean_env, running_daemon

from evd.cli import COMMANDS, cli

SLOW = re.compile(
    r"(trio|quart|hypercorn|firebase_admin|google|structlog|httpx|pysqlite3|sqlite3"
    r"|evd\.(daemon|store|api|ingest|log|dev|sigfox_api)|evd\.net\.server)(\.|$)"
)
"""What only a daemon needs, or a client of other servers: together seconds of a slow processor."""


def imported(*arguments: str | Path) -> set[str]:
    """The modules that `evd ARGUMENTS` imports, in an interpreter of its own; the command must succeed."""
    command = [sys.executable, "-X", "importtime", "-m", "evd", *map(str, arguments)]
    done = subprocess.run(command, env=clean_env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^import time:.*\| *([\w.]+)$", done.stderr, re.MULTILINE))


def test_the_line_of_a_command_in_the_list_is_the_first_sentence_of_its_help() -> None:
    for name, row in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.get_short_help_str(limit=1000) == row.help, name


def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=200).stdout
    listed = re.findall(r"^  ([a-z][\w-]+)  ", shown.partition("Commands:")[2], re.MULTILINE)
    assert listed == cli.list_commands(click.Context(cli))


def test_help_imports_no_command() -> None:
    found = imported("--help")
    assert {name for name in found if name.startswith("evd.cli")} == {
        "evd.cli",
        "evd.cli.printing",
        "evd.cli.exits",
        "evd.cli.usage",
        "evd.cli.times",
    }
    assert not {name for name in found if SLOW.match(name) or name.startswith("rich.")}


@pytest.mark.parametrize("command", [("key", "list", "--json"), ("stats",)], ids=" ".join)
def test_a_command_to_a_running_daemon_imports_nothing_of_a_daemon(tmp_path: Path, command: tuple[str, ...]) -> None:
    with running_daemon(tmp_path / "evd") as daemon:
        found = imported(*command, "--dir", daemon.directory)
    assert "evd.net.client.control_socket" in found
    assert not {name for name in found if SLOW.match(name) or name.startswith("rich.")}
