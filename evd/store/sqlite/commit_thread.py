"""Chooses the commit thread: the Cython twin where it is built and SQLite lets it in, else the Python one.

`EVD_CODEC` chooses for it as it does for the codec (evd/payload/codec.py), and is obeyed or refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from evd.errors import ConfigError
from evd.payload import codec
from evd.store.sqlite import _commit_thread_py
from evd.store.sqlite._commit_thread_py import CommitThread

__all__ = ["CommitThread", "open_commit_thread"]


def open_commit_thread(
    connection: Any, *, rows_max: int, close_timeout_s: float, environ: Mapping[str, str] = os.environ
) -> CommitThread:
    """A commit thread for the writing connection. Raises ConfigError where EVD_CODEC cannot be obeyed."""
    bounds: dict[str, Any] = {"rows_max": rows_max, "close_timeout_s": close_timeout_s}
    if codec.choose(environ) == "cython":
        try:
            return cast(
                CommitThread, import_module("evd.store.sqlite._commit_thread").CommitThread(connection, **bounds)
            )
        except ImportError as error:
            if environ.get("EVD_CODEC"):
                raise ConfigError(f"EVD_CODEC asks for cython, which cannot be used: {error}; unset it") from error
    return _commit_thread_py.CommitThread(connection, **bounds)
