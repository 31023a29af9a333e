"""Chooses the scribe: the Cython twin where it is built and SQLite lets it in, else the Python one.

`EVD_CODEC` chooses for it as it does for the codec (evd/payload/codec.py), and is obeyed or refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from evd.errors import ConfigError
from evd.payload import codec
from evd.store.sqlite import _scribe_py
from evd.store.sqlite._scribe_py import Scribe

__all__ = ["Scribe", "open_scribe"]


def open_scribe(
    connection: Any, *, rows_max: int, close_timeout_s: float, environ: Mapping[str, str] = os.environ
) -> Scribe:
    """A scribe for the writing connection. Raises ConfigError where EVD_CODEC cannot be obeyed."""
    bounds: dict[str, Any] = {"rows_max": rows_max, "close_timeout_s": close_timeout_s}
    if codec.choose(environ) == "cython":
        try:
            return cast(Scribe, import_module("evd.store.sqlite._scribe").Scribe(connection, **bounds))
        except ImportError as error:
            if environ.get("EVD_CODEC"):
                raise ConfigError(f"EVD_CODEC asks for cython, which cannot be used: {error}; unset it") from error
    return _scribe_py.Scribe(connection, **bounds)
