"""In which line of a TOML text a key stands, as tomllib itself reads it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

LINES_MAX = 2_000
"""Each line with a key is read with all before it, so those of a longer file are not found: a second's work."""

Path = tuple[str, ...]


def line_of(text: str, path: Sequence[str]) -> int:
    """The number (from 1) of the line where the key of this path begins; 0 if it is not known."""
    return _lines(text).get(tuple(path), 0)


@lru_cache(maxsize=1)
def _lines(text: str) -> Mapping[Path, int]:
    """Path → line. A key begins behind the last lines that can be read and do not have it."""
    lines = text.splitlines(keepends=True)
    found: dict[Path, int] = {}
    if len(lines) > LINES_MAX:
        return found
    read, whole = 0, True
    for count, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or not line.strip():
            read = count if whole else read
            continue
        try:
            tree = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            whole = False  # within a value of several lines
            continue
        for path in _paths(tree, ()):
            found.setdefault(path, read + 1)
        read, whole = count, True
    return found


def _paths(tree: Any, above: Path) -> Iterator[Path]:
    for key, value in tree.items():
        path = (*above, key)
        yield path
        if isinstance(value, Mapping):
            yield from _paths(value, path)


def as_toml(value: Any) -> str:
    """A value as it is written in TOML, in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {as_toml(one)}" for key, one in value.items())
        return f"{{{pairs}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return _text(value) if isinstance(value, str) else str(value)


def _key(key: str) -> str:
    return key if key.isascii() and key.replace("_", "").replace("-", "").isalnum() else _text(key)


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in escaped) + '"'
