"""Mistakes in a command line, in evd's voice: one sentence, with the command that was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

import click

_NO_COMMAND = re.compile(r"No such command '(.*?)'\..*", re.DOTALL)


def sentence_of(error: click.ClickException) -> str:
    """What is wrong, and where help is."""
    said = error.format_message().strip()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return said
    unknown = _NO_COMMAND.fullmatch(said)
    if unknown and isinstance(context.command, click.Group):
        return f"there is no command `{context.command_path} {unknown[1]}`{_meant(context, unknown[1])}"
    said = f"{said[:1].lower()}{said[1:]}".rstrip(".")
    return said if said.endswith("?") else f"{said}: `{context.command_path} --help` shows how"


def _meant(context: click.Context, word: str) -> str:
    """`; did you mean …?`: a command that is spelled like it, or one of this name in another group."""
    group = context.command
    assert isinstance(group, click.Group)
    top = context.find_root()
    found = [path for path in paths(top.command, top) if path.split()[-1] == word][:3]
    if not found:
        close = difflib.get_close_matches(word, group.list_commands(context), n=2, cutoff=0.6)
        found = [f"{context.command_path} {name}" for name in close]
    if not found:
        return f": `{context.command_path} --help` lists them"
    return f"; did you mean {' or '.join(f'`{path}`' for path in found)}?"


def paths(command: click.Command, context: click.Context) -> Iterator[str]:
    """`evd key list` …: all commands that do something, from this one on."""
    if not isinstance(command, click.Group):
        yield context.command_path
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        if found is not None:
            yield from paths(found, click.Context(found, info_name=name, parent=context))
