"""MQTT as a push provider. It is set up where `mqtt.url` is, and serves every vehicle."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from evd.config.mqtt_settings import MqttSettings
from evd.config.settings import Config, PushSettings
from evd.errors import ConfigError
from evd.model.target_kinds import TargetKind
from evd.push.protocols import Pusher
from evd.push.providers.mqtt.address import broker_address
from evd.push.traits import ProviderTraits

NAME = "mqtt"
IN_FLIGHT = 128
"""Pushes in flight: some round trips of what a broker takes at once."""


def opened(config: Config, env: Mapping[str, str]) -> Pusher | None:
    """The pusher, opened. Raises ConfigError."""
    settings = config.mqtt
    if not settings.url:
        return None
    address = broker_address(settings.url)
    for key, topic in (("topic", settings.topic), ("discovery", settings.discovery)):
        if topic.strip("/") != topic or any(one in topic for one in "+#\0") or (key == "topic" and not topic):
            raise ConfigError(f"mqtt.{key} is the beginning of topics, such as home/evd: no + and #, no / at an end")
    from evd.push.providers.mqtt.sender import MqttPusher

    return MqttPusher(address, settings, ssl_context=_context(settings) if address.tls else None)


def _context(settings: MqttSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"mqtt.ca: {settings.ca} is no readable certificate in PEM ({error})") from None


def in_flight_max(push: PushSettings) -> int:
    return min(push.in_flight_max, IN_FLIGHT)


TRAITS = ProviderTraits(
    name=NAME,
    kinds=(TargetKind(NAME, personal=False, goes_stale=False, makes_room=False),),
    opened=opened,
    in_flight_max=in_flight_max,
    every_vehicle=True,
)
