"""Downlinks in SQLite: the view for people, and the indexes. What any engine makes of them is in the contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from builders import NOW, rows

from evd.model.operations import CloseDownlink, OfferDownlink, QueueDownlink
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables import downlinks

Opener = Callable[..., SqliteDatabase]

VEHICLE = "386625"


def queue(content: int, *, vehicle: str = VEHICLE, lasts: int = 7 * DAY_MS) -> QueueDownlink:
    return QueueDownlink(vehicle, content.to_bytes(8, "big"), NOW, NOW + lasts)


def test_the_view_shows_states_and_times_that_people_can_read(open_store: Opener, database: Path) -> None:
    store = open_store()
    far = 4_000_000_000_000  # 2096
    store.write(
        [
            queue(1),
            queue(0x0A0B, lasts=far),
            OfferDownlink(VEHICLE, "a", NOW, NOW + 3000),
            CloseDownlink(VEHICLE, NOW, 0, "ACKED", NOW + HOUR_MS),
            queue(3, vehicle="OTHER"),
        ]
    )
    listed = rows(database, "SELECT number, vehicle, payload, state, created, offered, info FROM downlink_queue")
    assert listed == [
        (1, VEHICLE, "0000000000000001", "acknowledged", "2023-11-14 22:13:20", "2023-11-14 22:13:23", "ACKED"),
        (2, VEHICLE, "0000000000000a0b", "queued", "2023-11-14 22:13:20", None, None),
        (3, "OTHER", "0000000000000003", "expired", "2023-11-14 22:13:20", None, None),
    ]


def test_what_is_asked_of_one_vehicle_is_found_by_an_index(open_store: Opener, database: Path) -> None:
    open_store()
    for sql, values in (
        (downlinks._FIRST_QUEUED, (VEHICLE, NOW)),
        (downlinks._NEAREST, (VEHICLE, NOW, NOW, NOW)),
        ("SELECT * FROM downlink_queue WHERE vehicle = ?", (VEHICLE,)),
        ("SELECT * FROM log WHERE vehicle = ?", (VEHICLE,)),
    ):
        plan = [step for *_, step in rows(database, f"EXPLAIN QUERY PLAN {sql}", *values)]
        assert plan[0].startswith("SEARCH"), plan
        assert "(vehicle=?" in plan[0], plan
