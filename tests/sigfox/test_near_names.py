"""What a refusal says of a body that lacks a name: where evd looked, and what stands there."""

from __future__ import annotations

from typing import Any

import pytest

from evd.errors import BadRequest
from evd.sigfox.message import read_message
from evd.sigfox.near_names import DEPTH_MAX, LONG_MAX, NAMES_MAX, SHOWN_MAX, where_looked


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "the body lacks vehicleId or device, which is empty"),
        ({"time": 1, "x": 2}, "the body lacks vehicleId or device at its top level, which has time, x"),
        (
            {"Device": "1A", "Time": 1},  # H06
            "the body lacks vehicleId or device: it has Device, which must be written device, at the top level "
            "(or say so in [sigfox.names])",
        ),
        (
            {"body": {"device": "1A"}},  # H07
            "the body lacks vehicleId or device: it has body.device, which must be written device, at the top level "
            "(or say so in [sigfox.names])",
        ),
        (
            {"integrations": {"sigfox": {"id": "386625"}}, "name": "sigfoxDataUplink", "data": {"sigfoxData": "0102"}},
            "the body lacks vehicleId or device at its top level, which has integrations, name, data",
        ),
        (
            {"device": "1A", "data": {"time": 1}},
            "the body lacks timestamp or time: it has data.time, which must be written time, at the top level "
            "(or say so in [sigfox.names])",
        ),
        ({"device": "null", "time": 1}, "the body lacks vehicleId or device: no value stands under device"),
    ],
)
def test_h06_h07_a_refusal_says_where_it_looked_and_what_it_found(document: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_message(document)
    assert caught.value.detail == sentence


LACKING = [("device", "vehicleId"), ("time", "timestamp")]
"""Two groups, as a body without vehicle and time lacks them."""


@pytest.mark.parametrize(
    ("document", "paths", "meant"),
    [
        pytest.param({"DEVICE": 1}, "DEVICE", "device", id="large letters"),
        pytest.param({"vehicle_id": 1}, "vehicle_id", "vehicleId", id="another case of words"),
        pytest.param({"vehicle-id": 1, "Time": 2}, "vehicle-id, Time", "vehicleId, time", id="one of each group"),
        pytest.param({"a": {"device": 1}, "Device": 2}, "Device", "device", id="the highest level first"),
        pytest.param({"device": None, "a": {"device": 1}}, "a.device", "device", id="deeper, for the own one is empty"),
    ],
)
def test_a_near_name_is_quoted_with_its_path_and_the_one_that_is_meant(
    document: dict[str, Any], paths: str, meant: str
) -> None:
    assert where_looked(document, LACKING).startswith(f": it has {paths}, which must be written {meant}, at the top")


def nested(depth: int) -> dict[str, Any]:
    """A body whose `device` stands at this level, counted from 1."""
    return {"device": 1} if depth == 1 else {"a": nested(depth - 1)}


def test_a_name_is_searched_to_a_depth_and_among_so_many() -> None:
    assert f"it has {'a.' * (DEPTH_MAX - 1)}device" in where_looked(nested(DEPTH_MAX), LACKING)
    assert "device" not in where_looked(nested(DEPTH_MAX + 1), LACKING)
    others = {f"x{number}": 0 for number in range(NAMES_MAX - 1)}
    assert "it has Device" in where_looked({**others, "Device": 1}, LACKING)
    assert "Device" not in where_looked({**others, "x": 0, "Device": 1}, LACKING)


def test_of_names_that_are_no_near_ones_the_first_are_shown_and_long_ones_cut() -> None:
    names = [f"{letter}{'x' * LONG_MAX}" for letter in "abcd"]
    shown = ", ".join(f"{name[: LONG_MAX - 1]}…" for name in names[:SHOWN_MAX])
    assert where_looked(dict.fromkeys(names), LACKING) == f" at its top level, which has {shown} …"
    assert where_looked({"y" * LONG_MAX: 1}, LACKING) == f" at its top level, which has {'y' * LONG_MAX}"
