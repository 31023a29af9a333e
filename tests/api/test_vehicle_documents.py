"""The documents of vehicles and statuses as /openapi.json names them are those that are sent."""

from __future__ import annotations

import msgspec
import pytest
from builders import NOW
from vehicle_row_of import vehicle

from evd.api.status_rows import row_of_status
from evd.api.vehicle_documents import (
    STATUS,
    VEHICLE,
    WHOLE_VEHICLE,
    FleetMeasures,
    FleetQuery,
    StatusDocument,
    StatusesQuery,
    StatusOrBucket,
    VehicleDocument,
    WholeVehicle,
)
from evd.api.vehicle_rows import FLEET, vehicle_row


def test_a_vehicle_has_the_members_that_its_document_names() -> None:
    for one in (vehicle(state=1), vehicle()):
        row = vehicle_row(one, NOW, is_coarse=False)
        assert row.keys() == VehicleDocument.__annotations__.keys() - {"today"} == VEHICLE.keys()
    assert set(FLEET) == FleetMeasures.__annotations__.keys()
    assert WHOLE_VEHICLE.keys() == WholeVehicle.__annotations__.keys() - {"today"}


def test_a_status_has_no_member_that_its_document_does_not_name() -> None:
    last = vehicle(state=1, load=2).last
    assert last is not None
    assert row_of_status(None)(last).keys() == StatusDocument.__annotations__.keys() >= STATUS.keys()
    assert StatusDocument.__annotations__.keys() < StatusOrBucket.__annotations__.keys()


@pytest.mark.parametrize(
    ("form", "query", "is_right"),
    [
        (StatusesQuery, {"from": "0", "bucket": "15m"}, True),
        (StatusesQuery, {"bucket": "0m"}, False),
        (StatusesQuery, {"bucket": "15"}, False),
        (StatusesQuery, {"order": "up"}, False),
        (FleetQuery, {"today": "1", "text": "x" * 200}, True),
        (FleetQuery, {"today": "2"}, False),
        (FleetQuery, {"text": ""}, False),
        (FleetQuery, {"text": "x" * 201}, False),
        (FleetQuery, {"sort": "name"}, False),
    ],
)
def test_a_query_is_documented_with_its_bounds(
    form: type[msgspec.Struct], query: dict[str, str], is_right: bool
) -> None:
    try:
        msgspec.convert(query, form, strict=False)
    except msgspec.ValidationError:
        assert not is_right
    else:
        assert is_right
