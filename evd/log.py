"""Structured logs: JSON under systemd, readable on a terminal; never a key, never a token."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}

#: What looks like a secret, wherever it stands in a text.
_SECRET = re.compile(
    r"""evd_[a-z]+_[0-9A-Za-z]{8}_[0-9A-Za-z]+_[0-9A-Za-z]{6}  # a key
    | (?i:bearer|basic)[ ][\w.~+/=-]{8,}                      # an Authorization header
    | ey[\w-]+\.[\w-]+\.[\w-]*                              # a JWT
    | [\w-]+:APA91[\w-]+                                    # an FCM registration token""",
    re.VERBOSE,
)
_SECRET_NAMES = frozenset(
    {"key", "token", "secret", "password", "authorization", "x-api-key", "fcmtoken", "credentials"}
)


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: secrets become [secret]; the last guard, for callers do not log them."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if name.lower() in _SECRET_NAMES:
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: _clean(_text(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, one) for one in value]
    return value if value is None or isinstance(value, int | float) else _SECRET.sub("[secret]", _text(value))


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def configure(*, level: str = "info", format: str = "auto", env: Mapping[str, str] = os.environ) -> None:
    """Send evd's and its libraries' logs to stderr."""
    as_json = format == "json" or (format == "auto" and ("JOURNAL_STREAM" in env or not sys.stderr.isatty()))
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty() and "NO_COLOR" not in env)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler], force=True)


log: Any = structlog.get_logger("evd")
