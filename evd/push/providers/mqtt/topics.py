"""Topics and payloads: a vehicle's, and those by which Home Assistant discovers it. Pure.

Home Assistant's documentation: home-assistant.io/integrations/mqtt (discovery topics, availability, origin, device),
and sensor.mqtt, device_tracker.mqtt, event.mqtt below it. One topic for each measure, so that older versions of it, and
others that read its discovery, know them, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from evd.model.measures import MEASURES, AppType
from evd.version import VERSION

ONLINE, OFFLINE = b"online", b"offline"
"""What Home Assistant expects of a topic of availability."""

_CLASSES = {"A": "current", "min": "duration", "km": "distance", "°C": "temperature"}
"""Unit → device class of Home Assistant's sensors. There is none for a consumption that all its versions know."""

_BATTERY = "current_charge"
_LOCATION = "location"
_HEAD = frozenset({"id", "vehicleId", "timestamp", "connectivity", "seqNumber", "rawdata"})
"""Members of a status's document that are no measures."""

_ODD = re.compile(r"[^A-Za-z0-9_]")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class MqttMessage(NamedTuple):
    topic: str
    payload: bytes
    retain: bool


def level(text: str) -> str:
    """A text as one level of a topic, and as an id of Home Assistant: [A-Za-z0-9_-]; `-` stands before a byte's hex."""
    return _ODD.sub(lambda found: "".join(f"-{one:02x}" for one in found[0].encode()), text)


class Topics(NamedTuple):
    """`root` and `discovery` are what the topics begin with; no discovery if that is empty."""

    root: str
    discovery: str

    @property
    def bridge(self) -> str:
        """Whether evd is connected."""
        return f"{self.root}/status"

    def state(self, vehicle: str) -> str:
        return f"{self.root}/{level(vehicle)}/state"

    def event(self, vehicle: str) -> str:
        return f"{self.root}/{level(vehicle)}/event"

    def availability(self, vehicle: str) -> str:
        return f"{self.root}/{level(vehicle)}/availability"

    def available(self, vehicle: str, available: bool) -> MqttMessage:
        return MqttMessage(self.availability(vehicle), ONLINE if available else OFFLINE, True)

    def discovered(self, vehicle: str, fields: Iterable[str], event_kinds: Sequence[str]) -> list[MqttMessage]:
        """The topics of discovery of a vehicle whose status has these fields; they replace those that it had."""
        if not self.discovery:
            return []
        return [
            MqttMessage(
                self._config(component, vehicle, name), orjson.dumps(self._described(vehicle, name, config)), True
            )
            for component, name, config in self._components(vehicle, fields, event_kinds)
        ]

    def removed(self, vehicle: str, fields: Iterable[str]) -> list[MqttMessage]:
        """Removes all of a vehicle: a retained message without a payload deletes what its topic had."""
        topics = [self.state(vehicle), self.availability(vehicle)]
        topics += [one.topic for one in self.discovered(vehicle, fields, ())]
        return [MqttMessage(topic, b"", True) for topic in topics]

    def _config(self, component: str, vehicle: str, name: str) -> str:
        return f"{self.discovery}/{component}/{level(self.root)}_{level(vehicle)}/{level(name)}/config"

    def _components(
        self, vehicle: str, fields: Iterable[str], event_kinds: Sequence[str]
    ) -> Iterator[tuple[str, str, dict[str, Any]]]:
        state = {"state_topic": self.state(vehicle)}
        time = "{{ (value_json.timestamp / 1000) | as_datetime }}"
        yield "sensor", "timestamp", {"device_class": "timestamp", "value_template": time} | state
        yield "event", "event", {"event_types": list(event_kinds), "state_topic": self.event(vehicle)}
        for name in fields:
            if name == _LOCATION:
                yield "device_tracker", name, self._tracker(vehicle)
            elif name not in _HEAD and _IDENTIFIER.fullmatch(name):
                yield "sensor", name, sensor(name) | state

    def _tracker(self, vehicle: str) -> dict[str, Any]:
        """Its place is in its attributes; a status without one leaves them as they are."""
        template = (
            "{% set place = value_json.location.split(',') %}"
            "{{ {'latitude': place[0] | float, 'longitude': place[1] | float} | tojson }}"
        )
        topic = self.state(vehicle)
        return {"json_attributes_topic": topic, "json_attributes_template": template, "source_type": "gps"}

    def _described(self, vehicle: str, name: str, config: dict[str, Any]) -> dict[str, Any]:
        device = f"{level(self.root)}_{level(vehicle)}"
        topics = self.bridge, self.availability(vehicle)
        return {
            "name": name.replace("_", " ").capitalize(),
            "unique_id": f"{device}_{level(name)}",
            "availability": [{"topic": topic} for topic in topics],
            "availability_mode": "all",
            "qos": 1,
            "device": {"identifiers": [device], "name": vehicle, "manufacturer": "evd"},
            "origin": {"name": "evd", "sw_version": VERSION},
        } | config


def sensor(name: str) -> dict[str, Any]:
    """Device class, unit and template of a field. One without a measure is shown as it is."""
    measure = MEASURES.get(name)
    if measure is not None and measure.words:
        words = orjson.dumps(measure.words).decode().replace('"', "'")
        # Home Assistant takes `None` for an unknown state; a template's error would leave the former one.
        value = f"{{{{ {words}[value_json.{name}] if value_json.{name} is defined else none }}}}"
        return {"device_class": "enum", "options": list(measure.words), "value_template": value}
    found: dict[str, Any] = {"value_template": f"{{{{ value_json.{name} | default(none) }}}}"}
    if measure is None or measure.app is AppType.FLAG:
        return found
    found |= {"state_class": "measurement", "unit_of_measurement": measure.unit}
    device_class = "battery" if name == _BATTERY else _CLASSES.get(measure.unit)
    return found | {"device_class": device_class} if device_class else found


def fields_of(serialized: str) -> tuple[str, ...]:
    """The members of a status's document that have a value for a sensor, in order; () if it is no status."""
    document = orjson.loads(serialized)
    if "id" not in document:
        return ()
    return tuple(sorted(name for name, value in document.items() if isinstance(value, int | float | str)))
