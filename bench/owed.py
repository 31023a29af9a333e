"""What is owed of a figure, and whether it is kept: a bench that prints it fails where it is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Owed", "broken", "require", "shown"]


@dataclass(frozen=True)
class Owed:
    """A figure with its bounds; without `must` it is shown beside the others and owes nothing.

    `at_least`: it must be so high, and is aimed higher; else it must be so low.
    """

    what: str
    value: float
    must: float | None = None
    aim: float | None = None
    unit: str = "×"
    at_least: bool = True

    @property
    def kept(self) -> bool:
        return self.must is None or (self.value >= self.must if self.at_least else self.value <= self.must)


def shown(row: Owed) -> dict[str, Any]:
    """The row as cells of a table."""

    def text(value: float | None) -> str:
        return "" if value is None else f"{value:,.4g} {row.unit}" if value < 1000 else f"{value:,.0f} {row.unit}"

    verdict = "" if row.must is None else "kept" if row.kept else "NOT KEPT"
    return {
        "figure": row.what,
        "is": text(row.value),
        "owed": text(row.must),
        "aimed at": text(row.aim),
        "": verdict,
    }


def require(*rows: Owed) -> None:
    """Fail with a sentence for each row that is not kept."""
    sentences = broken(rows)
    assert not sentences, "; ".join(sentences)


def broken(rows: Iterable[Owed]) -> list[str]:
    """A sentence for each row that is not kept."""
    return [
        f"{row.what} is {row.value:,.4g} {row.unit}, owed {'at least' if row.at_least else 'at most'} {row.must:,.4g}"
        for row in rows
        if not row.kept
    ]
