"""How SQLite would read what a question asks: its statements are explained as they are executed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def full_scans(connection: Any, question: Callable[[], object], *tables: str) -> list[str]:
    """The steps of the question's statements that read one of these tables, or of its aliases, whole."""
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    question()
    connection.set_trace_callback(None)
    assert statements
    steps = [step[3] for sql in statements for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    return [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables and "USING" not in step]
