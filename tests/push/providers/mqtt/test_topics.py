"""Topics and payloads of discovery, as Home Assistant's documentation has them; templates by Jinja, which it uses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined, UndefinedError

from evd.model.event_settings import KINDS
from evd.model.measures import MEASURES
from evd.push.providers.mqtt.topics import Topics, fields_of, level, sensor

TOPICS = Topics("evd", "homeassistant")
STATUS = {
    "id": "f",
    "vehicleId": "386625",
    "timestamp": 1_700_000_000_000,
    "state": 1,
    "current_charge": 80,
    "indoor_temperature": 21.5,
    "location": "48.1,17.2",
}


def configs(*fields: str) -> dict[str, Any]:
    return {one.topic: json.loads(one.payload) for one in TOPICS.discovered("386625", fields, KINDS)}


def rendered(template: str, document: dict[str, Any]) -> str:
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    environment.filters["as_datetime"] = lambda seconds: datetime.fromtimestamp(seconds, UTC)
    return environment.from_string(template).render(value_json=document)


def test_each_measure_has_a_topic_of_discovery() -> None:
    found = configs("current_charge", "state", "location")
    assert sorted(found) == [
        "homeassistant/device_tracker/evd_386625/location/config",
        "homeassistant/event/evd_386625/event/config",
        "homeassistant/sensor/evd_386625/current_charge/config",
        "homeassistant/sensor/evd_386625/state/config",
        "homeassistant/sensor/evd_386625/timestamp/config",
    ]
    assert found["homeassistant/sensor/evd_386625/current_charge/config"] == {
        "name": "Current charge",
        "unique_id": "evd_386625_current_charge",
        "state_topic": "evd/386625/state",
        "value_template": "{{ value_json.current_charge | default(none) }}",
        "device_class": "battery",
        "state_class": "measurement",
        "unit_of_measurement": "%",
        "availability": [{"topic": "evd/status"}, {"topic": "evd/386625/availability"}],
        "availability_mode": "all",
        "qos": 1,
        "device": {"identifiers": ["evd_386625"], "name": "386625", "manufacturer": "evd"},
        "origin": found["homeassistant/event/evd_386625/event/config"]["origin"],
    }
    assert found["homeassistant/event/evd_386625/event/config"]["event_types"] == list(KINDS)


@pytest.mark.parametrize(
    ("field", "device_class", "unit"),
    [
        ("current", "current", "A"),
        ("remain_time", "duration", "min"),
        ("range", "distance", "km"),
        ("outdoor_temperature", "temperature", "°C"),
        ("target_charge", None, "%"),
        ("elec_consumption", None, "kWh/100 km"),
        ("load", None, None),
    ],
)
def test_a_unit_has_its_device_class(field: str, device_class: str | None, unit: str | None) -> None:
    found = sensor(field)
    assert (found.get("device_class"), found.get("unit_of_measurement")) == (device_class, unit)


def test_templates_give_what_a_status_says() -> None:
    found = {topic.split("/")[3]: config for topic, config in configs(*STATUS).items()}
    values = {
        name: rendered(found[name]["value_template"], STATUS) for name in found if "value_template" in found[name]
    }
    assert values == {
        "timestamp": "2023-11-14 22:13:20+00:00",
        "state": "charging",
        "current_charge": "80",
        "indoor_temperature": "21.5",
    }
    place = rendered(found["location"]["json_attributes_template"], STATUS)
    assert json.loads(place) == {"latitude": 48.1, "longitude": 17.2}


def test_what_a_status_does_not_say_is_unknown_and_a_place_stays() -> None:
    for name in MEASURES:
        if name != "location":
            assert rendered(sensor(name)["value_template"], {"id": "f"}) == "None"
    tracker = configs("location")["homeassistant/device_tracker/evd_386625/location/config"]
    with pytest.raises(UndefinedError):
        rendered(tracker["json_attributes_template"], {"id": "f"})


def test_only_names_that_a_template_can_say_are_discovered() -> None:
    assert len(configs("a-b", "a.b", "9a", "rawdata", "id")) == len(configs())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("386625", "386625"), ("a/b", "a-2fb"), ("+#", "-2b-23"), ("a-2fb", "a-2d2fb"), ("a_š", "a_-c5-a1")],
)
def test_any_vehicle_s_id_is_one_level_of_a_topic(text: str, expected: str) -> None:
    assert level(text) == expected
    assert TOPICS.state(text) == f"evd/{expected}/state"


def test_a_removal_empties_every_topic_that_was_retained() -> None:
    fields = fields_of(json.dumps(STATUS))
    removed = TOPICS.removed("386625", fields)
    assert {one.topic for one in removed} == {
        "evd/386625/state",
        "evd/386625/availability",
        *[one.topic for one in TOPICS.discovered("386625", fields, KINDS)],
    }
    assert all(one.payload == b"" and one.retain for one in removed)


def test_without_a_prefix_nothing_is_discovered() -> None:
    assert Topics("evd", "").discovered("A", ["state"], KINDS) == []


def test_a_document_that_is_no_status_has_no_fields() -> None:
    assert fields_of('{"vehicleId": "A"}') == ()
    assert "current_charge" in fields_of(json.dumps(STATUS))
