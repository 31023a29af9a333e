"""Chooses the codec: `Decoder` is the Cython twin where it is built, else the Python one.

`EVD_CODEC=cython` or `EVD_CODEC=python` asks for one of them, and is obeyed or refused: only a choice that nobody made
may fall back. `IMPLEMENTATION` says which one runs. A plan with a type that the Cython twin does not have is decoded by
the Python one all the same, with the same results.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from evd.errors import ConfigError
from evd.payload import _codec_py
from evd.payload.grammar import Plan
from evd.payload.types import Value

__all__ = ["IMPLEMENTATION", "Decoder", "Value", "choose", "decoder_for"]

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

_chosen = import_module(_MODULES[IMPLEMENTATION])
_native: frozenset[str] = _chosen.TYPES

if TYPE_CHECKING:
    from evd.payload._codec_py import Decoder
else:
    Decoder = _chosen.Decoder


def decoder_for(plan: Plan) -> Decoder:
    """What decodes payloads of this plan, as fast as its types allow."""
    return Decoder(plan) if all(step.type in _native for step in plan.steps) else _codec_py.Decoder(plan)
