"""How many attempts at a secret are let through."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from evd.errors import TooManyRequests


def let_through(attempt: Callable[[str, str], object], tries: Iterable[tuple[str, str]]) -> int:
    """Of `tries` (uid, peer's address); who is refused learns when to try again."""
    passed = 0
    for uid, peer in tries:
        try:
            attempt(uid, peer)
            passed += 1
        except TooManyRequests as wait:
            assert wait.retry_after_s >= 1
    return passed
