"""Callbacks and posts as people in the field send them, to a running evd (ids of reference/field-cases.json).

Cases whose point is what the app reads are in test_app_reads.py, payloads in test_field_cases_decode.py, secrets in
test_canaries.py, Sigfox's REST API in test_backfill.py, and DATA_ADVANCED alone in test_unaccompanied.py.
"""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest
from sigfox_network import Network, network_of

from evd.sigfox.kinds.advanced import RADIO
from evd.sigfox.kinds.registry import KINDS
from evd.sigfox.message import NO_FIELDS

NOW = int(time.time()) - 3600
BYTES = "0102030405060708"
H20_PATTERN = (
    "{device};{time};{duplicate};{snr};{station};{data};{avgSnr};{lat};{lng};{rssi};{seqNumber};{ack};{longPolling}"
)
XIRGO = "group::uint:8 version:1:uint:4:big-endian:7 index:1:uint:4:big-endian:3 rest:2:uint:64"
SETTINGS = f"""
[sigfox]
batch_pattern = "{H20_PATTERN}"
[sigfox.names.bidir]
device = "integrations.sigfox.id"
data = "data.sigfoxData"
time = "data.time"
seqNumber = "data.seqNumber"
[sigfox.names.wlan]
vehicleId = "car.vin"
timestamp = "car.at"
[formats.xirgo]
grammar = "{XIRGO}"
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network_of(tmp_path_factory.mktemp("field") / "evd", settings=SETTINGS) as one:
        yield one


def fields_of(network: Network, vehicle: str) -> list[tuple[Any, dict[str, Any]]]:
    """(seq, fields) of a vehicle's statuses in order."""
    rows = network.rows("SELECT seq, fields FROM history WHERE vehicle = ?", vehicle)
    return [(seq, json.loads(fields)) for seq, fields in rows]


def own_fields(network: Network, vehicle: str) -> list[set[str]]:
    return [set(fields) - DECODED for _, fields in fields_of(network, vehicle)]


DECODED = {
    *("state", "current_charge", "target_charge", "current", "elapsed_time", "remain_time", "range"),
    *("elec_consumption", "indoor_temperature"),
}


def rejected(network: Network, route: str) -> list[Any]:
    return network.rows("SELECT times, error, detail FROM rejections WHERE route LIKE ? ORDER BY number", f"%{route}%")


def wlan(network: Network, content: Any, **headers: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    key = {"x-api-key": network.daemon.keys["device"], "content-type": "application/json"}
    return network.client.post("/wlan", content=body, headers={**key, **headers})


# What Sigfox's customers send


def test_h03_without_a_time_it_is_refused_and_kept_once_however_often(network: Network) -> None:
    query = "device=2BEED9&data=130b0585b20160ff9cffc300&station=2BF6&rssi=-126.00&duplicate=false"
    for _ in range(4):
        reply = network.send("uplink", "", method="GET", query=query)
        assert reply.status_code == 400
        assert reply.json()["detail"].startswith("the body lacks timestamp or time")
    ((times, error, _),) = rejected(network, "2BEED9")
    assert (times, error) == (4, "Missing basic attributes")
    assert fields_of(network, "2BEED9") == []


def test_h05_a_forwarders_two_times_are_one_message(network: Network) -> None:
    body: dict[str, Any] = {"data": "920e06272731741db051e600", "device": "UNITTEST1", "timestamp": "1494142251000"}
    body |= {"seqNumber": 1492, "lat": 1, "lng": 104, "duplicate": False, "ack": False, "seqNumberCheck": None}
    first = network.say("uplink", body)
    again = network.say("uplink", {**{k: v for k, v in body.items() if k != "timestamp"}, "time": 1494142251})
    assert first.status_code == again.status_code == 201
    assert first.headers["x-status-id"] == again.headers["x-status-id"]
    assert network.rows("SELECT time, seq FROM history WHERE vehicle = 'UNITTEST1'") == [("2017-05-07 07:30:51", 1492)]


def test_h06_names_in_another_case_are_named(network: Network) -> None:
    body = {"Device": "386625", "Time": 1639400000, "InfoCode": 0, "InfoMessage": "ACKED", "DownlinkAck": True}
    reply = network.say("acknowledge", body)
    assert reply.status_code == 400
    said = reply.json()["detail"]
    assert said.startswith(
        "the callback (acknowledge) lacks device or deviceId or vehicleId, time or timestamp, infoCode"
    )
    assert "it has Device, Time, InfoCode, which must be written device, time, infoCode, at the top level" in said


H07 = {
    "integrations": {"sigfox": {"id": "386625"}},
    "name": "sigfoxDataUplink",
    "data": {"sigfoxData": "0102", "time": str(NOW), "seqNumber": "9", "doors": "locked"},
}


def test_h07_a_nested_body_is_refused_with_what_was_found(network: Network) -> None:
    reply = network.say("uplink", H07)
    assert (reply.status_code, reply.json()["detail"]) == (
        400,
        "the body lacks vehicleId or device at its top level, which has integrations, name, data",
    )


def test_h07_a_nested_body_is_read_by_the_names_of_its_route(network: Network) -> None:
    ids = {network.say("bidir", H07).headers["x-status-id"] for _ in range(2)}
    same = {"device": "386625", "time": NOW, "data": "0102", "seqNumber": 9}
    ids.add(network.say("uplink", same).headers["x-status-id"])
    assert len(ids) == 1
    ((seq, fields),) = fields_of(network, "386625")
    assert seq == 9
    assert (fields["name"], fields["data.doors"]) == ("sigfoxDataUplink", "locked"), "nothing is lost"
    assert wlan(network, {"car": {"vin": "WBA1", "at": NOW}, "current_charge": 70}).status_code == 201
    assert fields_of(network, "WBA1") == [(None, {"current_charge": 70})]


@pytest.mark.parametrize("path", ["/prtg/386625-DHT22", "/sigfox/uplnk", "/v3/sigfox/batch/1A"])
def test_h08_a_path_that_nobody_serves_is_kept_for_a_good_key_alone(network: Network, path: str) -> None:
    body = {"prtg": {"text": "OK", "result": [{"channel": "Temperature", "value": 215}]}, "n": path}
    for key, times in (("wrong", 0), (network.daemon.keys["app"], 0), (network.daemon.keys["sigfox"], 4)):
        for _ in range(4):
            reply = network.client.post(path, json=body, headers={"x-api-key": key})
            assert (reply.status_code, reply.text) == (418, "I'm a teapot!")
        found = rejected(network, path)
        assert [(seen, error) for seen, error, _ in found] == ([(times, "Unknown route")] if times else [])
    network.daemon.event("a request to an unknown path is rejected")


def test_h08_the_device_may_stand_in_the_path(network: Network) -> None:
    body = {"time": NOW, "data": "0102", "seqNumber": 8}
    ids = set()
    for path in ("uplink/1A2B08", "uplink/001a2b08/", "callback/1A2B08"):
        reply = network.say(path, body)
        assert reply.status_code == 201, reply.text
        ids.add(reply.headers["x-status-id"])
    ids.add(network.say("uplink/OTHER", {**body, "device": "1A2B08"}).headers["x-status-id"])
    form = network.send("uplink/1A2B08", f"time={NOW}&data=0102&seqNumber=8", "application/x-www-form-urlencoded")
    ids.add(form.headers["x-status-id"])
    assert len(ids) == 1
    assert [seq for seq, _ in fields_of(network, "1A2B08")] == [8]
    assert fields_of(network, "OTHER") == []
    lacking = network.say("uplink/386625-DHT22", {"prtg": {"text": "OK"}})
    assert lacking.status_code == 400
    assert rejected(network, "uplink/386625-DHT22")[0][1] == "Missing basic attributes"


@pytest.mark.parametrize(
    ("route", "device", "body", "seq"),
    [
        ("uplink", "1A2B3D", {"type": "data", "seq": 77, "ack": False, "duplicate": False, "version": 1}, 77),  # H11
        ("uplink", "1A2B3E", {"messageId": "118", "ack": "false"}, 118),  # H12
        ("uplink", "1A2B42", {"avgSignal": "15", "signal": "12.5", "seqNumber": "1"}, 1),  # H18
        ("callback", "1A2B4A", {"type": "data", "seq": 3, "version": 1, "lqi": "GOOD"}, 3),
    ],
)
def test_h11_h12_h18_the_count_is_counted_and_words_of_the_template_are_no_values(
    network: Network, route: str, device: str, body: dict[str, Any], seq: int
) -> None:
    first = {"device": device, "time": str(NOW), "data": "a9670d19"}
    assert network.say(route, first | body).status_code == 201
    assert [found for found, _ in fields_of(network, device)] == [seq]
    assert own_fields(network, device) == [set()]
    behind = {name: (str(seq + 3) if value in (seq, str(seq)) else value) for name, value in body.items()}
    assert network.say(route, first | behind | {"time": NOW + 60}).status_code == 201
    assert network.rows("SELECT sum(received), sum(lost) FROM days WHERE vehicle = ?", device) == [(2, 2)]


def test_h17_a_frame_that_asks_the_second_time_is_offered_its_downlink_once(network: Network) -> None:
    network.queue("154FF", "3794a01820348220")
    form = f"time={NOW}&avgSignal=21.73&data=3794a01820348220590d000f&device=154FF&seqNumber=2&longPolling=false&ack="
    kind = "application/x-www-form-urlencoded"
    first = network.send("uplink", form + "false", kind)
    answers = [network.send("uplink", form + "true", kind) for _ in range(2)]
    assert first.status_code in (201, 204)
    assert [(one.status_code, one.json()) for one in answers] == [
        (200, {"154FF": {"downlinkData": "3794a01820348220"}})
    ] * 2
    assert len(fields_of(network, "154FF")) == 1
    assert network.rows("SELECT state FROM downlink_queue WHERE vehicle = '154FF'") == [("offered",)]


@pytest.mark.parametrize("keeps", [False, True])
def test_h19_http_1_0_without_a_host(network: Network, keeps: bool) -> None:
    query = f"device=1A2B43&time={NOW}&data=0102&seqNumber=1"
    head = f"GET /sigfox/uplink?{query} HTTP/1.0\r\nx-api-key: {network.daemon.keys['sigfox']}\r\n"
    request = (head + ("Connection: keep-alive\r\n" if keeps else "") + "\r\n").encode()
    host, _, port = network.daemon.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        for _ in range(2 if keeps else 1):
            client.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += client.recv(4096)
            assert got.startswith(b"HTTP/1.1 201 ")
            assert b"Content-Length: 0" in got
            assert (b"Connection: keep-alive" if keeps else b"Connection: close") in got
        if not keeps:
            assert client.recv(1) == b""


def test_h20_long_lines_with_a_question(network: Network) -> None:
    network.queue("155FF", BYTES)
    lines = [
        f"155FF;{NOW};false;18.73;1B2C;deadbeaf;15.5;48;2;-118.0;421;true;false",
        f"156FF;{NOW};null;null;null;00;null;null;null;null;7;false;false",
    ]
    form = {"batch": "\n".join(lines)}
    reply = network.client.post("/sigfox/batch", data=form)
    assert (reply.status_code, reply.json()) == (200, {"155FF": {"downlinkData": BYTES}})
    assert [[seq for seq, _ in fields_of(network, one)] for one in ("155FF", "156FF")] == [[421], [7]]


def test_h20_lines_of_another_pattern_are_refused_and_store_nothing_shifted(network: Network) -> None:
    reply = network.client.post("/sigfox/batch", data={"batch": f"157AA;{NOW};00;7;"})
    assert reply.status_code == 400
    assert "{device};{time};{duplicate}" in reply.json()["detail"]
    assert fields_of(network, "157AA") == []


def test_h21_the_key_as_the_password_of_basic(network: Network) -> None:
    body = {"device": "157FF", "time": NOW, "data": "01", "seqNumber": 1}
    with httpx.Client(base_url=network.daemon.url) as stranger:
        good = stranger.post("/sigfox/uplink", json=body, auth=("sigfox", network.daemon.keys["sigfox"]))
        bad = stranger.post("/sigfox/uplink", json=body, auth=("sigfox", "wrong"))
        refused = stranger.post("/sigfox/uplink", json={}, auth=("sigfox", network.daemon.keys["sigfox"]))
    assert (good.status_code, bad.status_code, refused.status_code) == (201, 401, 400)
    assert "www-authenticate" not in bad.headers
    ((headers,),) = network.rows(
        "SELECT headers FROM rejected WHERE route = 'POST /sigfox/uplink' AND CAST(body AS TEXT) = '{}'"
    )
    assert json.loads(headers)["authorization"] == "***"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"device":"1A2B61","time":1764000000,"lat":NaN,"lon":NaN,"Timeout":12}',
            "NaN stands at character 44",
        ),  # H23
        (b'{"device":"53b5","time":"1666374000","data":"OOB"}', "send it to /sigfox/status"),  # H24
        (b'{"device":"2C321C","data":"2094","time":"1500520476","seqNumber":"007c"}', 'seqNumber is "007c"'),  # H01
    ],
)
def test_h01_h23_h24_a_refusal_says_what_to_do_and_is_kept_once(network: Network, body: bytes, said: str) -> None:
    for _ in range(4):
        reply = network.send("uplink", body.decode(), "application/json")
        assert reply.status_code == 400
        assert said in reply.json()["detail"]
    assert network.rows("SELECT times, detail FROM rejected WHERE body = ?", body) == [(4, reply.json()["detail"])]


def test_d14_five_frames_of_one_second_are_five_statuses(network: Network) -> None:
    admin = {"x-api-key": network.daemon.keys["admin"]}
    network.client.patch("/api/v1/vehicles/1A2B71", json={"format": "xirgo"}, headers=admin).raise_for_status()
    frames = ("1F40005804C6EF020A1603F8", "1F41E82BF4FFF80023FC1808", "1F424000004C09D4870D135C")
    frames += ("1F43DC967407BDA8D3F7310A", "1F4408")
    bodies = [
        {"device": "1A2B71", "time": 1476708079, "seqNumber": 100 + n, "data": data} for n, data in enumerate(frames)
    ]
    first, again = ([network.say("uplink", body) for body in bodies] for _ in range(2))
    assert {one.status_code for one in (*first, *again)} == {201}
    ids = [one.headers["x-status-id"] for one in first]
    assert len(set(ids)) == 5
    assert [one.headers["x-status-id"] for one in again] == ids
    found = fields_of(network, "1A2B71")
    assert [(seq, fields["index"]) for seq, fields in found] == [(100 + n, n) for n in range(5)]
    ((seq, rest),) = network.rows("SELECT seq, fields ->> 'rest' FROM last WHERE vehicle = '1A2B71'")
    assert (seq, rest) == (104, None)


@pytest.mark.parametrize("form", [False, True])
def test_a_long_batch_of_which_nothing_can_be_read_is_kept_without_its_secrets(network: Network, form: bool) -> None:
    lines = [f"{n}F;no time at all {form};my note token=Zq8w7Xr5Tk3n{n};" for n in range(4000)]
    lines.append("x" * 100_000)
    body: dict[str, Any] = {"data": {"batch": "\n".join(lines)}} if form else {"content": "\n".join(lines)}
    kind = {} if form else {"content-type": "text/plain"}
    reply = network.client.post("/sigfox/batch", headers=kind, **body)
    assert reply.status_code == 400
    assert reply.json()["detail"].startswith("no line of the batch can be read; line 1: ")
    ((kept,),) = network.rows("SELECT body FROM rejected WHERE instr(body, ?)", f"all{'+' if form else ' '}{form};")
    text = unquote_plus(kept.decode().removeprefix("batch="))
    assert text.count("\n") == 4000
    assert text.startswith(f"0F;no time at all {form};my note token=***")
    assert "Zq8w" not in text


# What vehicles send


def points(vehicle: str, many: int = 10) -> list[dict[str, Any]]:
    return [{"vehicleId": vehicle, "timestamp": 1000 * (NOW + 60 * n), "current_charge": 60 + n} for n in range(many)]


@pytest.mark.parametrize("zipped", [False, True])
def test_e05_a_list_of_statuses_is_taken_one_by_one_and_answered_so(network: Network, zipped: bool) -> None:
    vehicle = f"LIST{zipped:d}"
    given = points(vehicle)
    given[3]["current_charge"] = "x"
    given.insert(0, given.pop())  # the newest comes first
    given.append("no status")  # type: ignore[arg-type]
    body = json.dumps(given).encode()
    headers = {"content-encoding": "gzip"} if zipped else {}
    for _ in range(2):
        reply = wlan(network, gzip.compress(body) if zipped else body, **headers)
        assert reply.status_code == 207
        told = reply.json()
        assert told["stored"] == 9
        assert [(one["item"], one["status"]) for one in told["items"]] == [
            (number, 400 if number in (5, 11) else 201) for number in range(1, 12)
        ]
        assert told["items"][4]["detail"] == 'current_charge is "x": a number is needed'
    found = network.rows("SELECT id, fields ->> 'current_charge' FROM ring WHERE vehicle = ? ORDER BY time", vehicle)
    assert [charge for _, charge in found] == [60, 61, 62, 64, 65, 66, 67, 68, 69]
    assert {status_id for status_id, _ in found} == {one["id"] for one in told["items"] if one["status"] == 201}
    assert network.rows("SELECT fields ->> 'current_charge' FROM last WHERE vehicle = ?", vehicle) == [(69,)]
    kept = network.rows("SELECT times FROM rejected WHERE CAST(body AS TEXT) LIKE ?", f'%{vehicle}%"x"%')
    assert kept == [(2,)], "the bad one by itself"


def test_e05_a_list_of_good_ones_is_201_and_one_of_bad_ones_400(network: Network) -> None:
    good = wlan(network, points("LIST9", 2))
    assert (good.status_code, [one["status"] for one in good.json()["items"]]) == (201, [201, 201])
    bad = wlan(network, [{"vehicleId": "LIST9"}, 5])
    assert (bad.status_code, bad.json()["stored"]) == (400, 0)
    assert bad.json()["detail"].startswith("status 1 of the list: the body lacks timestamp or time")
    for body in (b"[]", b"[1", json.dumps([{}] * 1001).encode()):
        assert wlan(network, body).status_code == 400
    assert wlan(network, points("LIST9", 600)).status_code == 201
    many = wlan(network, [{"vehicleId": "LIST9", "timestamp": f"x{n}"} for n in range(1000)])
    assert (many.status_code, len(many.json()["items"])) == (400, 1000)


def test_e05_a_key_that_is_bound_speaks_for_its_vehicle_in_a_list_too(network: Network) -> None:
    admin = {"x-api-key": network.daemon.keys["admin"]}
    made = network.client.post("/api/v1/keys", json={"role": "device", "vehicle": "B0B"}, headers=admin)
    bound = {"x-api-key": made.json()["key"]}
    reply = wlan(network, [*points("B0B", 1), *points("A11CE", 1)], **bound)
    assert (reply.status_code, [one["status"] for one in reply.json()["items"]]) == (207, [201, 403])
    assert fields_of(network, "A11CE") == []


def bomb() -> bytes:
    return gzip.compress(bytes(60 << 20))


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        pytest.param(gzip.compress(json.dumps(points("21B", 1)[0]).encode()), "gzip", 201, id="zipped"),
        pytest.param(
            gzip.compress(json.dumps(points("21B", 1)[0]).encode()), "x-GZIP", 201, id="the coding in capitals"
        ),
        pytest.param(
            gzip.compress(b"{") + gzip.compress(json.dumps(points("21B", 1)[0]).encode()[1:]),
            "gzip",
            201,
            id="two members",
        ),
        pytest.param(gzip.compress(b"{}")[:-5], "gzip", 400, id="cut off"),
        pytest.param(b"no gzip", "gzip", 400, id="not zipped"),
        pytest.param(b"", "gzip", 400, id="nothing"),
        pytest.param(gzip.compress(b"") * 1000, "gzip", 400, id="a thousand empty members"),
        pytest.param(gzip.compress(b" " * (64 * 1024 + 1)), "gzip", 413, id="more than a body may have"),
        pytest.param(bomb(), "gzip", 413, id="a bomb"),
        pytest.param(b"x", "br", 415, id="another coding"),
        pytest.param(b"x", "gzip, gzip", 415, id="twice zipped"),
    ],
)
def test_e05_what_is_zipped_is_unzipped_within_the_bound_of_a_body(
    network: Network, body: bytes, coding: str, status: int
) -> None:
    reply = wlan(network, body, **{"content-encoding": coding})
    assert reply.status_code == status, reply.text
    assert (status == 201) is (reply.text == "")


def test_e05_nothing_is_unzipped_for_sigfox_and_for_strangers(network: Network) -> None:
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert network.client.post("/sigfox/uplink", content=bomb(), headers=headers).status_code == 415
    assert network.client.post("/wlan", content=bomb(), headers={**headers, "x-api-key": "no"}).status_code == 401


def test_e06_values_of_a_day_ago_take_their_place_and_are_not_the_last(network: Network) -> None:
    now, before = 1000 * NOW + 5, 1000 * (NOW - 86_400) + 7
    for moment, charge in ((now, 70), (before, 30)):
        body = {"vehicleId": "E06", "timestamp": moment, "current_charge": charge}
        assert wlan(network, body).status_code == 201
    assert network.rows("SELECT time, fields ->> 'current_charge' FROM ring WHERE vehicle = 'E06' ORDER BY time") == [
        (before, 30),
        (now, 70),
    ]
    assert network.rows("SELECT fields ->> 'current_charge' FROM last WHERE vehicle = 'E06'") == [(70,)]
    ((received,),) = network.rows("SELECT received FROM ring WHERE vehicle = 'E06' AND time = ?", before)
    assert received > now, "both times are shown"


# Nothing that was answered 201 is nowhere

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
