"""What is wrong with the variables of a line pattern: a misspelled one is read as a field of the customer's own."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from evd.sigfox.kinds.registry import VARIABLES
from evd.sigfox.message import VEHICLE_NAMES

ALIKE = 0.75
"""Likeness (difflib) from which a name is taken for a misspelled one: `tim` and `time` have 0.86."""


def mistakes(names: Iterable[str]) -> list[str]:
    """Sentences about the variables of a pattern; none if all is well."""
    named = list(names)
    lower = {name.lower(): name for name in VARIABLES}
    found = []
    for name in named:
        close = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=ALIKE)
        if name not in VARIABLES and close:
            found.append(f"{{{name}}} is no variable of Sigfox; did you mean {{{lower[close[0]]}}}?")
    if not set(named) & set(VEHICLE_NAMES):
        found.append("no variable names the device: add {device}")
    return found
