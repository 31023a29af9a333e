"""Callbacks as people in the field send them, to a running evd (ids of reference/field-cases.json).

Cases whose point is what the app reads are in test_app_reads.py, payloads in test_field_cases_decode.py, secrets in
test_canaries.py, Sigfox's REST API in test_backfill.py, and DATA_ADVANCED alone in test_unaccompanied.py.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest
from sigfox_network import Network, network_of

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


def own_fields(network: Network, vehicle: str) -> list[set[str]]:
    return [set(fields) - DECODED for _, fields in network.fields_of(vehicle)]


DECODED = {
    *("state", "current_charge", "target_charge", "current", "elapsed_time", "remain_time", "range"),
    *("elec_consumption", "indoor_temperature"),
}


def rejected(network: Network, route: str) -> list[Any]:
    return network.rows("SELECT times, error, detail FROM rejections WHERE route LIKE ? ORDER BY number", f"%{route}%")


def test_h03_without_a_time_it_is_refused_and_kept_once_however_often(network: Network) -> None:
    query = "device=2BEED9&data=130b0585b20160ff9cffc300&station=2BF6&rssi=-126.00&duplicate=false"
    for _ in range(4):
        reply = network.send("uplink", "", method="GET", query=query)
        assert reply.status_code == 400
        assert reply.json()["detail"].startswith("the body lacks timestamp or time")
    ((times, error, _),) = rejected(network, "2BEED9")
    assert (times, error) == (4, "Missing basic attributes")
    assert network.fields_of("2BEED9") == []


def test_h05_a_forwarders_two_times_are_one_message(network: Network) -> None:
    body: dict[str, Any] = {"data": "920e06272731741db051e600", "device": "UNITTEST1", "timestamp": "1494142251000"}
    body |= {"seqNumber": 1492, "lat": 1, "lng": 104, "duplicate": False, "ack": False, "seqNumberCheck": None}
    first = network.say("uplink", body)
    again = network.say("uplink", {**{k: v for k, v in body.items() if k != "timestamp"}, "time": 1494142251})
    assert first.status_code == again.status_code == 201
    assert first.headers["x-status-id"] == again.headers["x-status-id"]
    assert network.rows("SELECT time, seq FROM history WHERE vehicle = 'UNITTEST1'") == [("2017-05-07T07:30:51Z", 1492)]


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
    ((seq, fields),) = network.fields_of("386625")
    assert seq == 9
    assert (fields["name"], fields["data.doors"]) == ("sigfoxDataUplink", "locked"), "nothing is lost"
    assert network.post({"car": {"vin": "WBA1", "at": NOW}, "current_charge": 70}).status_code == 201
    assert network.fields_of("WBA1") == [(None, {"current_charge": 70})]


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
    assert [seq for seq, _ in network.fields_of("1A2B08")] == [8]
    assert network.fields_of("OTHER") == []
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
    assert [found for found, _ in network.fields_of(device)] == [seq]
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
    assert len(network.fields_of("154FF")) == 1
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
    assert [[seq for seq, _ in network.fields_of(one)] for one in ("155FF", "156FF")] == [[421], [7]]


def test_h20_lines_of_another_pattern_are_refused_and_store_nothing_shifted(network: Network) -> None:
    reply = network.client.post("/sigfox/batch", data={"batch": f"157AA;{NOW};00;7;"})
    assert reply.status_code == 400
    assert "{device};{time};{duplicate}" in reply.json()["detail"]
    assert network.fields_of("157AA") == []


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
    found = network.fields_of("1A2B71")
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
