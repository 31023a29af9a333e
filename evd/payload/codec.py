"""Choose the codec: `Decoder` is the Cython twin if it is built, else the Python twin.

`EVD_CODEC=cython` or `EVD_CODEC=python` demands one of them; if it cannot be used, that is an error, not a fallback.
`IMPLEMENTATION` names the twin in use. A plan with a type that the Cython twin lacks is decoded by the Python twin,
with the same results.
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
    """The implementation to use: `cython` or `python`. Raises ConfigError if EVD_CODEC names an unusable one."""
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
    """The fastest decoder that has all types of this plan."""
    return Decoder(plan) if all(step.type in _native for step in plan.steps) else _codec_py.Decoder(plan)
