"""A person's own questions in SQL, of an engine that speaks it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class SqlAnswer(NamedTuple):
    """`rows` are in the order of `names`; `is_cut` if there were more."""

    names: list[str]
    rows: list[tuple[Any, ...]]
    is_cut: bool


class SqlSession(Protocol):
    """For reading only, beside a daemon; its time and its rows are bounded."""

    def ask(self, sql: str) -> SqlAnswer:
        """One statement. Raises ConfigError if it is not taken, or takes too long."""

    def is_whole(self, text: str) -> bool:
        """Whether a statement has ended."""

    def names(self) -> list[str]:
        """Views, then tables."""

    def made_by(self, name: str) -> str | None:
        """The statement that made a view or a table; None: there is none."""

    def close(self) -> None: ...
