"""Backfills: what is made of Sigfox's answers, what is asked, and what a running evd has afterwards."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import pytest
import trio
from daemon_process import RunningDaemon, clean_env, run_evd, running_daemon
from fake_sigfox import LOGIN, PASSWORD, Answer, FakeSigfox, fake_sigfox
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.cli.times import parse_when
from evd.config.heartbeat import Heartbeat
from evd.config.settings import SigfoxSettings
from evd.errors import ConfigError, SigfoxError, Unavailable
from evd.sigfox_api.backfill.mapping import (
    AGAIN,
    DUPLICATES_MAX,
    ITEMS_MAX,
    OUTAGE_MS,
    RETRIED_MS,
    BackfillCounts,
    Item,
    deliveries,
    of_message,
    of_undelivered,
    outage,
    waves,
)
from evd.sigfox_api.backfill.runner import AT_A_TIME, BUSY_TRIES, Backfiller, take_in, watch
from evd.sigfox_api.client import SigfoxApi
from evd.sigfox_api.pages import EMPTY_PAGES_MAX

NOW = 1_700_000_000_000
TYPE = "5964a10570c85b51ccbaf497"
SECOND = 1_487_065_942

PLAIN = {"device": "386625", "time": SECOND, "data": "deadbeef", "seqNumber": 2}


# Messages


def message(**changes: Any) -> dict[str, Any]:
    return {"device": {"id": "386625"}, "time": SECOND * 1000 + 417, "data": "deadbeef", "seqNumber": 2, **changes}


@pytest.mark.parametrize(
    ("entry", "document"),
    [
        (message(), PLAIN),
        (message(time=SECOND * 1000), PLAIN),
        (message(time=SECOND), PLAIN),
        (message(device={"name": "a car"}), PLAIN),
        (message(device="386625"), PLAIN),
        (message(seqNumber=None), {k: v for k, v in PLAIN.items() if k != "seqNumber"}),
        (message(data=""), PLAIN | {"data": ""}),
        (message(lqi=4, rinfos=[], computedLocation=[], country="FRA"), PLAIN),
    ],
)
def test_a_message_of_the_api_becomes_its_data_callback(entry: dict[str, Any], document: dict[str, Any]) -> None:
    assert of_message(entry, "386625") == [Item("uplink", document)]


@pytest.mark.parametrize("time", [None, "now", 0, -5, True])
def test_an_entry_without_a_time_is_no_message(time: Any) -> None:
    assert of_message(message(time=time), "386625") == []


def test_the_device_type_is_handed_on_for_its_format() -> None:
    assert of_message(message(), "386625", TYPE)[0].document["deviceTypeId"] == TYPE


def test_what_the_network_knows_becomes_an_advanced_callback_beside_it() -> None:
    entry = message(
        lqi=2,
        computedLocation=[{"lat": 43.45, "lng": 6.54, "radius": 400, "source": 2}],
        rinfos=[{"baseStation": {"id": "1E6AB"}, "rssi": -128.5, "snr": 14.3, "rep": 2, "cbStatus": {"status": 200}}],
    )
    data, advanced = of_message(entry, "386625")
    assert data == Item("uplink", PLAIN)
    assert advanced == Item(
        "advanced",
        PLAIN
        | {
            "lqi": "GOOD",
            "linkQuality": 2,
            "computedLocation": {"status": 1, "lat": 43.45, "lng": 6.54, "radius": 400, "source": 2},
            "duplicates": [{"bsId": "1E6AB", "rssi": -128.5, "snr": 14.3, "nbRep": 2}],
        },
        extra=True,
    )


def test_the_stations_of_a_message_are_bounded() -> None:
    _, advanced = of_message(message(rinfos=[{"rssi": n} for n in range(1000)]), "386625")
    assert len(advanced.document["duplicates"]) == DUPLICATES_MAX


# Callbacks that were not delivered


def undelivered(callback: Any, **changes: Any) -> dict[str, Any]:
    return {
        "deviceId": "386625",
        "deviceTypeId": TYPE,
        "time": SECOND * 1000,
        "data": "deadbeef",
        "status": "600",
        "message": "Connection refused",
        "callback": callback,
        "parameters": {"seqNumber": 2},
        **changes,
    }


def rendered(route: str, body: Any = None, **changes: Any) -> dict[str, Any]:
    return {"url": f"https://evd.example/{route}", "method": "POST", "body": body, **changes}


STATUS = {"device": "386625", "time": SECOND, "batt": 3.2, "temp": 21.0}


@pytest.mark.parametrize(
    ("callback", "kind", "document"),
    [
        (rendered("sigfox/uplink", json.dumps(PLAIN)), "uplink", PLAIN),
        (rendered("v3/sigfox/bidir/", json.dumps(PLAIN | {"ack": True, "longPolling": False})), "uplink", PLAIN),
        (rendered("sigfox/status", json.dumps(STATUS)), "status", STATUS),
        (rendered("sigfox/status", STATUS), "status", STATUS),
        (rendered("sigfox/callback", json.dumps(STATUS)), "", STATUS),
        (rendered("sigfox/event", json.dumps({"eventType": "X"})), "event", {"eventType": "X"}),
        (
            rendered(
                "sigfox/error",
                "device=386625&info=lost&key=evd_secret",
                contentType="application/x-www-form-urlencoded",
            ),
            "error",
            {"device": "386625", "info": "lost"},
        ),
        (rendered("sigfox/uplink?device=386625&data=&key=k", method="GET"), "uplink", {"device": "386625", "data": ""}),
    ],
)
def test_a_callback_to_evd_is_taken_as_sigfox_had_written_it(
    callback: dict[str, Any], kind: str, document: dict[str, Any]
) -> None:
    assert of_undelivered(undelivered(callback)) == [Item(kind, document)]


@pytest.mark.parametrize(
    "callback",
    [
        rendered("somewhere/else", json.dumps(STATUS)),
        rendered("sigfox/batch", "386625;1;aa;2;"),
        rendered("sigfox/uplink", "386625 deadbeef", contentType="text/plain"),
        rendered("sigfox/uplink", "[1]"),
        {"subject": "email title", "message": "email body"},
        {"url": "http://[x"},
        None,
    ],
)
def test_of_any_other_callback_the_entrys_own_message_is_taken(callback: Any) -> None:
    assert of_undelivered(undelivered(callback)) == [Item("uplink", PLAIN | {"deviceTypeId": TYPE})]


@pytest.mark.parametrize("missing", [{"data": None}, {"parameters": None}, {"deviceId": None}, {"time": "?"}])
def test_an_entry_that_does_not_identify_its_message_is_left_to_the_devices_messages(missing: dict[str, Any]) -> None:
    assert of_undelivered(undelivered(None, **missing)) == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3),
    max_leaves=8,
)
NAMES = (
    "device",
    "deviceId",
    "time",
    "data",
    "seqNumber",
    "callback",
    "parameters",
    "lqi",
    "rinfos",
    "computedLocation",
)


@given(st.dictionaries(st.sampled_from(NAMES), anything | st.dictionaries(st.sampled_from(("url", "body")), anything)))
def test_whatever_the_api_answers_is_read_without_an_error(entry: dict[str, Any]) -> None:
    for item in (*of_message(entry, "386625"), *of_undelivered(entry)):
        assert item.document


# Deliveries


def items(number: int, vehicles: int = 1) -> list[Item]:
    return [Item("uplink", {"device": str(n % vehicles), "time": NOW // 1000 - n, "data": "00"}) for n in range(number)]


@given(st.integers(0, 50), st.integers(120, 2_000))
def test_deliveries_keep_the_order_and_fit(number: int, bytes_max: int) -> None:
    given_items = items(number)
    lists = list(deliveries(given_items, bytes_max=bytes_max))
    assert [item for one in lists for item in one] == given_items
    assert all(
        len(json.dumps([{"kind": i.kind, "document": i.document} for i in one], separators=(",", ":"))) <= bytes_max
        for one in lists
    )


def test_a_delivery_has_a_bounded_number_of_documents_and_none_that_is_too_long() -> None:
    long = Item("uplink", {"device": "x" * 1000})
    lists = list(deliveries([*items(ITEMS_MAX), long, *items(1)], bytes_max=1_000_000))
    assert [len(one) for one in lists] == [ITEMS_MAX, 2]
    assert list(deliveries([long], bytes_max=1000)) == []


@pytest.mark.parametrize("levels", [300, 1000])  # beyond what orjson writes, though it reads them
def test_a_document_too_deep_for_json_costs_no_other_one(levels: int) -> None:
    deep = orjson.loads(b'{"device":' + b"[" * levels + b"]" * levels + b"}")
    (one,) = deliveries([Item("uplink", deep), *items(1)], bytes_max=1_000_000)
    assert one == items(1)


def test_the_newest_of_each_vehicle_goes_ahead() -> None:
    mixed = [Item("advanced", {"device": "0"}, extra=True), *items(5, vehicles=2)]
    assert waves(mixed) == ([1, 2], [0, 3, 4, 5])


@pytest.mark.parametrize(
    ("verdict", "count"),
    [
        *(("newest", "new"), ("late", "new"), ("ahead", "new"), ("noted", "new"), ("status", "new")),
        *(("duplicate", "known"), ("too old", "too_old"), ("no room", "too_old"), ("rejected", "refused")),
    ],
)
def test_a_verdict_is_counted(verdict: str, count: str) -> None:
    counts = BackfillCounts()
    counts.add([*items(1), Item("advanced", {}, extra=True)], [verdict, verdict])
    assert getattr(counts, count) == 1
    assert counts.new + counts.known + counts.too_old + counts.refused == 1


class Evd:
    """Stands in for an ingest: says duplicate to what it has, and is busy as often as it is told."""

    def __init__(self, busy: int = 0) -> None:
        self.known: list[bytes] = []
        self.busy = busy
        self.waiting = self.most_waiting = 0

    async def accept(self, kind: str, document: Mapping[str, Any], *, raw: bytes) -> str:
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        await trio.lowlevel.checkpoint()
        self.waiting -= 1
        if self.busy:
            self.busy -= 1
            raise Unavailable("busy")
        if raw in self.known:
            return "duplicate"
        self.known.append(raw)
        return "newest"

    async def deliver(self, given_items: Any) -> list[str]:
        return await take_in(self.accept, given_items)


async def test_documents_wait_for_the_disk_together_but_not_all_at_once() -> None:
    evd = Evd()
    assert await take_in(evd.accept, items(1000, vehicles=500)) == ["newest"] * 1000
    assert evd.most_waiting == AT_A_TIME


async def test_what_came_while_evd_was_busy_is_given_back() -> None:
    verdicts = await take_in(Evd(busy=3).accept, items(10))
    assert sorted(verdicts) == [AGAIN] * 3 + ["newest"] * 7


# A run against the API


@pytest.fixture
def fake() -> Iterator[FakeSigfox]:
    """Two device types: the first with two devices that spoke, and one that was silent for long."""
    with fake_sigfox() as one:
        one.device_types = [{"id": "t1"}, {"id": "t2"}]
        one.devices = {
            "t1": [{"id": "A1", "lastCom": NOW}, {"id": "A2"}, {"id": "OLD", "lastCom": 1}],
            "t2": [{"id": "B1"}],
        }
        for device in ("A1", "A2", "B1"):
            one.messages[device] = [
                message(device={"id": device}, time=NOW - 1000 * n, seqNumber=n) for n in range(150)
            ]
        yield one


async def fetch(fake: FakeSigfox, evd: Evd, **wish: Any) -> BackfillCounts:
    async with SigfoxApi(fake.url, LOGIN, PASSWORD, timeout_s=86_400) as api:
        return await Backfiller(api, evd.deliver, **{"since": NOW - 100_000_000, "before": NOW, **wish}).run()


async def test_all_devices_of_all_device_types_are_read_unless_some_are_named(fake: FakeSigfox) -> None:
    assert await fetch(fake, Evd()) == BackfillCounts(read=450, new=450)
    assert not [request for request in fake.requests if "OLD" in request]


@pytest.mark.parametrize(
    ("wish", "read"),
    [({"device_types": ["t2"]}, 150), ({"devices": ["A1"]}, 150), ({"devices": ["A1"], "device_types": ["t2"]}, 300)],
)
async def test_only_what_is_named_is_read(fake: FakeSigfox, wish: dict[str, Any], read: int) -> None:
    assert (await fetch(fake, Evd(), **wish)).read == read


async def test_a_second_run_finds_everything_known(fake: FakeSigfox) -> None:
    evd = Evd()
    await fetch(fake, evd)
    assert await fetch(fake, evd) == BackfillCounts(read=450, known=450)


async def test_undelivered_callbacks_come_before_the_messages(fake: FakeSigfox) -> None:
    body = PLAIN | {"device": "A1", "state": 3}
    fake.undelivered["t1"] = [undelivered(rendered("sigfox/uplink", json.dumps(body)), time=NOW)]
    evd = Evd()
    assert await fetch(fake, evd, device_types=["t1"]) == BackfillCounts(read=301, new=301)
    assert json.loads(evd.known[0]) == body


async def test_a_busy_evd_is_asked_again(fake: FakeSigfox, mock_clock: MockClock) -> None:
    mock_clock.rate = 1000
    assert await fetch(fake, Evd(busy=70), devices=["A1"]) == BackfillCounts(read=150, new=150)


async def test_an_evd_that_stays_busy_ends_the_run(fake: FakeSigfox, mock_clock: MockClock) -> None:
    mock_clock.rate = 1000
    with pytest.RaisesGroup(SigfoxError, flatten_subgroups=True):
        await fetch(fake, Evd(busy=200 * BUSY_TRIES), devices=["A1"])


async def test_what_is_too_long_for_a_callback_is_refused(fake: FakeSigfox) -> None:
    fake.undelivered["t2"] = [undelivered(rendered("sigfox/event", json.dumps({"info": "x" * 2000})), time=NOW)]
    counts = await fetch(fake, Evd(), device_types=["t2"], bytes_max=1024)
    assert counts == BackfillCounts(read=151, new=150, refused=1)


# Pages and pace as real answers have them (field cases A01 to A04)

MINUTE = 60_000


def page(fake: FakeSigfox, entries: list[dict[str, Any]], following: str | None = None) -> Answer:
    path = f"{fake.url}/devices/A1/messages?{following}"
    return Answer(200, {"data": entries, "paging": {"next": path} if following else {}})


async def test_a01_a_page_without_entries_is_not_the_last_one_while_it_names_a_next(fake: FakeSigfox) -> None:
    first, last = (message(device={"id": "A1"}, time=NOW - n * MINUTE, seqNumber=9 - n) for n in (1, 2))
    pages = {"page=2": page(fake, [], "page=3"), "page=3": page(fake, [last])}

    def script(target: str) -> Answer | None:
        path, _, query = target.partition("?")
        return pages.get(query, page(fake, [first], "page=2")) if path.endswith("/A1/messages") else None

    fake.script = script
    assert await fetch(fake, Evd(), devices=["A1"], since=NOW - 120 * MINUTE) == BackfillCounts(read=2, new=2)


@pytest.mark.parametrize(
    ("pages", "sentence"),
    [
        (lambda fake, number: page(fake, [], f"page={number + 1}"), "pages in a row have no entry"),
        (lambda fake, number: page(fake, [], f"page={(number + 1) % 3}"), "its pages repeat"),
        (lambda fake, number: page(fake, [message(time=NOW)], f"page={number + 1}"), "its pages repeat"),
    ],
    ids=["empty for ever", "a circle", "the same page for ever"],
)
async def test_a01_a_next_that_never_ends_stops_with_a_sentence(fake: FakeSigfox, pages: Any, sentence: str) -> None:
    def script(target: str) -> Answer | None:
        path, _, query = target.partition("?")
        if not path.endswith("/A1/messages"):
            return None
        answer: Answer = pages(fake, int(query.partition("page=")[2] or 0))
        return answer

    fake.script = script
    with pytest.RaisesGroup(pytest.RaisesExc(SigfoxError, match=sentence), flatten_subgroups=True):
        await fetch(fake, Evd(), devices=["A1"])
    assert len(fake.requests) <= EMPTY_PAGES_MAX + 1


async def test_a02_a_next_without_since_is_followed_no_further_than_since(fake: FakeSigfox) -> None:
    kept = [
        message(
            device={"id": "A1"},
            time=NOW - n * 10 * MINUTE,
            seqNumber=4095 - n,
            operator="SIGFOX_France",
            country="FRA",
            computedLocation=[],
            rolloverCounter=0,
        )
        for n in range(600)
    ]

    def script(target: str) -> Answer | None:
        parts = urlsplit(target)
        if not parts.path.endswith("/A1/messages"):
            return None
        query = dict(parse_qsl(parts.query))
        found = [one for one in kept if one["time"] < int(query["before"])][:10]  # it forgets since altogether
        return page(fake, found, f"limit=100&before={found[-1]['time']}" if found else None)

    fake.script = script
    evd = Evd()
    counts = await fetch(fake, evd, devices=["A1"], since=NOW - 120 * MINUTE, before=NOW + 1)
    assert counts == BackfillCounts(read=13, new=13), "13 of two hours, and none of the page's others"
    assert len([request for request in fake.requests if "/messages" in request]) == 2
    assert all(json.loads(one)["operatorName"] == "SIGFOX_France" for one in evd.known if b"operatorName" in one)
    assert any(b"operatorName" in one for one in evd.known)


@pytest.mark.parametrize("operator", ["SIGFOX_France", {"id": "5", "name": "SIGFOX_France"}])
def test_a02_an_operator_is_a_text_or_an_object(operator: Any) -> None:
    _, advanced = of_message(message(operator=operator), "386625")
    assert advanced.document["operatorName"] == "SIGFOX_France"


def test_a03_numbers_as_texts_and_a_message_that_was_called_back(tmp_path: Path, fake: FakeSigfox) -> None:
    entry = {
        "device": {"id": "1A2B60"},
        "time": 1_764_000_000_000,
        "data": "0101",
        "seqNumber": 3,
        "lqi": 2,
        "rinfos": [
            {
                "baseStation": {"id": "5859"},
                "rssi": "-133.00",
                "snr": "12.48",
                "rep": 3,
                "cbStatus": [{"status": 600, "attempts": 4}],
            }
        ],
    }
    fake.messages["1A2B60"] = [entry]
    with running_daemon(tmp_path / "evd") as daemon:
        headers = {"x-api-key": daemon.keys["sigfox"]}
        body = {"device": "1A2B60", "time": 1_764_000_000, "data": "0101", "seqNumber": 3}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
        wish = ("backfill", "--since", "2025-11-24", "--device", "1A2B60", "--dir", daemon.directory, "--json")
        done = run_evd(*wish, env=environment(fake))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["read"], told["known"], told["new"]) == (1, 1, 0)
        assert history(daemon) == [("1A2B60", "2025-11-24 16:00:00", 3)]
        with closing(sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)) as connection:
            ((radio,),) = connection.execute("SELECT radio FROM ring").fetchall()
        advanced = json.loads(radio)["advanced"]
        assert advanced["lqi"] == "GOOD"
        assert advanced["duplicates"] == [{"bsId": "5859", "nbRep": 3, "rssi": -133.0, "snr": 12.48}]


SCALE = 50
"""A second of the limit takes a fiftieth of one."""


class OneASecond:
    """Sigfox's limit: more than one request a second is answered 429, without Retry-After."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.refused: list[float] = []
        self._free_at = 0.0

    def __call__(self, target: str) -> Answer | None:
        now = time.monotonic() * SCALE
        self.times.append(now)
        if now < self._free_at:
            self.refused.append(now)
            return Answer(429, {"message": "Too many requests"})
        self._free_at = now + 1
        return None

    def busiest(self, window_s: float) -> float:
        """Requests a second, after the first that was refused, in the busiest stretch of so many seconds."""
        times = [one for one in self.times if one > self.refused[0]]
        return max(sum(start <= one < start + window_s for one in times) for start in times) / window_s


async def test_a04_a_limit_of_one_request_a_second_costs_time_and_no_device(
    fake: FakeSigfox, mock_clock: MockClock
) -> None:
    mock_clock.rate = SCALE
    fake.devices = {"t1": [{"id": f"{n:X}"} for n in range(300)]}
    for n in range(300):
        fake.messages[f"{n:X}"] = [message(device={"id": f"{n:X}"}, time=NOW, seqNumber=1)]
    fake.script = limit = OneASecond()
    assert await fetch(fake, Evd(), device_types=["t1"]) == BackfillCounts(read=300, new=300)
    read = {
        request.split("/")[3] for request in fake.requests if request.endswith("limit=100") and "/messages" in request
    }
    assert len(read) == 300
    assert limit.refused, "it was asked too fast at first"
    assert limit.busiest(20) <= 1.5


# Outages


@pytest.mark.parametrize(
    ("last", "missed"),
    [(None, None), (NOW, None), (NOW + 5, None), (NOW - OUTAGE_MS, None), (NOW - OUTAGE_MS - 1, OUTAGE_MS + 1)],
)
def test_an_outage_is_longer_than_sigfox_tries(last: int | None, missed: int | None) -> None:
    assert outage(last, NOW) == missed


def test_the_time_evd_was_alive_is_kept_and_written_over(tmp_path: Path) -> None:
    alive = Heartbeat(tmp_path / "alive")
    assert alive.last() is None
    for now in (NOW, 5, NOW + 1):
        alive.note(now)
        assert Heartbeat(tmp_path / "alive").last() == now


@pytest.mark.parametrize("content", [b"", b"\n", b"yesterday", b"\xff", b"1" * 100])
def test_a_file_that_is_not_evds_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "alive").write_bytes(content)
    assert Heartbeat(tmp_path / "alive").last() is None


class Watched:
    """The watch over a file, with a clock that the test moves."""

    def __init__(self, path: Path, fake: FakeSigfox, backfill: str) -> None:
        self.alive = Heartbeat(path)
        self.evd = Evd()
        self.now = NOW
        self.healthy = True
        self.settings = SigfoxSettings(api=fake.url, api_login=LOGIN, api_password=PASSWORD, backfill=backfill)

    async def run(self) -> None:
        await watch(self.alive, self.settings, self.evd.accept, lambda: self.healthy, clock=lambda: self.now)


@pytest.fixture
def watched(tmp_path: Path, fake: FakeSigfox) -> Watched:
    return Watched(tmp_path / "alive", fake, "run")


async def test_a_start_after_a_short_stop_only_notes_the_time(
    watched: Watched, fake: FakeSigfox, nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    watched.alive.note(NOW - OUTAGE_MS)
    nursery.start_soon(watched.run)
    await wait_all_tasks_blocked()
    assert watched.alive.last() == NOW
    assert fake.requests == []


async def test_after_an_outage_what_is_missing_is_fetched_before_the_time_is_noted(
    watched: Watched, fake: FakeSigfox, nursery: trio.Nursery
) -> None:
    watched.alive.note(NOW - OUTAGE_MS - 1)
    nursery.start_soon(watched.run)
    await until(lambda: watched.alive.last() == NOW)
    assert len(watched.evd.known) == 450
    assert f"since={NOW - OUTAGE_MS - 1 - RETRIED_MS}&before={NOW}" in fake.requests[1]


async def test_where_it_is_not_wished_a_backfill_is_only_advised(
    tmp_path: Path, fake: FakeSigfox, nursery: trio.Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(tmp_path / "alive", fake, "say")
    watched.alive.note(NOW - 2 * OUTAGE_MS)
    nursery.start_soon(watched.run)
    await until(lambda: watched.alive.last() == NOW)
    said = capsys.readouterr()
    assert "evd backfill --since 2023-11-14T21:49:20Z" in said.out + said.err
    assert fake.requests == []


async def test_a_backfill_that_sigfox_refuses_ends_nothing_but_itself(
    watched: Watched, fake: FakeSigfox, nursery: trio.Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    watched.settings = SigfoxSettings(api=fake.url, api_login=LOGIN, api_password="wrong-one", backfill="run")
    watched.alive.note(NOW - 2 * OUTAGE_MS)
    nursery.start_soon(watched.run)
    await until(lambda: watched.alive.last() == NOW)
    said = capsys.readouterr()
    assert "sigfox.api_password" in said.out + said.err
    assert "wrong-one" not in said.out + said.err


async def test_a_full_disk_is_an_outage_too(
    watched: Watched, fake: FakeSigfox, nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    nursery.start_soon(watched.run)
    await wait_all_tasks_blocked()
    watched.healthy = False
    mock_clock.jump(60)
    await wait_all_tasks_blocked()
    watched.healthy, watched.now = True, NOW + OUTAGE_MS + 1
    mock_clock.jump(60)
    await until(lambda: watched.alive.last() == watched.now)
    assert fake.requests


async def until(condition: Any) -> None:
    """Other tasks and the fake's threads go on meanwhile; a condition that never holds is cut off, in real time."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        await trio.lowlevel.checkpoint()


# The command


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2h", NOW - 7_200_000),
        ("7d", NOW - 7 * 86_400_000),
        ("90m", NOW - 5_400_000),
        ("2w", NOW - 14 * 86_400_000),
        ("30s", NOW - 30_000),
        ("999999999w", 1),
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14 22:13:20", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14", NOW - 80_000_000),
    ],
)
def test_a_time_is_iso_or_so_long_ago(text: str, ms: int) -> None:
    assert parse_when(text, NOW) == ms


@pytest.mark.parametrize("text", ["", "yesterday", "2 h", "-1d", "2y", "9999-99-99"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a time"):
        parse_when(text, NOW)


def environment(fake: FakeSigfox) -> dict[str, str]:
    return {"EVD_SIGFOX__API": fake.url, "EVD_SIGFOX__API_LOGIN": LOGIN, "EVD_SIGFOX__API_PASSWORD": PASSWORD}


def history(daemon: RunningDaemon) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{daemon.database}?mode=ro", uri=True)
    try:
        return connection.execute("SELECT vehicle, time, seq FROM history ORDER BY 1, 2").fetchall()
    finally:
        connection.close()


def test_the_command_fills_what_a_running_evd_lacks_and_counts_it(tmp_path: Path, fake: FakeSigfox) -> None:
    body = {"device": "A1", "time": NOW // 1000, "data": "deadbeef", "seqNumber": 0}
    with running_daemon(tmp_path / "evd") as daemon:
        headers = {"x-api-key": daemon.keys["sigfox"]}
        assert httpx.post(f"{daemon.url}/sigfox/uplink", json=body, headers=headers).status_code == 201
        fake.messages["A1"][0]["time"] += 400  # the API's milliseconds of the same message
        wish = ("backfill", "--since", "2023-11-01", "--dir", daemon.directory, "--json")
        for known in (1, 450):
            done = run_evd(*wish, env=environment(fake))
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout) == {
                "read": 450,
                "new": 450 - known,
                "known": known,
                "too_old": 0,
                "refused": 0,
                "devices": 3,
                "complete": True,
            }
            assert done.stderr == ""
        assert len(history(daemon)) == 450


def test_without_a_running_evd_the_command_writes_itself(tmp_path: Path, fake: FakeSigfox) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    done = run_evd("backfill", "--since", "2023-11-01", "--device", "A1", "--dir", directory, env=environment(fake))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("150 messages and callbacks of 1 devices read: 150 new, 0 known")


@pytest.mark.parametrize("running", [True, False])
def test_an_interrupted_command_says_what_it_did_and_that_it_is_not_complete(
    daemon: RunningDaemon, tmp_path: Path, fake: FakeSigfox, running: bool
) -> None:
    directory = daemon.directory if running else tmp_path / "evd"
    if not running:
        assert run_evd("init", "--dir", directory).returncode == 0
    fake.at_request["GET /v2/devices/A1/messages"] = Answer(429, None, {"Retry-After": "300"})
    command = [sys.executable, "-m", "evd", "backfill", "--since", "2023-11-01", "--device", "A2", "--device", "A1"]
    with subprocess.Popen(
        [*command, "--dir", str(directory), "--json"],
        env=clean_env(environment(fake)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert fake.seen.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(err)["error"]["cause"] == "interrupted"
    assert json.loads(out)["complete"] is False


@pytest.mark.parametrize(
    ("arguments", "change", "code", "sentence"),
    [
        (("--since", "1h"), {"EVD_SIGFOX__API_PASSWORD": ""}, 2, "sigfox.api_password"),
        (("--since", "1h"), {"EVD_SIGFOX__API_PASSWORD": "wrong-one"}, 2, "check sigfox.api_login"),
        (("--since", "1h", "--device", "NONE"), {}, 5, "knows no /devices/NONE/messages"),
        (("--since", "1h", "--until", "2h"), {}, 2, "is not before"),
        (("--since", "soon"), {}, 2, "is not a time"),
    ],
)
def test_the_command_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, fake: FakeSigfox, arguments: tuple[str, ...], change: dict[str, str], code: int, sentence: str
) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    done = run_evd("backfill", *arguments, "--dir", directory, env=environment(fake) | change)
    assert done.returncode == code
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "wrong-one" not in done.stderr


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "the body is invalid"),
        ([{"kind": "uplink"}], "the body is invalid"),
        ([{"kind": "gossip", "document": {}}], "no kind 'gossip'"),
        ([{"kind": "uplink", "document": {}}] * (ITEMS_MAX + 1), "at most 1000"),
    ],
)
def test_the_route_refuses_what_is_no_list_of_documents(daemon: RunningDaemon, body: Any, sentence: str) -> None:
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", json=body, headers={"x-api-key": daemon.keys["admin"]})
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


def test_the_route_refuses_what_is_nested_too_deep(daemon: RunningDaemon) -> None:
    body = b'[{"kind":"uplink","document":{"device":' + b"[" * 300 + b"]" * 300 + b"}}]"
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", content=body, headers={"x-api-key": daemon.keys["admin"]})
    assert answer.status_code == 400
    assert "nested deeper" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [("sigfox", 403), ("app", 403), ("device", 403), ("admin", 200)])
def test_only_an_admin_may_backfill(daemon: RunningDaemon, role: str, status: int) -> None:
    answer = httpx.post(f"{daemon.url}/api/v1/backfill", json=[], headers={"x-api-key": daemon.keys[role]})
    assert answer.status_code == status


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("backfill") / "evd") as one:
        yield one
