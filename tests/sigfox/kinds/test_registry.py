"""The kinds together: each file has its row, and each row its numbers in Sigfox's REST API."""

from __future__ import annotations

from pathlib import Path

from evd.sigfox import kinds
from evd.sigfox.kinds.registry import KINDS

SHARED = {"__init__", "kind", "readers", "registry"}

#: Type and subtype of createUrlCallback; the API has no EVENT, and no subtype of ERROR.
NUMBERS = {
    "uplink": (0, 2),
    "bidir": (0, 3),
    "status": (1, 0),
    "geoloc": (1, 1),
    "acknowledge": (1, 4),
    "repeater": (1, 5),
    "advanced": (1, 6),
    "error": (2, None),
    "event": None,
}


def test_a_kind_has_the_numbers_of_sigfoxs_api() -> None:
    assert {name: kind.number for name, kind in KINDS.items()} == NUMBERS


def test_each_file_of_a_kind_has_its_row() -> None:
    files = {path.stem for path in Path(kinds.__path__[0]).glob("*.py")}
    assert files - SHARED == KINDS.keys()
