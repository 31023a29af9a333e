"""Registrations as they stand in a database."""

from __future__ import annotations

from pathlib import Path

from builders import rows

HOOK = "https://hooks.example/evd"


def registered(database: Path) -> list[tuple[str, str, str]]:
    """(vehicle, token, user) of each."""
    return rows(database, "SELECT vehicle, token, uid FROM registrations ORDER BY 1, 2")


def tokens(database: Path) -> set[str]:
    return {token for _, token, _ in registered(database)}
