"""Hints for a body that lacks a name: another spelling of it, or the name at a deeper level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

DEPTH_MAX = 4
"""Levels that are searched; forwarders wrap a callback in one or two."""

NAMES_MAX = 256
"""Names that are compared."""

SHOWN_MAX = 3
"""Names that a sentence quotes, each cut to LONG_MAX characters."""

LONG_MAX = 32


def where_looked(document: Mapping[str, Any], lacking: Iterable[Sequence[str]]) -> str:
    """The end of an error sentence about missing variables: a near name and its path, or else the names that are there.

    `lacking` are groups of names; one of each group is needed.
    """
    groups = list(lacking)
    found = {path: name for names in groups if (near := _near(document, names)) for path, name in [near]}
    if found:
        shown = list(found.items())[:SHOWN_MAX]
        paths, meant = _listed(path for path, _ in shown), _listed(name for _, name in shown)
        return f": it has {paths}, which must be written {meant}, at the top level (or say so in [sigfox.names])"
    empty = [name for names in groups for name in names if name in document]
    if empty:
        return f": no value stands under {_listed(empty)}"
    return f" at its top level, which has {_listed(document)}" if document else ", which is empty"


def _near(document: Mapping[str, Any], names: Sequence[str]) -> tuple[str, str] | None:
    """The path of a name in the document that resembles one of `names`, and the one that it resembles."""
    plain = {_plain(name): name for name in reversed(names)}
    for path, name in _paths(document):
        meant = plain.get(_plain(name))
        if meant is not None and path != meant:
            return path, meant
    return None


def _paths(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted paths and their last names, level by level."""
    level: list[tuple[str, Mapping[str, Any]]] = [("", document)]
    left = NAMES_MAX
    for _ in range(DEPTH_MAX):
        below: list[tuple[str, Mapping[str, Any]]] = []
        for prefix, inner in level:
            for name, value in inner.items():
                left -= 1
                if left < 0:
                    return
                yield f"{prefix}{name}", name
                if isinstance(value, Mapping):
                    below.append((f"{prefix}{name}.", value))
        level = below


def _plain(name: str) -> str:
    """A name without what spellings differ in."""
    return name.replace("_", "").replace("-", "").lower()


def _listed(names: Iterable[str]) -> str:
    given = [name if len(name) <= LONG_MAX else f"{name[: LONG_MAX - 1]}…" for name in names]
    return ", ".join(given[:SHOWN_MAX]) + (" …" if len(given) > SHOWN_MAX else "")
