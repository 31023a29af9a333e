"""One object for all that are equal: what thousands of vehicles have in common is held once."""

from __future__ import annotations


class Interner:
    """Shares equal mappings, which must not be changed; beyond `most` different ones it shares no more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def one(self, mapping: dict[str, str]) -> dict[str, str]:
        """An equal mapping: one that was given before, where there was one."""
        key = tuple(mapping.items())
        if key not in self._known and len(self._known) >= self._most:
            return mapping
        return self._known.setdefault(key, mapping)
