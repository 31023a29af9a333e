"""Choose the commit thread: the Cython twin if it is built and SQLite loads extensions, else the Python twin.

`EVD_CODEC` selects it as it selects the codec (evd/payload/codec.py); a twin that cannot be used is an error.
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
    """A commit thread for the writing connection. Raises ConfigError if EVD_CODEC names one that cannot be used."""
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
