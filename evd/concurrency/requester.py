"""Who the current task reads for, so that reads are shared fairly; set where the request is authenticated."""

from __future__ import annotations

from contextvars import ContextVar

EVD_ITSELF = "evd"
"""evd's own reads, such as those of maintenance."""

requester: ContextVar[str] = ContextVar("requester", default=EVD_ITSELF)
