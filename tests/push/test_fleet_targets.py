"""Every vehicle is registered with a provider that serves all, and announced when the receiver may not know it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from builders import ROOMY, arrival, new_store

from evd.config.settings import Config
from evd.errors import Unavailable, Unreachable
from evd.model.operations import DeleteVehicle, MergeVehicle, Operation
from evd.model.place_privacy import PlacePrivacy
from evd.push import fleet_targets
from evd.push.composer import Composer
from evd.push.fleet_targets import FleetTargets
from evd.push.protocols import FleetPusher, Push
from evd.push.providers.mqtt.traits import TRAITS
from evd.store.sqlite.database import SqliteDatabase
from evd.store.writer import Writer


class Receiver:
    """What a receiver of the whole fleet is given; `connect` is a new connection."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.forgotten: list[str] = []
        self.refuses = False
        self.connect: Callable[[], None] = lambda: None

    async def send(self, push: Push) -> str:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    async def run(self, connected: Callable[[], None]) -> None:
        self.connect = connected
        await trio.sleep_forever()

    async def announce(self, push: Push) -> None:
        await trio.lowlevel.checkpoint()
        if self.refuses:
            raise Unreachable("nobody is there", 1.0)
        self.announced.append(push.vehicle)

    def forget(self, vehicle: str) -> None:
        self.forgotten.append(vehicle)

    async def until(self, *announced: str) -> None:
        with trio.fail_after(20):
            while sorted(self.announced) != sorted(announced):
                await trio.sleep(0.002)


class BusyWriter(Writer):
    """A writer whose queue is full at its second operation."""

    operations = 0

    async def write(self, operation: Operation) -> Any:
        self.operations += 1
        if self.operations == 2:
            raise Unavailable("evd receives more than it can write: send it again later")
        return await super().write(operation)


@asynccontextmanager
async def fleet(store: SqliteDatabase, made: type[Writer] = Writer) -> AsyncIterator[tuple[Receiver, Writer]]:
    receiver = Receiver()
    assert isinstance(receiver, FleetPusher)
    writer = made(store, queue_rows_max=1000, queue_bytes_max=1 << 20, batch_rows_max=100, answer_timeout_s=8)
    compose = Composer(Config(), PlacePrivacy()).compose
    targets = FleetTargets(receiver, TRAITS, store.due_pushes(TRAITS.serves), writer, compose)
    writer.observers.append(targets)  # type: ignore[arg-type]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run)
        nursery.start_soon(targets.run)
        yield receiver, writer
        nursery.cancel_scope.cancel()


def kinds(store: SqliteDatabase) -> list[tuple[str, str]]:
    found = store.due_pushes(["mqtt"]).registrations_after(0, 100)
    return [(one.vehicle, one.kind) for one in found]


@pytest.fixture
def store(tmp_path: Path) -> SqliteDatabase:
    return new_store(tmp_path / "evd.db", limits=ROOMY)


async def test_vehicles_of_before_and_new_ones_are_registered_once_and_announced(
    store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_targets, "PAGE", 2)
    store.write([arrival(name) for name in "ABC"])
    async with fleet(store) as (receiver, writer):
        await receiver.until("A", "B", "C")
        await writer.write(arrival("D"))
        await receiver.until("A", "B", "C", "D")
        await writer.write(arrival("D", seq=2))
        receiver.announced.clear()
        receiver.connect()
        await receiver.until("A", "B", "C", "D")
    assert sorted(kinds(store)) == [(name, "mqtt") for name in "ABCD"]
    async with fleet(store) as (receiver, writer):
        await writer.write(arrival("E"))
        await receiver.until("E")
    assert len(kinds(store)) == 5, "a second start registers none again"


async def test_vehicles_of_before_are_registered_though_evd_was_too_busy_for_some(
    store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_targets, "BUSY_S", 0.01)
    store.write([arrival(name) for name in "ABC"])
    async with fleet(store, BusyWriter) as (receiver, _):
        await receiver.until("A", "B", "C")
    assert sorted(kinds(store)) == [(name, "mqtt") for name in "ABC"]


async def test_too_many_that_wait_are_found_in_the_tables(
    store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_targets, "WAITING_MAX", 1)
    async with fleet(store) as (receiver, writer):
        async with trio.open_nursery() as nursery:
            for name in "ABCDE":
                nursery.start_soon(writer.write, arrival(name))
        with trio.fail_after(20):
            while set(receiver.announced) != set("ABCDE"):
                await trio.sleep(0.002)


async def test_what_is_deleted_or_merged_is_forgotten(store: SqliteDatabase) -> None:
    store.write([arrival(name) for name in "AB"])
    async with fleet(store) as (receiver, writer):
        await receiver.until("A", "B")
        await writer.write(MergeVehicle("A", "B", 1))
        await writer.write(DeleteVehicle("B"))
        assert receiver.forgotten == ["A", "B"]
        assert kinds(store) == []
        await writer.write(arrival("B", seq=9))
        await receiver.until("A", "B", "B")


async def test_a_full_table_leaves_a_vehicle_out_and_a_refusal_ends_nothing(tmp_path: Path) -> None:
    store = new_store(tmp_path / "evd.db", limits=ROOMY._replace(registrations=1))
    store.write([arrival(name) for name in "AB"])
    async with fleet(store) as (receiver, _):
        await receiver.until("A")
        receiver.refuses = True
        receiver.connect()
        await trio.testing.wait_all_tasks_blocked(0.05)
        receiver.refuses = False
        receiver.connect()
        await receiver.until("A", "A")
    assert kinds(store) == [("A", "mqtt")]
