"""A backfill against the API: what is asked, what is taken in, and when one begins by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trio
from backfill_messages import NOW, PLAIN, fake_of_two_types, items, message, rendered, undelivered
from fake_sigfox import LOGIN, PASSWORD, Answer, FakeSigfox
from trio.testing import MockClock, wait_all_tasks_blocked

from evd.config.heartbeat import Heartbeat
from evd.config.settings import SigfoxSettings
from evd.errors import SigfoxError, Unavailable
from evd.sigfox_api.backfill.mapping import AGAIN, OUTAGE_MS, RETRIED_MS, BackfillCounts
from evd.sigfox_api.backfill.runner import AT_A_TIME, BUSY_TRIES, Backfiller, take_in, watch
from evd.sigfox_api.client import SigfoxApi
from evd.sigfox_api.pages import EMPTY_PAGES_MAX


@pytest.fixture
def fake() -> Iterator[FakeSigfox]:
    with fake_of_two_types() as one:
        yield one


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
