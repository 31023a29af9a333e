"""The text of evd.toml without the values of secrets."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from evd.config.described import SETTINGS
from evd.config.toml_lines import as_toml


def without_secrets(text: str, *, keep: bool = False) -> tuple[str, list[str]]:
    """The text, and the settings whose values it lacks. Comments stay, unless a secret is written in several lines.

    With `keep`, or if there is none, it is the same text.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return ("" if not keep else text), []
    secret = [path for path, row in SETTINGS.items() if row.secret and _has(tree, path)]
    if keep or not secret:
        return text, []
    lines = [line for line in text.splitlines(keepends=True) if not _mentions(line, secret)]
    wanted = _without(tree, secret)
    left = "".join(lines)
    try:
        same = tomllib.loads(left) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    return (left if same else _written(wanted)), secret


def _mentions(line: str, secret: list[str]) -> bool:
    key = line.partition("=")[0].strip().strip("#").strip().strip("\"'").rpartition(".")[2]
    return key in {path.partition(".")[2] for path in secret}


def _has(tree: Mapping[str, Any], path: str) -> bool:
    section, _, key = path.partition(".")
    return isinstance(tree.get(section), dict) and bool(tree[section].get(key))


def _without(tree: Mapping[str, Any], secret: list[str]) -> dict[str, Any]:
    return {
        section: {key: value for key, value in keys.items() if f"{section}.{key}" not in secret}
        if isinstance(keys, dict)
        else keys
        for section, keys in tree.items()
    }


def _written(tree: Mapping[str, Any]) -> str:
    """Each section as a table of one level."""
    return "".join(
        f"[{section}]\n" + "".join(f"{as_toml({key: value})[1:-1]}\n" for key, value in keys.items()) + "\n"
        for section, keys in tree.items()
    )
