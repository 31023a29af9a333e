"""Chooses the codec: `Decoder` is the Cython twin where it is built, else the Python one.

`EVD_CODEC=cython` or `EVD_CODEC=python` asks for one of them, and is obeyed or refused: only a choice that nobody made
may fall back. `IMPLEMENTATION` says which one runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from evd.errors import ConfigError
from evd.payload._codec_py import Value

__all__ = ["IMPLEMENTATION", "Decoder", "Value", "choose"]

_MODULES = {"cython": "evd._codec", "python": "evd.payload._codec_py"}


def choose(environ: Mapping[str, str]) -> str:
    """The implementation to use: `cython` or `python`. Raises ConfigError where EVD_CODEC cannot be obeyed."""
    asked = environ.get("EVD_CODEC", "")
    if asked and asked not in _MODULES:
        raise ConfigError(f"EVD_CODEC is {asked[:40]!r}; allowed are cython and python, or leave it unset")
    if asked == "python":
        return asked
    try:
        import_module(_MODULES["cython"])
    except ImportError:
        if asked:
            raise ConfigError("EVD_CODEC asks for cython, which is not built; run `make build` or unset it") from None
        return "python"
    return "cython"


IMPLEMENTATION = choose(os.environ)

if TYPE_CHECKING:
    from evd.payload._codec_py import Decoder
else:
    Decoder = import_module(_MODULES[IMPLEMENTATION]).Decoder
