"""The man pages and completions: one page a command, which troff reads without a complaint."""

from __future__ import annotations

import shutil
import subprocess

import click

from evd.cli import cli
from evd.cli.manual import documents


def test_every_command_has_a_man_page() -> None:
    pages = documents(cli)  # type: ignore[arg-type]
    names = cli.list_commands(click.Context(cli))  # type: ignore[attr-defined]
    assert {f"/usr/local/share/man/man1/evd-{name}.1" for name in names} <= pages.keys()
    assert "evd key create" in pages["/usr/local/share/man/man1/evd-key.1"]
    assert "_EVD_COMPLETE" in pages["/usr/local/share/bash-completion/completions/evd"]
    if shutil.which("groff"):
        for path, text in pages.items():
            if path.endswith(".1"):
                said = subprocess.run(
                    ["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True, check=False
                )
                assert (said.returncode, said.stderr) == (0, ""), path
