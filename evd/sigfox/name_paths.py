"""The places of a sender's variables if they are not at the top level under their own names: `[sigfox.names]`.

A mapping such as `device = "integrations.sigfox.id"` gives evd the variables that it reads. The objects on its paths
are flattened; all other values in them get their dotted path as a name, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evd.errors import ConfigError

Path = tuple[str, ...]


class NamePaths:
    """The paths of one route's variables."""

    def __init__(self, where: str, paths: Mapping[str, str]) -> None:
        """`where` is the setting's name in error sentences. Raises ConfigError."""
        self._paths: dict[str, Path] = {}
        for name, dotted in paths.items():
            path = tuple(dotted.split("."))
            if not name or not all(path):
                raise ConfigError(
                    f'{where}.{name} is {dotted!r}: names with dots between are needed, as in "data.time"'
                )
            self._paths[name] = path
        self._opened = {path[0] for path in self._paths.values() if len(path) > 1}

    def read(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of a body; one that is not at its path is looked for under its own name."""
        found: dict[str, Any] = {}
        used: set[Path] = set()
        for name, path in self._paths.items():
            value = _at(document, path)
            if value is not None:
                found[name] = value
                used.add(path)
        return {**{".".join(path): value for path, value in self._rest(document) if path not in used}, **found}

    def _rest(self, document: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
        for name, value in document.items():
            yield from _leaves((name,), value) if name in self._opened else [((name,), value)]


def _at(value: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The values below `value` with their paths, to a depth of evd.sigfox.message.NESTING_MAX."""
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, inner in value.items():
        yield from _leaves((*path, name), inner)
