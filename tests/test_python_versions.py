"""What must not stand in evd's source: where the Pythons that it runs on do not agree (3.11.2 of Debian 12 to 3.13)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import evd

ROOT = Path(evd.__file__).parent
POSSESSIVE_GROUP = re.compile(r"[^(]\)(?:\*|\+|\?|\{\d*,?\d*\})\+|\(\?>")
"""A group that is repeated possessively, or an atomic one. Before Python 3.11.5 either may end behind a repetition that
failed (gh-106052): a secret stays, or an HTTP body is divided elsewhere. Debian 12 has 3.11.2. Single characters
(`[a-z]++`) are matched right."""


def texts(path: Path) -> list[tuple[int, str]]:
    """The string literals of a module with their lines, those of f-strings included."""
    constants = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))
    return [
        (node.lineno, node.value if isinstance(node.value, str) else node.value.decode("latin-1"))
        for node in constants
        if isinstance(node.value, str | bytes)
    ]


def test_no_pattern_has_a_possessive_group() -> None:
    found = [
        f"{path.relative_to(ROOT.parent)}:{line}: {text[:80]}"
        for path in sorted(ROOT.rglob("*.py"))
        for line, text in texts(path)
        if POSSESSIVE_GROUP.search(text)
    ]
    assert found == [], "repeat the group greedily, of pieces that can match in one way only"


@pytest.mark.parametrize("pattern", [r"(?:a|b)*+", r"(ab)++c", r"(?:x){2,}+", r"(?>ab)"])
def test_such_a_pattern_is_recognized(pattern: str) -> None:
    assert POSSESSIVE_GROUP.search(pattern)


def test_no_new_error_is_raised_from_an_except_star() -> None:
    """Python 3.11.2 wraps it in a group even if a single error was caught, so nobody who expects it catches it."""
    found = [
        f"{path.relative_to(ROOT.parent)}:{error.lineno}"
        for path in sorted(ROOT.rglob("*.py"))
        for block in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(block, ast.TryStar)
        for handler in block.handlers
        for error in ast.walk(handler)
        if isinstance(error, ast.Raise) and error.exc is not None
    ]
    assert found == []
