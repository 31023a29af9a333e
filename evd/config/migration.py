"""Old names of settings in the text of evd.toml, rewritten in place; comments and order stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from evd.config.names import RENAMED
from evd.config.toml_lines import line_of


class Rewritten(NamedTuple):
    """A line that was changed."""

    line: int
    old: str
    """The setting's path, as is `today`."""
    today: str


def migrated(text: str, renamed: Mapping[str, str] = RENAMED) -> tuple[str, list[Rewritten]]:
    """The text with today's names. A setting is renamed within its section only."""
    lines, done = text.splitlines(keepends=True), []
    for old, today in renamed.items():
        section, _, key = old.partition(".")
        number = line_of(text, (section, key))
        if number:
            new = today.partition(".")[2]
            lines[number - 1] = re.sub(rf"\b{re.escape(key)}\b", new, lines[number - 1], count=1)
            done.append(Rewritten(number, old, today))
    return "".join(lines), done
