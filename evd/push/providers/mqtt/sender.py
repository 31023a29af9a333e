"""The pusher: statuses retained, events not; each with what Home Assistant needs to know before."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import orjson
import trio

from evd.clock import Clock, now_ms
from evd.config.mqtt_settings import MqttSettings
from evd.errors import PushError
from evd.model.event_settings import KINDS
from evd.push.protocols import STATE, Push
from evd.push.providers.mqtt.address import BrokerAddress
from evd.push.providers.mqtt.ages import Ages
from evd.push.providers.mqtt.connection import BrokerConnection
from evd.push.providers.mqtt.topics import MqttMessage, Topics, fields_of

LOOK_S = 10.0
"""How often vehicles are looked for that have become too old; less, if the limit is short."""

FORGOTTEN_MAX = 1000
"""Deleted vehicles whose topics wait for a connection."""


class MqttPusher:
    """See `evd.push.protocols.FleetPusher`. `clock` gives epoch ms."""

    def __init__(
        self,
        address: BrokerAddress,
        settings: MqttSettings,
        *,
        ssl_context: ssl.SSLContext | None = None,
        clock: Clock = now_ms,
    ) -> None:
        self._topics = Topics(settings.topic, settings.discovery)
        self._clock = clock
        self._ages = Ages(int(settings.unavailable_after_s * 1000))
        self._look_s = min(LOOK_S, settings.unavailable_after_s / 4)
        self._discovered: dict[str, tuple[str, ...]] = {}
        """Vehicle → the fields that this connection described."""
        self._fields: dict[tuple[str, ...], tuple[str, ...]] = {}
        """Each list of fields once: the vehicles of a fleet have the same."""
        self._forgotten: dict[str, tuple[str, ...]] = {}
        self._news = trio.Event()
        self._all_again: Callable[[], None] = lambda: None
        self._connection = BrokerConnection(
            address, settings, self._topics, ssl_context=ssl_context, connected=self._begin_again
        )

    async def send(self, push: Push) -> str:
        """See `Pusher.send`. Returns the topic. Raises Pause or Unreachable."""
        if push.what == STATE:
            await self._connection.publish(self._state(push))
            return self._topics.state(push.vehicle)
        event = {"event_type": push.what, "id": push.event_id, "time": push.time_ms}
        event |= {"title": push.title, "body": push.body}
        topic = self._topics.event(push.vehicle)
        await self._connection.publish([*self._discovery(push), MqttMessage(topic, orjson.dumps(event), False)])
        return topic

    async def announce(self, push: Push) -> None:
        """See `FleetPusher.announce`."""
        known = self._ages.time_of(push.vehicle)
        if known is None or known < push.time_ms:
            await self._connection.publish(self._state(push))

    def forget(self, vehicle: str) -> None:
        """See `FleetPusher.forget`."""
        self._ages.forget(vehicle)
        fields = self._discovered.pop(vehicle, ())
        if len(self._forgotten) < FORGOTTEN_MAX:
            self._forgotten[vehicle] = fields
        self._news.set()

    async def run(self, connected: Callable[[], None]) -> None:
        """See `FleetPusher.run`."""
        self._all_again = connected
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._connection.run)
            while True:
                self._news = trio.Event()
                with trio.move_on_after(self._look_s):
                    await self._news.wait()
                try:
                    await self._tidy()
                except PushError:
                    continue  # with the next connection all is said again

    async def aclose(self) -> None:
        """Nothing is open: the connection ends with `run`."""
        await trio.lowlevel.checkpoint()

    def _begin_again(self) -> None:
        """A broker may have lost all: everything is said again on each connection."""
        self._ages.clear()
        self._discovered.clear()
        self._all_again()
        self._news.set()

    async def _tidy(self) -> None:
        for vehicle, fields in list(self._forgotten.items()):
            await self._connection.publish(self._topics.removed(vehicle, fields))
            self._forgotten.pop(vehicle, None)
        gone = self._ages.ended(self._clock())
        if gone:
            await self._connection.publish([self._topics.available(vehicle, False) for vehicle in gone])

    def _state(self, push: Push) -> list[MqttMessage]:
        vehicle = push.vehicle
        messages = self._discovery(push)
        messages.append(MqttMessage(self._topics.state(vehicle), push.serialized.encode(), True))
        available = self._ages.heard(vehicle, push.time_ms, self._clock())
        if available is not None:
            messages.append(self._topics.available(vehicle, available))
        return messages

    def _discovery(self, push: Push) -> list[MqttMessage]:
        """What describes the vehicle's fields, unless this connection has had it."""
        found = fields_of(push.serialized)
        fields = self._fields.setdefault(found, found)
        known = self._discovered.get(push.vehicle)
        if known is not None and set(fields) <= set(known):
            return []
        wider = tuple(sorted({*(known or ()), *fields}))
        self._discovered[push.vehicle] = self._fields.setdefault(wider, wider)
        return self._topics.discovered(push.vehicle, wider, KINDS)
