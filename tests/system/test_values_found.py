"""Nothing that was answered 201 is nowhere: every value of a callback is found again in what evd keeps."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sigfox_network import Network, network_of

from evd.sigfox.kinds.advanced import RADIO
from evd.sigfox.kinds.registry import KINDS
from evd.sigfox.message import NO_FIELDS

NOW = int(time.time()) - 3600


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network_of(tmp_path_factory.mktemp("values") / "evd") as one:
        yield one


TEXTS = [*{*NO_FIELDS, *RADIO, "info", "severity", "eventType", "infoMessage", "batt", "temp", "radius"}]
OWN = ("colour", "Speed", "temperature_x", "status", "geolocSource", "groupId", "deviceInfo")
GIVEN = {
    "advanced": {"lqi": "GOOD"},
    "acknowledge": {"infoCode": 0},
    "error": {"info": "x", "severity": "WARN"},
    "event": {"eventType": "x"},
    "geoloc": {"lat": 48, "lng": 17},
    "repeater": {"batt": 3},
    "status": {"batt": 3},
}
ENVELOPE = {"device", "time", "data", "seqNumber", "vehicleId", "deviceId", "timestamp", "rawdata", "key", "id"}
WORDS = {"encoded", "implausible", "kind", "callbackType", "type", "subtype", "infoCode"}
NUMBERS = {"radius", "fixedLat", "fixedLng", "countryCode", "repeatedMsg", "batt", "temp", "lat", "lng", "rssi", "snr"}


@pytest.mark.parametrize("route", [*KINDS, "callback"])
@pytest.mark.parametrize("payload", [{}, {"data": "0102"}])
def test_every_value_of_a_callback_that_is_taken_can_be_found_again(
    network: Network, route: str, payload: dict[str, Any]
) -> None:
    kinds = GIVEN if route == "callback" else {route: GIVEN.get(route, {})}
    names = sorted({*TEXTS, *OWN, *NUMBERS} - ENVELOPE - WORDS)
    if route == "callback":  # each kind has had all names by its own route
        names = sorted({*OWN, *RADIO, *NUMBERS})
    for kind, given in kinds.items():
        device = f"F{len(route)}{len(kind)}{len(payload)}{[*KINDS].index(kind)}"
        for number, name in enumerate(names):
            text = f"m{number}x{device}"
            degrees = float(f"1.{[*KINDS].index(kind)}{len(route)}{len(payload)}{number:03}7")
            taken = 0
            for late, value in enumerate((degrees,) if name in NUMBERS else (text, degrees)):
                body = {"device": device, "time": NOW + 2 * number + late, **payload, **given, name: value}
                if network.say(route, body).status_code == 201:
                    taken += 1
                    assert is_found(network, str(value)), f"{kind} on {route}: {name} is nowhere"
            assert taken, f"{kind} on {route}: {name} can be sent in some form"


PLACES = (
    *(
        "SELECT 1 FROM history WHERE instr(document, ?1) OR instr(fields, ?1)",
        "SELECT 1 FROM log WHERE instr(document, ?1)",
    ),
    "SELECT 1 FROM radio_waiting WHERE instr(radio, ?1) OR instr(document, ?1)",
    "SELECT 1 FROM radio WHERE instr(radio, ?1)",
)


def is_found(network: Network, mark: str) -> bool:
    return any(network.rows(f"{place} LIMIT 1", mark) for place in PLACES)


def test_what_data_advanced_says_beside_a_known_message_is_found_in_its_radio(network: Network) -> None:
    message = {"device": "FADE", "time": NOW, "data": "0102", "seqNumber": 1}
    assert network.say("uplink", message).status_code == 201
    more = {"lqi": "SUPER", "colour": "red", "computedLocation": {"lat": "far"}, "deviceTypeId": "5d8c", "temp": 21}
    assert network.say("callback", message | more | {"operatorName": "Ostsee"}).status_code == 201
    ((radio,),) = network.rows("SELECT radio FROM radio WHERE vehicle = 'FADE'")
    said = json.loads(radio)["advanced"]
    assert said == {"operatorName": "Ostsee", "values": more}


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"computedLocation": {"lat": 48, "lng": 17, "status": 1, "altitude": None}}, None),
        ({"computedLocation": [{"lat": 48, "lng": 17}]}, None),
        ({"computedLocation": {"lat": 48, "lng": 17, "altitude": 5}}, "all"),
        ({"duplicates": [{"bsId": "1A", "rssi": -99}, {"bsId": "1B", "snr": 3}]}, None),
        ({"duplicates": [{"bsId": "1A", "rssi": -99}, {"bsId": "1B", "freq": 868.1}]}, "all"),
        ({"duplicates": ["1A", {"bsId": "1B"}]}, "all"),
        ({"operatorName": "x" * 65}, "all"),
        ({"countryCode": "703", "fixedLat": 48.5, "lqi": 2, "duplicates": [], "computedLocation": None}, None),
    ],
)
def test_what_evd_does_not_know_of_a_known_variable_is_found_too(
    network: Network, given: dict[str, Any], values: str | None
) -> None:
    device = f"FAD{abs(hash(repr(given))) % 10**5}"
    message = {"device": device, "time": NOW, "data": "0102", "seqNumber": 1}
    assert network.say("uplink", message).status_code == 201
    assert network.say("advanced", message | given).status_code == 201
    ((radio,),) = network.rows("SELECT radio FROM radio WHERE vehicle = ?", device)
    assert json.loads(radio)["advanced"].get("values") == (given if values else None)
