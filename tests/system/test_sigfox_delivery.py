"""How Sigfox delivers callbacks: what it repeats, reorders, batches and asks for, over sockets.

Which row each test stands for is said in test_sigfox_reference.py. Each test has devices of its own.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from sigfox_network import Network, answer, network_of

TIME = 1_700_000_000
BYTES = ("0102030405060708", "1112131415161718")
SETTINGS = """
[sigfox]
batch_pattern = "{device};{time};{data};{seqNumber};{ack};{lqi};"
text_patterns = { uplink = "{device};{time};{data};{seqNumber}" }
"""
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network_of(tmp_path_factory.mktemp("reference") / "evd", settings=SETTINGS) as one:
        yield one


def message(device: str, seq: int = 1, *, time: int = TIME, **others: Any) -> dict[str, Any]:
    return {"device": device, "time": time, "data": "0102", "seqNumber": seq} | others


def history(network: Network, device: str) -> list[Any]:
    return network.rows("SELECT nullif(seq, -1) FROM ring WHERE vehicle = ? ORDER BY position", device)


def downlinks(network: Network, device: str) -> list[Any]:
    return network.rows("SELECT payload, state, info_code FROM downlink_queue WHERE vehicle = ?", device)


# B1


def test_copies_of_twenty_stations_are_one_message(network: Network) -> None:
    answers = {
        answer(network.say("uplink", message("B101", station=f"{n:04X}", rssi=-100 - n, snr=str(n), duplicate=n > 0)))
        for n in range(20)
    }
    assert [status for status, _, _ in answers] == [201]
    assert history(network, "B101") == [(1,)]


@pytest.mark.parametrize("route", ["advanced", "callback"])
@pytest.mark.parametrize(("device", "first"), [("B102", "uplink"), ("B103", "advanced")])
def test_data_advanced_before_or_after_its_message_is_the_same(
    network: Network, route: str, device: str, first: str
) -> None:
    device += route[0].upper()
    place = {"lat": 48.125, "lng": 17.5, "radius": 900, "source": 2, "status": 1}
    advanced = message(device, lqi="GOOD", operatorName="SIMPLE CELL", computedLocation=place)
    said = [("uplink", message(device)), (route, advanced)]
    for path, variables in said if first == "uplink" else reversed(said):
        assert network.say(path, variables).status_code == 201
    assert network.rows("SELECT seq, lqi, operator, location, location_from FROM radio WHERE vehicle = ?", device) == [
        (1, "GOOD", "SIMPLE CELL", "48.125,17.5", "advanced")
    ]
    assert history(network, device) == [(1,)]


# B2


def test_after_4095_comes_0_and_the_newer_one_is_last(network: Network) -> None:
    for seq, time in ((0, TIME + 600), (4095, TIME)):
        assert network.say("uplink", message("B201", seq, time=time)).status_code == 201
    assert history(network, "B201") == [(4095,), (0,)]
    assert network.rows("SELECT sum(lost), sum(resets) FROM days WHERE vehicle = 'B201'") == [(0, 0)]


# B3


def test_a_message_is_the_same_by_every_method_and_content_type(network: Network) -> None:
    variables = message("B301")
    form = urlencode(variables)
    answers = [
        network.say("uplink", variables),
        network.client.put("/sigfox/uplink", json=variables),
        network.send("uplink", "", method="GET", query=form),
        network.send("uplink", form, FORM),
        network.send("uplink", form, FORM, method="PUT"),
        network.send("uplink", f"b301;{TIME};0102;1", "text/plain"),
        network.send("uplink", f"b301;{TIME};0102;1", "text/plain; charset=utf-8", method="PUT"),
    ]
    assert len({answer(one) for one in answers}) == 1
    assert answers[0].status_code == 201
    assert history(network, "B301") == [(1,)]


def test_a_forms_variables_may_come_in_its_url_but_never_the_key(network: Network) -> None:
    split = network.send("uplink", "data=0102&seqNumber=1", FORM, query=f"device=B302&time={TIME}")
    assert answer(split) == answer(network.say("uplink", message("B302")))
    moved = f"key={network.daemon.keys['sigfox']}"
    without = {"x-api-key": ""}
    by_form = network.client.post(
        "/sigfox/uplink", content=f"{moved}&{urlencode(message('B302'))}", headers=without | {"content-type": FORM}
    )
    assert answer(by_form) == answer(split)
    by_url = network.client.post(f"/sigfox/uplink?{moved}", json=message("B302", 2), headers=without)
    assert by_url.status_code == 401
    assert history(network, "B302") == [(1,)]


@pytest.mark.parametrize("scheme", ["x-api-key", "bearer", "basic"])
def test_the_key_may_stand_in_each_header(network: Network, scheme: str) -> None:
    key = network.daemon.keys["sigfox"]
    basic = base64.b64encode(f"sigfox:{key}".encode()).decode()
    given = {
        "x-api-key": {"x-api-key": key},
        "bearer": {"authorization": f"Bearer {key}"},
        "basic": {"authorization": f"Basic {basic}"},
    }
    client = network.client
    del client.headers["x-api-key"]
    try:
        assert client.post("/sigfox/uplink", json=message("B303"), headers=given[scheme]).status_code == 201
        assert client.post("/sigfox/uplink", json=message("B303")).status_code == 401
    finally:
        client.headers["x-api-key"] = key


# B4


def test_four_deliveries_are_answered_alike_though_the_first_answer_is_lost(network: Network) -> None:
    host, _, port = network.daemon.url.removeprefix("http://").rpartition(":")
    body = f"device=B401&time={TIME}&data=0102&seqNumber=1"
    head = f"POST /sigfox/uplink HTTP/1.1\r\nHost: evd\r\nx-api-key: {network.daemon.keys['sigfox']}\r\n"
    with socket.create_connection((host, int(port))) as lost:
        lost.sendall(f"{head}Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    answers = {answer(network.send("uplink", body, FORM)) for _ in range(3)}
    assert [status for status, _, _ in answers] == [201]
    assert history(network, "B401") == [(1,)]


def test_a_refused_callback_is_kept_once_with_the_number_of_its_deliveries(network: Network) -> None:
    for _ in range(4):
        assert network.say("uplink", {"device": "B402", "time": TIME, "data": "xyz"}).status_code == 400
    assert network.rows("SELECT times, error FROM rejections WHERE body LIKE '%B402%'") == [(4, "Bad request")]
    assert history(network, "B402") == []


def test_a_message_that_was_passed_takes_its_place_and_is_not_the_last(network: Network) -> None:
    for seq in (1, 3, 2):
        assert network.say("uplink", message("B403", seq, time=TIME + 60 * seq)).status_code == 201
    assert history(network, "B403") == [(1,), (2,), (3,)]
    assert network.rows("SELECT seq FROM last WHERE vehicle = 'B403'") == [(3,)]


# B5


def test_a_message_in_two_batches_is_one(network: Network) -> None:
    line, other = f"B501;{TIME};00;1;;;", f"B502;{TIME};00;1;;;"
    for batch in (line, f"{other}\n{line}"):
        assert network.send("batch", f"batch={quote(batch)}", FORM).status_code == 201
    assert (history(network, "B501"), history(network, "B502")) == ([(1,)], [(1,)])


def test_a_line_of_a_batch_is_of_the_kind_its_values_tell(network: Network) -> None:
    lines = [f"B503;{TIME};00;1;;GOOD;", f"B503;{TIME};00;1;;;", f"B503;{TIME + 60};;2;false;;"]
    assert network.send("batch", "\n".join(lines), "text/plain").status_code == 201
    assert history(network, "B503") == [(1,), (2,)]
    assert network.rows("SELECT seq, lqi FROM radio WHERE vehicle = 'B503'") == [(1, "GOOD")]


def test_a_batch_is_answered_for_every_device_that_asks(network: Network) -> None:
    network.queue("B504", BYTES[0])
    network.queue("B506", BYTES[1])
    lines = [f"b504;{TIME};00;1;true;;", f"B505;{TIME};00;1;true;;", f"B506;{TIME};00;1;false;;", "B507;never;00;1;"]
    for _ in range(2):
        replied = network.send("batch", "\r\n".join(lines), "text/plain")
        assert replied.status_code == 200
        assert replied.headers["content-type"] == "application/json"
        assert replied.json() == {"b504": {"downlinkData": BYTES[0]}, "B505": {"noData": True}}
    assert (downlinks(network, "B504"), downlinks(network, "B506")) == (
        [(BYTES[0], "offered", None)],
        [(BYTES[1], "queued", None)],
    )


# B6


def test_who_asks_gets_eight_bytes_once_and_204_after_them(network: Network) -> None:
    network.queue("B601", BYTES[0])
    for _ in range(2):
        asked = network.say("bidir", message("b601", ack=True))
        assert (asked.status_code, asked.headers["content-type"]) == (200, "application/json")
        assert asked.json() == {"b601": {"downlinkData": BYTES[0]}}
    after = network.say("bidir", message("b601", 2, ack="true"))
    assert (after.status_code, after.content) == (204, b"")


def test_an_answer_that_came_too_late_fails_by_its_acknowledge(network: Network) -> None:
    network.queue("B602", BYTES[0])
    assert network.say("bidir", message("B602", ack=True)).status_code == 200
    no_answer = {"device": "B602", "time": TIME, "infoCode": 1, "infoMessage": "No answer", "downlinkAck": False}
    assert network.say("acknowledge", no_answer).status_code == 201
    assert downlinks(network, "B602") == [(BYTES[0], "failed", 1)]
    assert network.say("bidir", message("B602", 2, time=TIME + 600, ack=True)).status_code == 204, (
        "it is not sent again"
    )


def test_acknowledges_out_of_order_close_the_downlink_of_their_time(network: Network) -> None:
    for number, payload in enumerate(BYTES):
        network.queue("B603", payload)
        asked = network.say("bidir", message("B603", number, time=TIME + 3600 * number, ack=True))
        assert asked.json()["B603"]["downlinkData"] == payload
    for number, code in ((1, 4), (0, 0)):
        told = {"device": "B603", "time": TIME + 3600 * number + 40, "infoCode": code}
        for _ in range(2):
            assert network.say("acknowledge", told).status_code == 201
    assert downlinks(network, "B603") == [(BYTES[1], "failed", 4), (BYTES[0], "acknowledged", 0)]
