"""Statuses that move in from another system."""

from __future__ import annotations

import pytest
from ingest_way import NOW, Way, store_options, way

from evd.errors import BadRequest
from evd.ingest.moved_in import read_moved
from evd.model.commits import summarize
from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive, IgnoreVehicle, Several

__all__ = ["store_options", "way"]

DOCUMENT = {"vehicleId": "386625", "timestamp": NOW - 5000, "current_charge": 76}


def arrival_of(moved: Several) -> Arrive:
    first = moved.operations[0]
    assert isinstance(first, Arrive)
    return first


async def test_a_status_is_received_when_it_was_measured(way: Way) -> None:
    first = arrival_of(read_moved(way.ingest.reading, dict(DOCUMENT), SIGFOX, NOW))
    assert (first.vehicle, first.received) == ("386625", first.time)


async def test_a_status_of_an_ignored_vehicle_is_refused_with_a_sentence(way: Way) -> None:
    way.directory.committed(summarize([IgnoreVehicle("386625", True, NOW)], [True]))
    with pytest.raises(BadRequest, match="vehicle 386625 is ignored"):
        read_moved(way.ingest.reading, dict(DOCUMENT), SIGFOX, NOW)
