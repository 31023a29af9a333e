"""The kinds together: their numbers in Sigfox's REST API, which no two share."""

from __future__ import annotations

from evd.sigfox.kinds.registry import KINDS

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
