"""Pushes out of the outbox: once each, in spite of FCM's moods, and never lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from evd.dispatcher import Dispatcher
from evd.push.fake import FakeFcm, make_service_account
from evd.push.fcm import FcmPusher
from evd.store import Arrive, PendingPush, Register
from evd.store.database import open_reader
from evd.store.registry import Limits
from evd.store.sqlite import SqliteStore
from evd.writer import Writer

NOW = 1_700_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class WatchedStore(SqliteStore):
    """Remembers when the next push was said to be due, look by look."""

    next_due: list[int | None]

    def pending_pushes(self, now: int, limit: int) -> tuple[list[PendingPush], int | None]:
        found = super().pending_pushes(now, limit)
        self.next_due.append(found[1])
        return found


class Chain:
    """A real store, writer, dispatcher and FCM pusher in front of the fake FCM; only the wall clock is ours."""

    def __init__(self, directory: Path, fake: FakeFcm, nursery: trio.Nursery, clock: Clock, **options: Any) -> None:
        account = directory / "fcm.json"
        account.write_text(json.dumps(make_service_account("evd-test", fake.token_uri)))
        self.store = WatchedStore(
            directory / "evd.db",
            capacity=10,
            limits=Limits(100, 100, 100, 10, 1000),
            render=lambda arrival, phone: json.dumps({"id": arrival.status_id, "vehicleId": phone.spelling}),
            give_up_after_s=3600,
        )
        self.store.next_due = []
        self.reader = open_reader(directory / "evd.db")
        self.clock = clock
        self.writer = Writer(
            self.store, queue_rows_max=1000, queue_bytes_max=1 << 20, batch_rows_max=100, answer_timeout_s=8
        )
        self.pusher = FcmPusher.from_file(account, fake.url, connections_max=8, timeout_s=5)
        settings: dict[str, Any] = {"in_flight_max": 8, "rate_max": 10_000.0}
        self.dispatcher = Dispatcher(
            self.pusher,
            self.store,
            self.writer,
            ttl_s=60,
            priority="normal",
            package="com.martin.carcharge",
            clock=clock,
            chance=lambda: 0.0,
            **(settings | options),
        )
        nursery.start_soon(self.writer.run)
        nursery.start_soon(self.dispatcher.run)

    async def register(self, token: str, vehicle: str = "386625") -> None:
        await self.writer.write(Register(vehicle, "00386625", token, "martin", self.clock() - 1))

    async def arrive(self, number: int) -> int:
        """A new newest status; how many pushes it made."""
        stored = await self.writer.write(arrival(number, self.clock()))
        self.dispatcher.wake()
        pushes: int = stored.pushes
        return pushes

    def rows(self, sql: str) -> list[Any]:
        return list(self.reader.execute(sql))

    async def until(self, sql: str, expected: Any) -> None:
        """Wait until the database's one answer is what is expected."""
        with trio.fail_after(5):
            while self.rows(sql) != [(expected,)]:
                await trio.sleep(0.005)


def arrival(number: int, now: int) -> Arrive:
    return Arrive(
        status_id=f"{number:016x}",
        vehicle="386625",
        spelling="386625",
        time=NOW + number,
        seq=number,
        timely=True,
        connectivity=1,
        payload=b"",
        fields=b"{}",
        document=b"{}",
        received=now,
    )


@asynccontextmanager
async def chain(directory: Path, **options: Any) -> AsyncIterator[tuple[Chain, FakeFcm]]:
    fake = FakeFcm()
    async with trio.open_nursery() as nursery:
        await nursery.start(fake.serve)
        one = Chain(directory, fake, nursery, Clock(), **options)
        try:
            yield one, fake
        finally:
            await one.pusher.aclose()
            nursery.cancel_scope.cancel()
    one.reader.close()
    one.store.close()


async def test_each_registration_gets_each_new_newest_status_in_the_originals_form(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("phone-a")
        await one.register("phone-b")
        assert await one.arrive(1) == 2
        await one.until("SELECT count(*) FROM pushed", 2)
        assert [row[0] for row in one.rows("SELECT count(*) FROM outbox")] == [0]
        messages = {send["message"]["token"]: send["message"] for send in fake.sends}
        assert set(messages) == {"phone-a", "phone-b"}
        assert messages["phone-a"] == {
            "token": "phone-a",
            "data": {"serialized": '{"id": "0000000000000001", "vehicleId": "00386625"}'},
            "android": {"ttl": "60s", "priority": "normal", "restricted_package_name": "com.martin.carcharge"},
        }


async def test_a_late_status_and_a_redelivery_are_not_pushed(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("phone-a")
        assert await one.arrive(5) == 1
        assert await one.arrive(4) == 0
        assert await one.arrive(5) == 0
        await one.until("SELECT count(*) FROM pushed", 1)
        assert len(fake.sends) == 1


async def test_an_unregistered_token_loses_its_registration(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, _):
        await one.register("unregistered-x")
        await one.register("phone-a")
        await one.arrive(1)
        await one.until("SELECT count(*) FROM pushed", 2)
        assert one.rows("SELECT token FROM registrations") == [("phone-a",)]
        assert await one.arrive(2) == 1


async def test_a_registration_renewed_after_the_status_stays(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, _):
        await one.register("unregistered-x")
        stored = await one.writer.write(arrival(1, one.clock()))  # the dispatcher is not woken yet
        assert stored.pushes == 1
        one.clock.now += 10
        await one.register("unregistered-x")
        one.dispatcher.wake()
        await one.until("SELECT count(*) FROM pushed", 1)
        assert one.rows("SELECT token FROM registrations") == [("unregistered-x",)]


async def test_an_unavailable_fcm_is_asked_again_when_its_time_has_come_and_not_before(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("flaky-1")
        await one.arrive(1)
        await one.until("SELECT attempts FROM outbox", 1)
        assert one.rows("SELECT due - created FROM outbox") == [(10_000,)]
        assert one.store.pending_pushes(NOW + 9_999, 10) == ([], NOW + 10_000)
        one.clock.now += 10_000
        one.dispatcher.wake()
        await one.until("SELECT count(*) FROM pushed", 1)
        assert [send["status"] for send in fake.sends] == [503, 200]


async def test_once_a_retrys_time_is_on_disk_the_dispatcher_sleeps_until_then_and_no_longer(tmp_path: Path) -> None:
    """It went to sleep while the push was in flight, when nothing else was due."""
    async with chain(tmp_path) as (one, _):
        await one.register("flaky-1")
        await one.arrive(1)
        await one.until("SELECT attempts FROM outbox", 1)
        with trio.fail_after(5):
            while one.store.next_due[-1] != NOW + 10_000:
                await trio.sleep(0.005)


async def test_many_pushes_are_each_sent_once(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=4) as (one, fake):
        for number in range(8):
            await one.register(f"phone-{number}")
        for number in range(1, 26):
            await one.arrive(number)
        await one.until("SELECT count(*) FROM outbox", 0)
        sent = [(send["message"]["token"], send["message"]["data"]["serialized"]) for send in fake.sends]
        assert len(sent) == len(set(sent)) == 200


async def test_a_push_that_waited_too_long_is_dropped_and_said_so(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("flaky-1")
        await one.arrive(1)
        await one.until("SELECT attempts FROM outbox", 1)
        one.clock.now += 3_600_000
        one.dispatcher.wake()
        await one.until("SELECT outcome FROM pushed", "expired before it could be sent")
        assert len(fake.sends) == 1


async def test_a_phone_that_hangs_does_not_delay_the_others(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("hang-1")
        await one.register("phone-a")
        for number in range(1, 4):
            await one.arrive(number)
        await one.until("SELECT count(*) FROM pushed", 3)
        with trio.fail_after(5):
            while one.dispatcher.in_flight != 3:  # what is on disk already may be a moment from being forgotten
                await trio.sleep(0.005)
        assert {send["message"]["token"] for send in fake.sends if send["status"] == 200} == {"phone-a"}


async def test_no_more_are_in_flight_than_allowed(tmp_path: Path) -> None:
    async with chain(tmp_path, in_flight_max=2) as (one, fake):
        for number in range(5):
            await one.register(f"hang-{number}")
        await one.arrive(1)
        with trio.fail_after(5):
            while len(fake.sends) < 2:
                await trio.sleep(0.005)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(fake.sends) == 2
        assert one.dispatcher.in_flight == 2


async def test_what_was_not_sent_is_sent_by_the_next_process(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, _):
        await one.register("hang-1")
        await one.arrive(1)
        await one.until("SELECT count(*) FROM outbox", 1)
    async with chain(tmp_path) as (again, fake):
        again.clock.now = NOW + 1
        with trio.fail_after(5):
            while not fake.sends:
                await trio.sleep(0.005)
        assert fake.sends[0]["message"]["token"] == "hang-1"


async def test_finish_waits_for_what_is_in_flight_and_starts_nothing_more(tmp_path: Path) -> None:
    async with chain(tmp_path) as (one, fake):
        await one.register("slow0.2-a")
        await one.arrive(1)
        with trio.fail_after(5):
            while not one.dispatcher.in_flight:
                await trio.sleep(0.005)
            await one.dispatcher.finish()
        assert one.dispatcher.in_flight == 0
        assert one.rows("SELECT count(*) FROM pushed") == [(1,)]
        await one.arrive(2)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert len(fake.sends) == 1


@pytest.mark.parametrize(
    ("attempts", "asked", "expected"), [(0, 0, 10), (1, 0, 20), (5, 0, 320), (9, 0, 600), (0, 60, 60)]
)
def test_the_wait_doubles_from_ten_seconds_to_ten_minutes_and_heeds_retry_after(
    attempts: int, asked: float, expected: float
) -> None:
    from evd.push.retry import delay_s

    assert delay_s(attempts, asked, 0.0) == expected
    assert delay_s(attempts, asked, 0.999) < expected * 1.4
