"""Man pages and shell completion, made of the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

MAN = "/usr/local/share/man/man1"
COMPLETION = {
    "/usr/local/share/bash-completion/completions/evd": BashComplete,
    "/usr/local/share/zsh/site-functions/_evd": ZshComplete,
    "/usr/local/share/fish/vendor_completions.d/evd.fish": FishComplete,
}


def documents(cli: click.Group) -> dict[str, str]:
    """Path → text: a completion for each shell, `evd.1`, and a page for each command with its subcommands."""
    found = {}
    for path, complete in COMPLETION.items():
        shell = complete(cli, {}, "evd", "_EVD_COMPLETE")
        found[path] = shell.source_template % shell.source_vars()  # `source` would run the shell
    context = click.Context(cli, info_name="evd")
    found[f"{MAN}/evd.1"] = page(context)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None:
            found[f"{MAN}/evd-{name}.1"] = page(click.Context(command, info_name=name, parent=context))
    return found


def page(context: click.Context) -> str:
    """The man page (man(7)) of a command, with those below it."""
    name = context.command_path.replace(" ", "-")
    lines = [f'.TH "{name.upper()}" "1"', ".SH NAME", f"{name} \\- {_roff(context.command.get_short_help_str(200))}"]
    lines += [
        ".SH SYNOPSIS",
        f".B {_roff(_usage(context))}",
    ]
    lines += [".SH DESCRIPTION", *_paragraphs(context.command.help or ""), *_options(context)]
    if isinstance(context.command, click.Group):
        lines.append(".SH COMMANDS")
        for below in _below(context):
            lines += [".TP", f".B {_roff(_usage(below))}", _roff(below.command.get_short_help_str(300))]
            if context.parent is not None:
                lines += [line for line in _options(below) if not line.startswith(".SH")]
    return "\n".join(lines) + "\n"


def _below(context: click.Context) -> Iterator[click.Context]:
    assert isinstance(context.command, click.Group)
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is not None and not command.hidden:
            yield click.Context(command, info_name=name, parent=context)


def _usage(context: click.Context) -> str:
    return " ".join([context.command_path, *context.command.collect_usage_pieces(context)])


def _options(context: click.Context) -> list[str]:
    rows = [record for one in context.command.get_params(context) if (record := one.get_help_record(context))]
    lines = [".SH OPTIONS"] if rows else []
    for option, text in rows:
        lines += [".TP", f".B {_roff(option)}", _roff(text)]
    return lines


def _paragraphs(text: str) -> list[str]:
    lines = []
    for part in re.split(r"\n\s*\n", text.strip()):
        as_it_is = part.lstrip().startswith("\b")
        body = [_roff(line.strip()) for line in part.replace("\b", "").strip().splitlines()]
        lines += [".PP", *([".nf", *body, ".fi"] if as_it_is else body)]
    return lines


def _roff(text: str) -> str:
    """A line that troff reads as it is written."""
    text = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    text = "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in text)
    return f"\\&{text}" if text.startswith((".", "'")) else text
