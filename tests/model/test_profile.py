"""A vehicle's profile: its members, and their bounds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from evd.errors import BadRequest
from evd.model.profile import Profile, parse_profile


@pytest.mark.parametrize(
    ("document", "member"),
    [
        ([], "object"),
        ({"plate": "x"}, "plate"),
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"regNumber": "a\nb"}, "regNumber"),
        ({"battery": 0}, "battery"),
        ({"maxVoltage": 1501}, "maxVoltage"),
        ({"phases": 4}, "phases"),
        ({"phases": 1.5}, "phases"),
        ({"zone": "Prague"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
    ],
)
def test_a_profile_is_bounded(document: Any, member: str) -> None:
    with pytest.raises(BadRequest, match=member):
        parse_profile(document)


def test_a_member_that_is_not_named_stays_and_null_takes_it_away() -> None:
    change = parse_profile({"name": "x" * 200, "battery": None, "zone": "Europe/Prague", "phases": 3})
    assert (change.name, change.battery, change.zone, change.phases) == ("x" * 200, None, "Europe/Prague", 3)
    assert all(getattr(change, member) is msgspec.UNSET for member in ("regNumber", "type", "maxVoltage"))
    assert parse_profile({}) == Profile()
