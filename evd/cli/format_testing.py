"""`evd format test`: the tests beside the formats of evd.toml."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
import orjson

from evd.cli.common import directory_option, json_option, settings
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.config.names import nearest
from evd.config.settings import FormatSettings
from evd.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from evd.payload.format_tests import Tried


@click.command("test")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@directory_option
@json_option
@click.pass_context
def test(ctx: click.Context, names: tuple[str, ...], directory: str | None, as_json: bool) -> None:
    """Run the tests of evd.toml's formats, or of NAME: [formats.NAME.tests] has payloads and what they must become.

    For instance "2a015e" = { load = 42, temp = 35.0 }. Exit code 1 if one of them becomes something else.
    """
    formats = settings(find(directory, os.environ)).formats
    for name in names:
        if name not in formats:
            raise ConfigError(f"evd.toml has no format {name!r}{nearest(name, formats)}")
    found = [one for name in names or formats for one in _tried(name, formats[name])]
    failed = [one for one in found if not one.is_right]
    if as_json:
        show([{**one._asdict(), "right": one.is_right} for one in found])
    else:
        for one in failed:
            wrong = [f"{field} is {_json(got)}, not {_json(wish)}" for field, (wish, got) in one.wrong.items()]
            say("{} {}: {}", one.format, one.payload, one.refused or "; ".join(wrong))
        say("{} of {} tests are right.", len(found) - len(failed), len(found))
        if not found:
            say('Write them into evd.toml, below [formats.NAME.tests]: "2a015e" = {{ load = 42 }}')
    if failed:
        ctx.exit(1)


def _tried(name: str, one: FormatSettings) -> list[Tried]:
    """Raises ConfigError if the format itself is wrong."""
    from evd.payload.format_tests import tried  # it needs the codec, which the group's other commands do not

    try:
        return list(tried(name, one))
    except FormatError as error:
        raise ConfigError(f"format {name}: {error}") from None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
