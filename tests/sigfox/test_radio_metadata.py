"""What is kept of a message's radio: known variables, each within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from evd.sigfox import radio_metadata as radio


def test_of_many_stations_so_many_are_kept() -> None:
    heard = [{"bsId": f"{number:X}", "rssi": -100} for number in range(100)]
    assert len(radio.of_advanced({"duplicates": heard})["duplicates"]) == radio.STATIONS_MAX


@pytest.mark.parametrize(
    "variables",
    [
        {"lqi": "SUPERB"},
        {"lqi": ["GOOD"]},
        {"linkQuality": 1.5},
        {"linkQuality": True},
        {"linkQuality": -1},
        {"countryCode": "SK"},
        {"operatorName": "x" * 65},
        {"operatorName": {}},
        {"duplicates": {}},
        {"computedLocation": "somewhere"},
        {"computedLocation": []},
        {"computedLocation": {"lat": 48}},
        {"fixedLat": "1e999"},
    ],
)
def test_what_cannot_be_read_of_the_radio_is_left_out(variables: dict[str, Any]) -> None:
    found = radio.of_advanced(variables | {"station": "1B2C"})
    assert found == {"station": "1B2C"}
    assert radio.location(found.get("computedLocation", {})) is None


def test_stations_that_are_no_objects_are_left_out() -> None:
    assert radio.of_advanced({"duplicates": [1, None, {}, {"bsId": "1B2C"}]}) == {"duplicates": [{"bsId": "1B2C"}]}
