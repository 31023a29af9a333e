"""The views of the small tables, for people at SQLite's shell; and the indexes that find one vehicle's rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders import NOW, arrival, rows

from evd.clock import now_ms
from evd.model.operations import CloseDownlink, Note, OfferDownlink, Outcome, Outcomes, QueueDownlink, Register
from evd.model.units import DAY_MS, HOUR_MS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.sqlite.tables import downlinks

Opener = Callable[..., SqliteDatabase]

VEHICLE = "386625"


def queue(content: int, *, vehicle: str = VEHICLE, lasts: int = 7 * DAY_MS) -> QueueDownlink:
    return QueueDownlink(vehicle, content.to_bytes(8, "big"), NOW, NOW + lasts)


def outcome(number: int, verdict: Any, said: str, **more: Any) -> Outcome:
    told: dict[str, Any] = {"what": "state", "status_id": "aa", "committed": NOW, "sent": NOW + 5, "at": NOW + 9}
    return Outcome(number, 0, "386625", f"token-number-{number}", "token", verdict=verdict, said=said, **told | more)


def test_the_view_of_pushes_shows_what_became_of_each(open_store: Opener, database: Path) -> None:
    store = open_store(give_up_after_s=10**9, stale_after_days=36_500)
    store.write([Register("386625", "386625", f"token-number-{number}", "anna", NOW) for number in (1, 2, 3)])
    store.write([arrival()])
    id_ = arrival().status_id
    store.write(
        [
            Outcomes(
                (
                    outcome(1, "taken", "projects/x/messages/1", status_id=id_),
                    outcome(2, "later", "503", status_id=id_, due=NOW + 500, attempts=1),
                    outcome(3, "failed", "no", status_id=id_),
                )
            )
        ]
    )
    assert rows(database, "SELECT token, state, attempts, outcome FROM pushes ORDER BY outcome") == [
        ("token-nu…", "waiting", 1, "503"),
        ("token-nu…", "given up", None, "no"),
        ("token-nu…", "taken", None, "projects/x/messages/1"),
    ], "a token is never shown whole"


def test_the_view_of_pushes_tells_a_phone_that_is_stale_from_one_that_waits(open_store: Opener, database: Path) -> None:
    now = now_ms()
    store = open_store(stale_after_days=30)
    for token, kind, days in (("seen", "token", 29), ("unseen", "token", 31), ("https://h/", "webhook", 31)):
        store.write([Register("386625", "386625", token, "anna", now - days * DAY_MS, kind)])
    store.write([arrival(time=now, now=now)])
    assert rows(database, "SELECT token, state FROM pushes ORDER BY token") == [
        ("https://…", "waiting"),
        ("seen…", "waiting"),
        ("unseen…", "stale"),
    ]


def test_the_view_of_logs_shows_times_that_people_can_read(open_store: Opener, database: Path) -> None:
    open_store().write(
        [
            Note(name, VEHICLE, "error", "warn", time, f"{name} happened.", b"{}", NOW)
            for name, time in (("b", NOW + 60_000), ("a", NOW))
        ]
    )
    assert rows(database, "SELECT time, vehicle, kind, severity, text FROM log") == [
        ("2023-11-14T22:14:20Z", VEHICLE, "error", "warn", "b happened."),
        ("2023-11-14T22:13:20Z", VEHICLE, "error", "warn", "a happened."),
    ]


def test_the_view_of_downlinks_shows_states_and_times_that_people_can_read(open_store: Opener, database: Path) -> None:
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
    assert listed[::-1] == [
        (1, VEHICLE, "0000000000000001", "acknowledged", "2023-11-14T22:13:20Z", "2023-11-14T22:13:23Z", "ACKED"),
        (2, VEHICLE, "0000000000000a0b", "queued", "2023-11-14T22:13:20Z", None, None),
        (3, "OTHER", "0000000000000003", "expired", "2023-11-14T22:13:20Z", None, None),
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
