"""EVENT: whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest
from callback_reports import NOW

from evd.model.operations import Note
from evd.sigfox.network_reports import report


@pytest.mark.parametrize(
    ("variables", "vehicle"),
    [
        ({"device": "00386625"}, "386625"),
        ({"deviceId": "386625", "sourceType": "GROUP", "sourceId": "1"}, "386625"),
        ({"sourceType": "Device", "sourceId": "386625"}, "386625"),
        ({"sourceType": "DEVICE_TYPE", "sourceId": "386625"}, ""),
        ({"sourceType": "GROUP", "sourceId": "386625"}, ""),
        ({"sourceId": "386625"}, ""),
        ({"sourceType": "DEVICE"}, ""),
        ({"sourceType": ["DEVICE"], "sourceId": "1"}, ""),
        ({}, ""),
    ],
)
def test_an_event_concerns_a_vehicle_only_where_its_source_is_one(variables: dict[str, Any], vehicle: str) -> None:
    found = report("event", {"time": 1639400000, "eventType": "X"} | variables, now=NOW, raw=b"")
    (note,) = found.operations
    assert isinstance(note, Note)
    assert found.vehicle == note.vehicle == vehicle
