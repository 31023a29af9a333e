"""MQTT as a provider of a daemon, with Debian's mosquitto: from a callback to what Home Assistant subscribes to."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from mosquitto import Mosquitto, Subscriber, mosquitto, needs_mosquitto, subscriber

from evd.config.mqtt_settings import MqttSettings
from evd.config.settings import Config, PushSettings
from evd.errors import ConfigError
from evd.push.providers.mqtt.traits import TRAITS, opened

pytestmark = needs_mosquitto
EV = "130a4c0f594e427e4bb45088"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("mqtt") / "evd", settings=f'[mqtt]\nurl = "{broker.url}"\n') as one:
        yield one


@pytest.fixture
def home(broker: Mosquitto) -> Iterator[Subscriber]:
    with subscriber(broker) as one:
        yield one


def call_back(daemon: RunningDaemon, vehicle: str, seq: int = 1, age_s: int = 0) -> str:
    """A status of the vehicle comes from Sigfox; its id."""
    body = {"timestamp": int(time.time()) - age_s, "vehicleId": vehicle, "seqNumber": seq, "rawdata": EV}
    answer = httpx.post(
        f"{daemon.url}/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]}, timeout=20
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["x-status-id"]


def state_id(home: Subscriber, vehicle: str) -> str:
    return json.loads(home.last.get(f"evd/{vehicle}/state", b"") or b"{}").get("id", "")


def test_each_status_of_a_vehicle_that_nobody_registered_is_retained(
    daemon: RunningDaemon, broker: Mosquitto, home: Subscriber
) -> None:
    first = call_back(daemon, "A1")
    home.until(lambda it: state_id(it, "A1") == first)
    second = call_back(daemon, "A1", 2)
    home.until(lambda it: state_id(it, "A1") == second)
    assert home.last["evd/status"] == home.last["evd/A1/availability"] == b"online"
    discovered = json.loads(home.last["homeassistant/sensor/evd_A1/current_charge/config"])
    assert discovered["state_topic"] == "evd/A1/state"
    with subscriber(broker) as late:
        late.until(lambda it: state_id(it, "A1") == second)
        assert all(retained for _, _, retained in late.messages)


def test_an_old_status_is_retained_and_its_vehicle_unavailable(daemon: RunningDaemon, home: Subscriber) -> None:
    old = call_back(daemon, "B1", age_s=90_000)
    home.until(lambda it: state_id(it, "B1") == old and it.last.get("evd/B1/availability") == b"offline")
    new = call_back(daemon, "B1", 2)
    home.until(lambda it: state_id(it, "B1") == new and it.last["evd/B1/availability"] == b"online")


def test_an_event_is_sent_and_not_retained(daemon: RunningDaemon, broker: Mosquitto, home: Subscriber) -> None:
    first = call_back(daemon, "C1", age_s=60)
    home.until(lambda it: state_id(it, "C1") == first)
    for number, charge in enumerate((79, 80)):
        fields = {"state": 1, "current_charge": charge, "target_charge": 80}
        body = {"timestamp": int(time.time()) - 30 + number, "vehicleId": "C1", "seqNumber": 2 + number, **fields}
        answer = httpx.post(
            f"{daemon.url}/sigfox/uplink", json=body, headers={"x-api-key": daemon.keys["sigfox"]}, timeout=20
        )
        assert answer.status_code == 201, answer.text
    home.until(lambda it: "evd/C1/event" in it.last)
    event = json.loads(home.last["evd/C1/event"])
    kinds = json.loads(home.last["homeassistant/event/evd_C1/event/config"])["event_types"]
    assert event["event_type"] in kinds and event["title"].startswith("C1: ")
    with subscriber(broker) as late:
        late.until(lambda it: "evd/C1/state" in it.last)
        assert "evd/C1/event" not in late.last


def test_a_deleted_vehicle_s_topics_are_empty(daemon: RunningDaemon, broker: Mosquitto, home: Subscriber) -> None:
    status = call_back(daemon, "D1")
    home.until(lambda it: state_id(it, "D1") == status and it.last.get("evd/D1/availability") == b"online")
    answer = httpx.delete(f"{daemon.url}/api/v1/vehicles/D1", headers={"x-api-key": daemon.keys["admin"]}, timeout=20)
    assert answer.status_code < 300, answer.text
    home.until(lambda it: all(not payload for topic, payload in it.last.items() if "D1" in topic))


def test_a_broker_that_lost_all_is_told_all_again(daemon: RunningDaemon, broker: Mosquitto) -> None:
    first = call_back(daemon, "E1")
    with subscriber(broker) as home:
        home.until(lambda it: state_id(it, "E1") == first)
    broker.stop()
    meanwhile = call_back(daemon, "F1")
    broker.start()
    with subscriber(broker) as home:
        home.until(lambda it: (state_id(it, "E1"), state_id(it, "F1")) == (first, meanwhile))
        home.until(lambda it: "homeassistant/sensor/evd_E1/state/config" in it.last)


def test_a_killed_evd_is_offline_and_its_statuses_come_after_its_next_start(tmp_path: Path, broker: Mosquitto) -> None:
    """What came while there was no broker is sent by the next process, which knows of it from the tables only."""
    settings = f'[mqtt]\nurl = "{broker.url}"\ntopic = "other"\ndiscovery = ""\n'
    with subscriber(broker) as home:
        with running_daemon(tmp_path / "evd", settings=settings) as one:
            call_back(one, "G1")
            home.until(lambda it: "other/G1/state" in it.last)
            broker.stop()
            last = call_back(one, "G1", 2)
            one.stop(signal.SIGKILL, exit_code=None)
            keys = one.keys
        broker.start()
    with subscriber(broker) as home, running_daemon(tmp_path / "evd", settings=settings, keys=keys):
        home.until(lambda it: json.loads(it.last.get("other/G1/state", b"{}")).get("id") == last)


@pytest.mark.parametrize("more", ["topic = 'a/+'", "topic = ''", "discovery = 'a/'", "ca = '/nowhere.pem'"])
def test_a_wrong_setting_is_refused(more: str) -> None:
    key, _, value = more.partition(" = ")
    settings = MqttSettings(url="mqtts://localhost", **{key: value.strip("'")})
    with pytest.raises(ConfigError, match=f"mqtt.{key}"):
        opened(Config(mqtt=settings), {})


def test_few_pushes_are_in_flight() -> None:
    assert TRAITS.in_flight_max(PushSettings(in_flight_max=10)) == 10
    assert TRAITS.in_flight_max(PushSettings()) == 128
