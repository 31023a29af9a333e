"""What an engine says about a copy of its database."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

CopyReport = Callable[[int, int], None]
"""Is called with the bytes that are copied, and those of the whole. What it raises ends the copy."""


class Examined(NamedTuple):
    """A database that nobody uses: `rows` by table, `damage` as sentences, empty if it is whole."""

    schema: int
    rows: dict[str, int]
    damage: list[str]
