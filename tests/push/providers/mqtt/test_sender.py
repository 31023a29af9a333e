"""The pusher in front of mosquitto: order, age, and what each connection says anew."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from mosquitto import Mosquitto, Subscriber, mosquitto, needs_mosquitto, subscriber

from evd.config.mqtt_settings import MqttSettings
from evd.push.protocols import STATE, Push
from evd.push.providers.mqtt.address import broker_address
from evd.push.providers.mqtt.sender import MqttPusher

pytestmark = needs_mosquitto
NOW = 1_700_000_000_000
LIMIT_S = 0.2
"""So old a status is when its vehicle becomes unavailable; a quarter of it is how often evd looks."""


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as one:
        yield one


@pytest.fixture
def home(broker: Mosquitto) -> Iterator[Subscriber]:
    with subscriber(broker) as one:
        yield one


@asynccontextmanager
async def pusher(broker: Mosquitto, clock: Clock) -> AsyncIterator[MqttPusher]:
    there = trio.Event()
    settings = MqttSettings(url=broker.url, unavailable_after_s=LIMIT_S)
    one = MqttPusher(broker_address(broker.url), settings, clock=clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run, there.set)
        with trio.fail_after(20):
            await there.wait()
            yield one
        nursery.cancel_scope.cancel()
    await one.aclose()


def push(number: int, **fields: object) -> Push:
    serialized = json.dumps({"id": f"{number:016x}", "vehicleId": "A", **fields})
    return Push("mqtt", "mqtt", STATE, f"{number:016x}", NOW + number, serialized, 60, "normal", vehicle="A")


async def until(home: Subscriber, topic: str, payload: bytes) -> None:
    await trio.to_thread.run_sync(lambda: home.until(lambda it: it.last.get(topic) == payload))


async def test_an_announcement_never_replaces_a_newer_status(broker: Mosquitto, home: Subscriber) -> None:
    async with pusher(broker, Clock()) as one:
        assert await one.send(push(2)) == "evd/A/state"
        await one.announce(push(1))
        await one.announce(push(2))
        await one.announce(push(3, state=1))
        await until(home, "evd/A/state", push(3, state=1).serialized.encode())
    states = [payload for topic, payload, _ in home.messages if topic == "evd/A/state"]
    assert states == [push(2).serialized.encode(), push(3, state=1).serialized.encode()]


async def test_discovery_comes_before_the_first_state_and_again_only_for_a_new_field(
    broker: Mosquitto, home: Subscriber
) -> None:
    async with pusher(broker, Clock()) as one:
        await one.send(push(1, state=1))
        await one.send(push(2))
        await one.send(push(3, state=2, range=3))
        await until(home, "evd/A/state", push(3, state=2, range=3).serialized.encode())
    names = [topic.split("/")[-2] if "/config" in topic else topic for topic, _, _ in home.messages]
    described = ["timestamp", "event", "state"]
    assert [name for name in names if name != "evd/status"] == [
        *(*described, "evd/A/state", "evd/A/availability"),
        "evd/A/state",
        *("timestamp", "event", "range", "state", "evd/A/state"),
    ]


async def test_a_vehicle_becomes_unavailable_by_its_age(broker: Mosquitto, home: Subscriber) -> None:
    clock = Clock()
    async with pusher(broker, clock) as one:
        await one.send(push(0))
        await until(home, "evd/A/availability", b"online")
        clock.now += int(LIMIT_S * 1000) + 1
        await until(home, "evd/A/availability", b"offline")
    await until(home, "evd/status", b"offline")
