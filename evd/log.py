"""Structured logs: JSON under systemd, readable on a terminal; never a key, never a token."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from evd.plain_text import lines, one_line
from evd.secret_names import ALWAYS, from_length
from evd.secrets import ACCEPTED, MASK, masked_value

LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: secrets are masked (evd.secrets); the last guard, for callers do not log them."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if from_length(name) == ALWAYS:
        return MASK
    if isinstance(value, Mapping):
        return {key: _clean(_text(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, one) for one in value]
    return value if isinstance(value, int | float) else masked_value(name, _text(value), ACCEPTED)


def plain(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor for terminals: what strangers sent is text in one line; tracebacks keep their lines."""
    return {name: _as_plain(name, value) for name, value in event.items()}


def _as_plain(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return lines(value) if name in _OF_SEVERAL_LINES else one_line(value)


_OF_SEVERAL_LINES = frozenset({"exception", "stack"})


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
    if not as_json:  # JSON escapes what is no plain text
        shared.append(plain)
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
