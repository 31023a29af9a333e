"""Who the current task reads for, so that reads are shared fairly; set where the request is authenticated."""

from __future__ import annotations

from contextvars import ContextVar

EVD_ITSELF = "evd"
"""evd's own reads, such as those of maintenance."""

current_requester: ContextVar[str] = ContextVar("current_requester", default=EVD_ITSELF)


USER = "user "


def of_user(uid: str) -> str:
    return USER + uid


def is_user(who: str) -> bool:
    """Whether the requester is a user of the app, not an administrator or evd itself."""
    return who.startswith(USER)
