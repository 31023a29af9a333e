"""A dispatcher between a real store and the fake FCM on a socket, with both clocks in the test's hands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing
from builders import ROOMY, new_store

from evd.config.settings import Config
from evd.dev.fake_fcm.server import FakeFcm, make_service_account
from evd.model.operations import Arrive, NewEvent, Operation, RecordEvents, Register
from evd.model.place_privacy import PlacePrivacy
from evd.model.units import DAY_S
from evd.push.composer import Composer
from evd.push.dispatcher import Dispatcher, DispatchRules
from evd.push.providers.fcm.sender import FcmPusher
from evd.push.providers.fcm.traits import TRAITS
from evd.push.service import PushService
from evd.store.sqlite.connection import open_reader
from evd.store.writer import Writer

NOW = 1_700_000_000_000


class Clocks:
    """The wall clock (epoch ms) and the one that never jumps (s); `pass_s` moves both."""

    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 1000.0

    def wall(self) -> int:
        return self.now

    def steady(self) -> float:
        return self.seconds


class Chain:
    """A real store, writer, dispatcher and FCM pusher in front of the fake FCM; only the clocks are ours."""

    def __init__(
        self, directory: Path, fake: FakeFcm, nursery: trio.Nursery, clocks: Clocks, token_path: str, **rules: Any
    ) -> None:
        account = directory / "fcm.json"
        token_uri = f"{fake.url}{token_path}" if token_path else fake.token_uri
        account.write_text(json.dumps(make_service_account("evd-test", token_uri)))
        limits = ROOMY._replace(registrations=1000, registrations_per_vehicle=100, outbox=1000)
        self.store = new_store(directory / "evd.db", limits=limits)
        self.reader = open_reader(directory / "evd.db")
        self.clocks = clocks
        self.fake = fake
        self.writer = Writer(
            self.store,
            queue_rows_max=1000,
            queue_bytes_max=1 << 20,
            batch_rows_max=100,
            answer_timeout_s=8,
        )
        self.pusher = FcmPusher.from_file(account, fake.url, connections_max=64, timeout_s=10)
        pending = self.store.due_pushes(TRAITS.serves)
        settings: dict[str, Any] = {"in_flight_max": 64, "rate_max": 10_000.0, "ramp_s": 0.0}
        settings |= {"give_up_after_s": 3600, "stale_after_s": 30 * DAY_S}
        compose = Composer(Config(), PlacePrivacy()).compose
        self.dispatcher = Dispatcher(
            self.pusher,
            TRAITS,
            pending,
            self.writer,
            rules=DispatchRules(**(settings | rules)),
            compose=compose,
            clock=clocks.wall,
            seconds=clocks.steady,
            chance=lambda: 0.0,
        )
        self.pushing = PushService([self.dispatcher], pending, compose, clocks.wall)
        self.writer.observers.append(self.pushing)
        nursery.start_soon(self.writer.run)
        nursery.start_soon(self.pushing.run)

    async def do(self, operation: Operation) -> Any:
        return await self.writer.write(operation)

    async def register(self, *tokens: str, vehicle: str = "386625", uid: str = "martin") -> None:
        for token in tokens:
            await self.do(Register(vehicle, f"00{vehicle}", token, uid, self.clocks.now - 1))

    async def arrive(self, number: int, vehicle: str = "386625") -> None:
        await self.do(arrival(number, self.clocks.now, vehicle))

    async def event(self, number: int, vehicle: str = "386625") -> None:
        happened = NewEvent("target_reached", NOW + number, "", b'{"charge":80,"target":80}')
        await self.do(RecordEvents(vehicle, b"{}", (happened,), self.clocks.now))

    def pass_s(self, seconds: float) -> None:
        """Time goes by."""
        self.clocks.seconds += seconds
        self.set_clock(self.clocks.now + int(seconds * 1000))

    def set_clock(self, now: int) -> None:
        """The wall clock alone."""
        self.clocks.now = now
        self.dispatcher.look_again()

    def rows(self, sql: str) -> list[Any]:
        return list(self.reader.execute(sql))

    async def until(self, sql: str, expected: Any) -> None:
        """Wait until the database's one answer is what is expected."""
        with trio.fail_after(30):
            while (found := self.rows(sql)) != [(expected,)]:
                await trio.sleep(0.002)
        assert found == [(expected,)]

    async def quiet(self) -> None:
        """Until nothing moves any more by itself."""
        await trio.testing.wait_all_tasks_blocked(0.05)

    async def sent(self, count: int) -> list[tuple[str, int]]:
        """(token, status of the answer) of all messages so far, once there are so many; and there are no more."""
        with trio.fail_after(30):
            while len(self.fake.sends) < count:
                await trio.sleep(0.002)
        await self.quiet()
        assert len(self.fake.sends) == count
        return [(send["message"]["token"], send["status"]) for send in self.fake.sends]


def arrival(number: int, now: int, vehicle: str = "386625") -> Arrive:
    return Arrive(
        status_id=f"{number:016x}",
        vehicle=vehicle,
        spelling=vehicle,
        time=NOW + number,
        seq=number,
        timely=True,
        connectivity=1,
        payload=b"",
        fields=b'{"state":1}',
        document=b"{}",
        received=now,
        flags="",
    )


@asynccontextmanager
async def chain(
    directory: Path, clocks: Clocks | None = None, *, token_path: str = "", **rules: Any
) -> AsyncIterator[Chain]:
    fake = FakeFcm()
    async with trio.open_nursery() as nursery:
        await nursery.start(fake.serve)
        one = Chain(directory, fake, nursery, clocks or Clocks(), token_path, **rules)
        try:
            yield one
        finally:
            nursery.cancel_scope.cancel()  # first, as a crash: what the end of a connection means is not written
            with trio.CancelScope(shield=True):
                await one.pusher.aclose()
    one.reader.close()
    one.store.close()
