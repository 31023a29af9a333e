"""Which format belongs to whom, as the loop knows it: it follows the commits."""

from __future__ import annotations

import pytest

from evd.errors import ConfigError
from evd.ingest.cache import IngestCache
from evd.model.commits import CommitSummary
from evd.model.operations import AddFormat, MergeVehicle, RemoveFormat, SetDeviceType, SetVehicle
from evd.payload.formats import Formats

TYPE = "5d8cdc8fea06bb6e41234567"


@pytest.mark.parametrize(
    ("vehicle", "device_type", "expected"),
    [
        ("1A", None, "own"),
        ("1A", TYPE, "own"),
        ("1B", TYPE, "of the type"),
        ("1B", "another", None),
        ("1B", None, None),
    ],
)
def test_a_vehicles_own_format_comes_before_its_device_types(
    vehicle: str, device_type: str | None, expected: str | None
) -> None:
    directory = IngestCache([], [("1A", "own")], [(TYPE, "of the type")])
    assert directory.format_for(vehicle, device_type) == expected


def test_a_merged_vehicle_is_decoded_as_the_one_that_it_stands_for() -> None:
    directory = IngestCache([], [("1B", "own")])
    merge = MergeVehicle("1A", "1B", 1)
    directory.committed(CommitSummary(treatments=[merge], formats=[SetVehicle("1A", 0, format=None)]))
    assert directory.format_for("1A", None) == "own"


def test_the_format_of_a_device_type_follows_the_commits() -> None:
    directory = IngestCache([], [])
    types = directory.type_formats
    directory.committed(CommitSummary(formats=[SetDeviceType(TYPE, "trailer", 1)]))
    assert types == {TYPE: "trailer"}
    directory.committed(CommitSummary(formats=[SetDeviceType(TYPE, None, 1), SetDeviceType("other", None, 1)]))
    assert types == {}, "the mapping that was given out is kept up to date"


def test_the_databases_formats_follow_the_commits() -> None:
    formats = Formats({}, "ev")
    directory = IngestCache([], [], library=formats)
    added = AddFormat("trailer", "load::uint:8", b'{"load":{"scale":2.0}}', 1)
    directory.committed(CommitSummary(formats=[added]))
    assert formats.find("trailer").decoder.decode(b"\x04") == {"load": 8.0}
    directory.committed(CommitSummary(formats=[AddFormat("trailer", "weight::uint:8", b"{}", 1)]))
    assert formats.find("trailer").names == {"weight"}
    directory.committed(CommitSummary(formats=[RemoveFormat("trailer")]))
    with pytest.raises(ConfigError):
        formats.find("trailer")
