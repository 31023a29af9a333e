"""A vehicle as a list shows it: with its last status, in words, or without one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from builders import NOW
from vehicle_row_of import vehicle

from evd.api.status_rows import json_of_row
from evd.api.vehicle_rows import FLEET, vehicle_row
from evd.model.measures import MEASURES
from evd.transfer.columns import status_row

WORDS = MEASURES["state"].words


@pytest.mark.parametrize(
    ("state", "word"), [(0, "off"), (1, "charging"), (len(WORDS), len(WORDS)), (-1, -1), (None, None), (True, True)]
)
def test_a_state_is_a_word_if_there_is_one_for_it(state: Any, word: Any) -> None:
    assert vehicle_row(vehicle(state=state), NOW, is_coarse=False)["state"] == word


def test_a_silence_is_counted_in_whole_seconds() -> None:
    row = vehicle_row(vehicle(state=1), NOW + 2_999, is_coarse=False)
    assert (row["age_s"], row["last_time_ms"], row["channel"]) == (2, NOW, "wlan")


def test_the_last_status_is_as_last_gives_it_and_coarse_for_whom_it_should_be() -> None:
    one = vehicle(state=1, location="48.14816,17.10674")
    assert one.last is not None
    for is_coarse, shown in ((False, one.last), (True, one.last.coarse())):
        row = vehicle_row(one, NOW, is_coarse=is_coarse)
        assert orjson.loads(orjson.dumps(row))["last"] == orjson.loads(json_of_row(status_row(shown)))
    assert b"48.14816" not in orjson.dumps(row)


def test_a_vehicle_that_was_never_heard_has_no_last_status() -> None:
    row = vehicle_row(vehicle(), NOW, is_coarse=True)
    assert {row[name] for name in ("last", "last_time", "age_s", "channel", "status_id", *FLEET)} == {None}
