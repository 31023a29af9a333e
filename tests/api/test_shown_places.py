"""Places as whoever asks may see them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from builders import NOW

from evd.api.shown_places import coarse_bucket, is_coarse_row, showing
from evd.auth.caller import Caller
from evd.model.place_privacy import PlacePrivacy
from evd.model.status import Status
from evd.store.vehicle_records import Bucket, BucketValues, FleetRow

USER, ADMIN = Caller("anna", False, "session"), Caller("root", True, "session")


@pytest.mark.parametrize(
    ("level", "coarse_for"),
    [("nobody", set()), ("viewers", {"a viewer"}), ("everyone", {"a viewer", "an owner", "an administrator"})],
)
def test_a_row_is_coarse_as_its_vehicle_s_level_says(level: Any, coarse_for: set[str]) -> None:
    places = PlacePrivacy("nobody", [("1A", level)])
    askers: dict[str, tuple[Any, Caller]] = {
        "an owner": ("owner", USER),
        "a viewer": ("viewer", USER),
        "an administrator": ("viewer", ADMIN),
    }
    found = set()
    for name, (relation, asking) in askers.items():
        row = FleetRow("1A", relation, None, None, None, "fresh", 0, None, 0, None, None, None, None, None, ())
        if is_coarse_row(row, asking, places):
            found.add(name)
    assert found == coarse_for


def test_a_coarse_status_has_no_payload_and_one_as_it_came_is_the_same() -> None:
    said = Status("1A", "id", NOW, 7, 1, b"\x01", orjson.dumps({"location": "48.14816,17.10674"}), NOW, "")
    assert showing(is_coarse=False)(said) is said
    shown = showing(is_coarse=True)(said)
    assert shown.payload is None and b"48.14816" not in shown.fields


def test_a_coarse_bucket_keeps_its_numbers_and_has_no_exact_place() -> None:
    values = {
        "range": BucketValues(1.0, 2.5, 4.0, 4),
        "latitude": BucketValues(48.14816, 48.14817, 48.14818, 48.14818),
        "location": BucketValues(None, None, None, "48.14816,17.10674"),
    }
    bucket = coarse_bucket(Bucket(NOW, 2, NOW, values))
    assert bucket.values.keys() == values.keys() and bucket.values["range"] == values["range"]
    assert (bucket.start, bucket.statuses) == (NOW, 2)
    assert "14816" not in repr(bucket.values)
