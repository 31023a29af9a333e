"""Whose question it is, so that questions are shared out between those who ask: set where it is found out who asks."""

from __future__ import annotations

from contextvars import ContextVar

NOBODY = "evd"
"""Its own questions, as those of its housekeeping."""

requester: ContextVar[str] = ContextVar("asker", default=NOBODY)


USER = "user "


def of_user(uid: str) -> str:
    return USER + uid


def is_user(who: str) -> bool:
    """Whether a user of the app asks: no administrator, and not evd itself."""
    return who.startswith(USER)
