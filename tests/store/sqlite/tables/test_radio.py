"""What the network says of a message is written to it or waits for it; a frame that is no message is counted once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import NOW, arrival, rows

from evd.errors import EvdError
from evd.model.operations import Annotate, Frame, LimitReached, UnknownVehicle, WaitNoLonger
from evd.store.sqlite.database import SqliteDatabase

Opener = Callable[..., SqliteDatabase]
RADIO = "SELECT radio IS NOT NULL FROM statuses"


def said(vehicle: str = "386625") -> Annotate:
    return Annotate(vehicle, NOW, 0, None, "geoloc", b'{"radius":9}', None, NOW)


def test_what_is_said_before_its_message_waits_for_it(open_store: Opener, database: Path) -> None:
    assert open_store().write([said(), arrival(), said()])[::2] == [False, True]
    assert rows(database, RADIO) == [(1,)]


@pytest.mark.parametrize(
    ("options", "refusal"), [({"create_unknown": False}, UnknownVehicle), ({"vehicles_max": 1}, LimitReached)]
)
def test_nothing_waits_for_a_vehicle_that_would_be_refused(
    open_store: Opener, options: dict[str, Any], refusal: type[EvdError]
) -> None:
    store = open_store()
    store.write([arrival()])
    store.close()
    store = open_store(**options)
    known, stranger = store.write([said(), said("B")])
    assert known is True
    assert isinstance(stranger, refusal)


def test_what_waits_no_longer_is_given_up_once(open_store: Opener) -> None:
    store = open_store()
    store.write([said()])
    assert store.waiting_rows == 1
    (row,) = store.waiting_metadata().since(None, 9)
    assert store.write([WaitNoLonger(row.number + 1), WaitNoLonger(row.number)]) == [None, None]
    assert store.waiting_rows == 0
    assert store.write([arrival(), WaitNoLonger(row.number)])[1] is None


def test_a_frame_is_counted_once_and_is_no_status(open_store: Opener, database: Path) -> None:
    store = open_store()
    store.write([arrival(seq=1)])
    frame = Frame("386625", NOW + 1000, 3, NOW)
    assert store.write([frame, frame]) == [None, None]
    assert rows(database, "SELECT received, lost FROM days") == [(2, 1)]
    assert rows(database, "SELECT count(*) FROM statuses") == [(1,)]
