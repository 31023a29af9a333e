"""The daemon's log: JSON under systemd, readable on a terminal; never a key, never a token.

Logging neither blocks nor raises (evd.log.sink): a line must not stop evd, or end it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import Any

import structlog

from evd.log.sink import DRAIN_S, LogSink
from evd.model.plain_text import lines, one_line
from evd.redaction.names import ALWAYS, from_length
from evd.redaction.requests import ACCEPTED, MASK, masked_value

LEVELS = {name: getattr(logging, name.upper()) for name in ("debug", "info", "warning", "error")}


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor that masks secrets (evd.redaction): the last guard, since callers do not log them."""
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
    """A structlog processor for terminals: untrusted text becomes one plain line; tracebacks keep their lines."""
    return {name: _as_plain(name, value) for name, value in event.items()}


def _as_plain(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return lines(value) if name in _OF_SEVERAL_LINES else one_line(value)


_OF_SEVERAL_LINES = frozenset({"exception", "stack"})


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


_sink: Any = None
"""The LogSink of the last `configure`; typed Any, because it stands in for a text stream."""


def configure(*, level: str = "info", format: str = "auto", env: Mapping[str, str] = os.environ) -> None:
    """Send evd's log and its libraries' log to stderr."""
    global _sink
    stream = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123  # none where it was closed
    as_json = format == "json" or (format == "auto" and ("JOURNAL_STREAM" in env or not stream.isatty()))
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
        else structlog.dev.ConsoleRenderer(colors=stream.isatty() and "NO_COLOR" not in env)
    )
    if _sink is not None:
        _sink.close()
    sink: Any = LogSink(stream, missing=_missing_as_json if as_json else _missing_as_text)
    _sink = sink
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=_unfailing(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sink),
        cache_logger_on_first_use=False,
    )
    handler = _Handler(sink)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler.setFormatter(formatter)
    logging.basicConfig(level=max(LEVELS[level], logging.WARNING), handlers=[handler], force=True)


def set_level(level: str) -> None:
    """From this line on the log holds `level` and above; its form and its stream stay."""
    structlog.configure(wrapper_class=_unfailing(LEVELS[level]))
    logging.getLogger().setLevel(max(LEVELS[level], logging.WARNING))


def take_stderr() -> None:
    """Route all that is written to stderr through the log's sink: for a process that must not block on its reader."""
    if _sink is not None:
        sys.stderr = _sink


def drain(timeout_s: float = DRAIN_S) -> None:
    """Wait until what was logged is written, at most `timeout_s`."""
    if _sink is not None:
        _sink.drain(timeout_s)


atexit.register(drain)


def lines_dropped() -> int:
    """Lines that were dropped since `configure`."""
    return _sink.dropped if _sink is not None else 0


_MISSING = "lines of this log could not be written and are missing"


def _missing_as_json(count: int) -> str:
    return json.dumps({"event": _MISSING, "lines": count, "level": "warning"}) + "\n"


def _missing_as_text(count: int) -> str:
    return f"{_MISSING}: {count}\n"


class _Handler(logging.Handler):
    """For the lines of libraries, which use `logging`."""

    def __init__(self, sink: LogSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._sink.write(self.format(record) + "\n")
        except Exception:  # a value that cannot be shown
            self._sink.lose()


@cache
def _unfailing(level: int) -> Any:
    """structlog's logger from this level on; a line that cannot be rendered is dropped and counted."""
    filtering: Any = structlog.make_filtering_bound_logger(level)

    def proxy(self: Any, method_name: str, event: str | None = None, **values: Any) -> Any:
        try:
            return filtering._proxy_to_logger(self, method_name, event, **values)
        except Exception:
            if _sink is not None:
                _sink.lose()
            return None

    return type("Logger", (filtering,), {"_proxy_to_logger": proxy})


log: Any = structlog.get_logger("evd")
