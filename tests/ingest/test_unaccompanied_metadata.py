"""DATA_ADVANCED and GEOLOC whose messages do not come: what they become, when, and what a later DATA makes of it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from builders import SETTINGS, rows
from daemon_process import running_daemon
from ingest_way import NOW, Way, status_id

from evd.config.settings import SigfoxSettings
from evd.ingest.service import Ingest
from evd.ingest.unaccompanied_metadata import STEP_MAX, UnaccompaniedMetadata
from evd.model.units import HOUR_MS
from evd.payload.formats import Formats
from evd.store.sqlite.database import SqliteDatabase

TIME = NOW // 1000 - 60
WAITS_S = 600
PAYLOAD = "130a4c0f594e427e4bb45088"
PLACE = {"lat": 48.125, "lng": 17.5, "radius": 1000, "source": 2, "status": 1}
H10 = {
    "type": "srv_advanced",
    "device": "1A2B54",
    "time": TIME,
    "data": PAYLOAD,
    "seq": 5,
    "lqi": "Good",
    "operatorName": "SIGFOX_France",
    "countryCode": 250,
    "computedLocation": PLACE,
    "duplicates": [],
    "version": 1,
}
"""The body of field case H10."""


class Road(Way):
    """An ingest over a database, with what takes care of what waits."""

    def __init__(self, store: SqliteDatabase, path: Path, **options: Any) -> None:
        super().__init__(store, path)
        settings = SigfoxSettings(**options)
        self.ingest = Ingest(self.writer, self.directory, Formats({}, "ev"), settings=settings, clock=lambda: self.now)
        self.unaccompanied = UnaccompaniedMetadata(
            *(store.waiting_metadata(), self.writer, self.ingest.reading, settings, self.ingest.outcomes),
            waiting_rows=lambda: store.waiting_rows,
            clock=lambda: self.now,
        )

    async def say(self, route: str, document: dict[str, Any], status: int = 201) -> str:
        reply = await self.post(f"/sigfox/{route}", document)
        assert reply.status == status, reply
        return status_id(reply) if status == 201 else reply.body.decode()

    async def later(self, seconds: float = WAITS_S) -> int:
        """So much time goes by; how many were due."""
        self.now += int(seconds * 1000)
        taken = 0
        while some := await self.unaccompanied.step():
            taken += some
        return taken

    def history(self) -> list[Any]:
        return rows(
            self.path,
            "SELECT vehicle, id, seq, fields ->> 'current_charge', flags, lqi, location FROM history",
        )

    def waiting(self) -> int:
        ((count,),) = rows(self.path, "SELECT count(*) FROM radio_waiting")
        return int(count)


@pytest.fixture
def road(open_store: Callable[..., SqliteDatabase], database: Path, nursery: trio.Nursery) -> Callable[..., Road]:
    def opened(store: dict[str, Any] | None = None, **options: Any) -> Road:
        made = Road(open_store(**store or {}), database, **options)
        nursery.start_soon(made.writer.run)
        return made

    return opened


ALONE = ("1A2B54", "alone", 5, 76, "alone", "GOOD", "48.125,17.5")
"""What is kept of H10, but for its id."""


def without_id(history: list[Any]) -> list[Any]:
    return [(vehicle, "alone", *rest) for vehicle, _, *rest in history]


async def test_h10_what_data_advanced_alone_reported_is_a_status_once_its_data_is_overdue(
    road: Callable[..., Road],
) -> None:
    way = road()
    for _ in range(4):  # as Sigfox repeats it
        await way.say("advanced", H10)
    assert await way.later(WAITS_S - 1) == 0
    assert way.history() == []
    await way.say("advanced", H10)  # which has it wait no longer than from the first time
    assert await way.later(1) == 1
    assert without_id(way.history()) == [ALONE]
    assert way.waiting() == 0
    assert await way.later(HOUR_MS) == 0
    assert without_id(way.history()) == [ALONE]


@pytest.mark.parametrize("after_s", [0, 30, WAITS_S, 5 * WAITS_S])
@pytest.mark.parametrize("payload", [PAYLOAD, None])
async def test_a_data_that_comes_is_the_same_status_whenever_it_comes(
    road: Callable[..., Road], after_s: int, payload: str | None
) -> None:
    way = road()
    data = {"device": "1A2B54", "time": TIME, "data": PAYLOAD, "seqNumber": 5, "doors": "locked"}
    await way.say("advanced", {**H10, "data": payload})
    await way.later(after_s)
    (first, again) = [await way.say("uplink", data) for _ in range(2)]
    assert first == again
    await way.later()
    await way.say("advanced", {**H10, "data": payload})
    await way.later()
    assert way.history() == [("1A2B54", first, 5, 76, "", "GOOD", "48.125,17.5")]
    assert rows(way.path, "SELECT fields ->> 'doors' FROM history") == [("locked",)]
    assert way.waiting() == 0
    assert rows(way.path, "SELECT received, lost FROM days") == [(1, 0)]


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"advanced_waits_s": 0}, {}),
        ({"advanced_alone": ["*"]}, {}),
        ({"advanced_alone": ["5D8C"]}, {"deviceTypeId": "5d8c"}),
        ({}, {"type": "data"}),
        ({}, {"callbackType": "DATA/UPLINK"}),
    ],
)
@pytest.mark.parametrize("route", ["advanced", "callback"])
async def test_where_its_type_says_so_it_is_a_status_at_once(
    road: Callable[..., Road], options: dict[str, Any], changes: dict[str, Any], route: str
) -> None:
    way = road(**options)
    ids = {await way.say(route, H10 | changes) for _ in range(2)}
    data = {"device": "1A2B54", "time": TIME, "data": PAYLOAD, "seqNumber": 5}
    ids.add(await way.say("uplink", data))
    assert [(vehicle, seq, charge, lqi, location) for vehicle, _, seq, charge, _, lqi, location in way.history()] == [
        ("1A2B54", 5, 76, "GOOD", "48.125,17.5")
    ]
    assert ids == {way.history()[0][1]}


async def test_a_device_of_another_type_waits(road: Callable[..., Road]) -> None:
    way = road(advanced_alone=["5d8c"])
    await way.say("advanced", H10 | {"deviceTypeId": "5d8d"})
    assert (way.history(), way.waiting()) == ([], 1)


async def test_what_says_nothing_of_a_vehicle_is_an_entry_of_its_log(road: Callable[..., Road]) -> None:
    way = road()
    await way.say("geoloc", {"device": "1A", "time": TIME, "lat": 48.5, "lng": 17.5, "radius": 9})
    await way.say("advanced", {"device": "1B", "time": TIME, "seqNumber": 3, "lqi": "GOOD", "operatorName": "Ostsee"})
    assert await way.later() == 2
    assert way.history() == []
    assert way.waiting() == 0
    notes = rows(way.path, "SELECT vehicle, kind, severity, text, document FROM log ORDER BY vehicle")
    assert [note[:3] for note in notes] == [("1A", "geoloc", "info"), ("1B", "advanced", "info")]
    assert notes[0][3] == (
        "Sigfox sent GEOLOC for a message, but the message itself did not come. It was located at 48.5,17.5."
    )
    assert json.loads(notes[1][4])["operatorName"] == "Ostsee"


async def test_values_of_the_sender_and_a_location_make_a_status_too(road: Callable[..., Road]) -> None:
    way = road()
    await way.say("advanced", {"device": "1A", "time": TIME, "seqNumber": 1, "lqi": "GOOD", "current_charge": "70"})
    await way.say("advanced", {"device": "1B", "time": TIME, "seqNumber": 2, "computedLocation": PLACE})
    assert await way.later() == 2
    assert [(row[0], row[3], row[6]) for row in way.history()] == [("1A", 70, None), ("1B", None, "48.125,17.5")]


async def test_what_cannot_be_read_once_it_is_due_is_kept_as_rejected(road: Callable[..., Road]) -> None:
    way = road()
    await way.say("advanced", H10 | {"current_charge": "much"})
    assert await way.later() == 1
    assert (way.history(), way.waiting()) == ([], 0)
    ((route, detail),) = rows(way.path, "SELECT route, detail FROM rejected")
    assert (route, detail) == ("POST /sigfox/advanced", 'current_charge is "much": a number is needed')


async def test_of_a_vehicle_that_is_not_known_it_is_refused_at_once(road: Callable[..., Road]) -> None:
    way = road({"create_unknown": False})
    assert "not known" in await way.say("advanced", H10, 400)
    assert (way.waiting(), rows(way.path, "SELECT error FROM rejected")) == (0, [("Unknown vehicle",)])


async def test_one_vehicle_too_many_since_is_kept_as_rejected(road: Callable[..., Road]) -> None:
    way = road({"vehicles_max": 1})
    await way.say("advanced", H10)
    await way.say("uplink", {"device": "1", "time": TIME, "data": "00"})
    assert await way.later() == 1
    assert (len(way.history()), way.waiting()) == (1, 0)
    assert rows(way.path, "SELECT count(*) FROM rejected") == [(1,)]


async def test_a_clock_that_is_set_back_has_nothing_wait_for_it(road: Callable[..., Road]) -> None:
    way = road()
    await way.say("advanced", H10)
    assert await way.later(-WAITS_S) == 0
    assert await way.later(-2) == 1
    assert without_id(way.history()) == [ALONE]


async def test_beyond_its_bound_the_oldest_waits_no_longer(road: Callable[..., Road]) -> None:
    way = road(advanced_waiting_max=2)
    for seq in range(5):
        await way.say("advanced", H10 | {"seq": seq})
        way.now += 1
    assert await way.later(1) == 3
    assert [row[2] for row in way.history()] == [0, 1, 2]
    assert way.waiting() == 2 < SETTINGS.limits.annotations_waiting


async def test_many_that_are_due_are_taken_in_steps(road: Callable[..., Road]) -> None:
    way = road({"capacity": 100})
    for seq in range(STEP_MAX + 5):
        await way.say("advanced", H10 | {"seq": seq})
    way.now += WAITS_S * 1000
    assert [await way.unaccompanied.step() for _ in range(3)] == [STEP_MAX, 5, 0]
    assert len(way.history()) == STEP_MAX + 5


async def test_a_step_that_a_crash_cut_short_is_made_again(road: Callable[..., Road]) -> None:
    way = road()
    for number, body in enumerate((H10, H10 | {"data": None, "computedLocation": None})):
        await way.say("advanced", body | {"device": f"{number + 1}", "seq": number})
    way.now += WAITS_S * 1000
    for row in way.unaccompanied._due(way.now):
        await way.writer.write(way.unaccompanied._becomes(row, way.now))
    before = way.history(), rows(way.path, "SELECT id FROM notes")
    assert (len(before[0]), len(before[1]), way.waiting()) == (1, 1, 1)
    await way.later(1)
    assert (way.history(), rows(way.path, "SELECT id FROM notes")) == before
    assert way.waiting() == 0


async def test_one_that_an_older_evd_kept_becomes_a_status_of_what_is_there(road: Callable[..., Road]) -> None:
    way = road()
    await way.say("advanced", H10)
    way.writer._store._db.execute("UPDATE radio_waiting SET document = NULL")  # type: ignore[attr-defined]
    assert await way.later() == 1
    assert without_id(way.history()) == [ALONE]


def test_what_waits_survives_a_kill_and_is_due_at_its_time(tmp_path: Path) -> None:
    many = 100
    now = int(time.time())
    settings = "[sigfox]\nadvanced_waits_s = 3\n[retention]\nstatuses_per_vehicle = 1000\n"
    with running_daemon(tmp_path / "evd", settings=settings) as first:
        headers = {"x-api-key": first.keys["sigfox"]}
        with httpx.Client(base_url=first.url, headers=headers) as client:
            for seq in range(many):
                body = H10 | {"time": now - many + seq, "seq": seq}
                assert client.post("/sigfox/advanced", json=body).status_code == 201
        first.stop(signal.SIGKILL, exit_code=None)
    with running_daemon(tmp_path / "evd", keys=first.keys) as second:
        give_up = time.monotonic() + 20
        while rows(second.database, "SELECT count(*) FROM history") != [(many,)] and time.monotonic() < give_up:
            time.sleep(0.05)
        found = rows(second.database, "SELECT seq, fields ->> 'current_charge', flags FROM history ORDER BY seq")
        assert found == [(seq, 76, "alone") for seq in range(many)]
        assert rows(second.database, "SELECT count(*) FROM radio_waiting") == [(0,)]
