"""Each recorded callback goes through a running evd, over a socket, as often as Sigfox may deliver it.

Each has a device of its own here, so that what stands in the database is what it said and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest
from callback_files import BATCH, Recorded, recorded, routes, summary
from original_status import MEASURED, PAYLOAD
from sigfox_network import Network, answer, network_of

BYTES = "0102030405060708"
COMMON = "callback"
"""The route for all kinds."""

_DEVICE = re.compile("386625|2DC7C1|A1B2C|B0A1", re.IGNORECASE)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network_of(tmp_path_factory.mktemp("recorded") / "evd") as one:
        yield one


def deliver(network: Network, callback: Recorded, route: str) -> httpx.Response:
    return network.send(route, callback.body, callback.content_type, method=callback.method, query=callback.query)


def of_its_own_device(number: int, callback: Recorded) -> Recorded:
    """The same callback, of another device; ids keep their case, and digits stay digits."""

    def own(device: re.Match[str]) -> str:
        digits = f"5{number:05d}"
        return digits if device[0].isdecimal() else device[0][:1] + digits[1 - len(device[0]) :]

    return Recorded(**orjson.loads(_DEVICE.sub(own, orjson.dumps(callback._asdict()).decode())))


ALL = [
    of_its_own_device(number, callback)
    for number, callback in enumerate(callback for route in routes() for callback in recorded(route))
]
SINGLE = [callback for callback in ALL if callback.route != BATCH]


def those(callbacks: list[Recorded]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("callback", callbacks, ids=lambda callback: f"{callback.route}: {callback.name}")


# Callbacks that are taken


@those([callback for callback in SINGLE if "error" not in callback.expect])
def test_what_it_says_is_on_disk_once_by_whatever_route_and_however_often_it_comes(
    network: Network, callback: Recorded
) -> None:
    if callback.route == "acknowledge":
        offer(network, callback)
    elif callback.route == "bidir":
        network.queue(callback.expect["vehicle"], BYTES)
    first = deliver(network, callback, callback.route)
    assert (first.status_code, first.text) == (200, asked_for(callback)) if asks(callback) else (201, "")
    status_id = first.headers["x-status-id"]
    CHECKS[callback.route](network, callback, status_id)

    kept = network.kept()
    assert answer(deliver(network, callback, callback.route)) == answer(first)
    assert network.kept() == kept
    common = deliver(network, callback, COMMON)
    if "kind" not in callback.expect:
        assert answer(common) == answer(first)
        assert network.kept() == kept
    else:  # by what it has it is of another kind, and so it says something else
        assert (common.status_code, common.text) == (201, "")
        assert common.headers["x-status-id"] != status_id
        assert kind_written(network, common.headers["x-status-id"]) == callback.expect["kind"]


def asks(callback: Recorded) -> bool:
    return bool(callback.expect.get("asks"))


def asked_for(callback: Recorded) -> str:
    """The downlink, for the device as it was spelled."""
    vehicle = callback.expect["vehicle"]
    spelling = vehicle if vehicle in callback.body + callback.query else f"{vehicle.lower():0>8}"
    return f'{{"{spelling}":{{"downlinkData":"{BYTES}"}}}}'


def kind_written(network: Network, status_id: str) -> str:
    ((kind,),) = network.rows(
        "SELECT kind FROM notes WHERE id = ?1 UNION ALL SELECT 'uplink' FROM statuses WHERE id = ?1", status_id
    )
    return str(kind)


def offer(network: Network, callback: Recorded) -> None:
    """What an ACKNOWLEDGE speaks of."""
    vehicle, time = callback.expect["vehicle"], callback.expect["time"] // 1000
    network.queue(vehicle, BYTES)
    asked = network.say("bidir", {"device": vehicle, "time": time, "data": "00", "seqNumber": 1, "ack": True})
    assert asked.json() == {vehicle: {"downlinkData": BYTES}}


def message_written(network: Network, callback: Recorded, status_id: str) -> None:
    expect = callback.expect
    ((*head, fields, document),) = network.rows(
        "SELECT vehicle, time, nullif(seq, -1), lower(hex(payload)), connectivity, fields, document FROM ring "
        "WHERE id = ? AND vehicle = ?",
        status_id,
        expect["vehicle"],
    )
    payload = expect.get("payload", head[3])
    assert head == [expect["vehicle"], expect["time"], expect["seq"], payload or "", 1]
    decoded = MEASURED if payload == PAYLOAD else {}
    expected = expect.get("fields", {}) | decoded
    stored = orjson.loads(fields)
    assert {name: stored.get(name) for name in expected} == expected
    if callback.body.startswith("{") and not callback.query:
        assert document == callback.body, "it is kept as it was received"


def bidir_written(network: Network, callback: Recorded, status_id: str) -> None:
    message_written(network, callback, status_id)
    state = [("offered", status_id)] if asks(callback) else [("queued", None)]
    vehicle = callback.expect["vehicle"]
    assert network.rows("SELECT state, status_id FROM downlink_queue WHERE vehicle = ?", vehicle) == state


def note_written(network: Network, callback: Recorded, status_id: str) -> None:
    expect = callback.expect
    ((time, vehicle, severity, text, in_view),) = network.rows(
        "SELECT n.time, n.vehicle, n.severity, n.text, l.kind FROM notes AS n "
        "JOIN log AS l ON l.text = n.text AND l.vehicle = n.vehicle AND l.document = n.document WHERE n.id = ?",
        status_id,
    )
    assert (time, vehicle, in_view) == (expect["time"], expect["vehicle"], callback.route)
    assert severity == expect.get("severity", severity)
    assert text == expect.get("note", text)


def modem_written(network: Network, callback: Recorded, status_id: str) -> None:
    note_written(network, callback, status_id)
    expect = callback.expect
    vehicle = expect["vehicle"]
    if "modem" in expect:
        modem = [tuple(expect["modem"])] if expect["modem"] else []
        assert network.rows("SELECT battery_v, temperature_c FROM modems WHERE vehicle = ?", vehicle) == modem
    frames = network.rows(
        "SELECT f.time, f.seq FROM frames AS f JOIN vehicles AS v ON v.number = f.vehicle WHERE v.vehicle = ?", vehicle
    )
    assert frames == ([(expect["time"], expect["seq"])] if expect["seq"] is not None else [])


def fate_written(network: Network, callback: Recorded, status_id: str) -> None:
    note_written(network, callback, status_id)
    code = callback.expect["info_code"]
    state = {0: "acknowledged", 5: "offered"}.get(code, "failed")
    vehicle = callback.expect["vehicle"]
    ((found, info_code),) = network.rows(
        "SELECT state, info_code FROM downlink_queue WHERE vehicle = ? AND info_code IS NOT NULL", vehicle
    )
    assert (found, info_code) == (state, code)


def radio_written(network: Network, callback: Recorded, status_id: str) -> None:
    """Beside its message, which comes after it here; the same as the other way round."""
    assert status_id
    expect, source = callback.expect, callback.route
    vehicle, time, seq = expect["vehicle"], expect["time"], expect["seq"]
    ((found,),) = network.rows("SELECT source FROM radio_waiting WHERE vehicle = ?", vehicle)
    assert found == source
    counted = {} if seq is None else {"seqNumber": seq}
    message = {"device": vehicle, "time": time // 1000, "data": expect.get("payload", "0102")} | counted
    assert network.say("uplink", message).status_code == 201
    assert network.rows("SELECT source FROM radio_waiting WHERE vehicle = ?", vehicle) == []
    ((found_seq, lqi, radio, location, by),) = network.rows(
        "SELECT seq, lqi, radio, location, location_from FROM radio WHERE vehicle = ?", vehicle
    )
    said = orjson.loads(radio)[source]
    assert found_seq == seq
    assert said.pop("values", {}) == expect.get("values", {})
    assert said == expect.get("radio", said)
    assert lqi == said.get("lqi")
    if "location" in expect:
        assert (location, by) == (expect["location"], source if expect["location"] else None)


CHECKS: dict[str, Callable[[Network, Recorded, str], None]] = {
    "uplink": message_written,
    "bidir": bidir_written,
    "status": modem_written,
    "repeater": modem_written,
    "acknowledge": fate_written,
    "advanced": radio_written,
    "geoloc": radio_written,
    "error": note_written,
    "event": note_written,
}
"""Route → what stands in the database of a callback on it."""


# Callbacks that are refused


@those([callback for callback in SINGLE if "error" in callback.expect])
def test_what_cannot_be_taken_is_kept_once_with_the_reason(network: Network, callback: Recorded) -> None:
    for delivery in (1, 2):
        refused = deliver(network, callback, callback.route)
        assert refused.status_code == 400
        assert refused.json()["Error"] == callback.expect["error"]
        assert rejections(network, callback, callback.route) == [(callback.expect["error"], callback.body, delivery)]
        if delivery == 1:
            kept = network.kept()
    assert network.kept() == kept


@those([callback for callback in SINGLE if "error" in callback.expect])
def test_the_route_for_all_kinds_refuses_it_too_or_takes_it_for_another_kind(
    network: Network, callback: Recorded
) -> None:
    told = summary(callback, "")
    answers = [deliver(network, callback, COMMON) for _ in (1, 2)]
    if "error" in told:
        assert [answer.json()["Error"] for answer in answers] == [told["error"]] * 2
        assert [times for _, _, times in rejections(network, callback, COMMON)] == [2]
    else:
        assert answer(answers[0]) == answer(answers[1])
        assert answers[0].status_code == 201
        assert kind_written(network, answers[0].headers["x-status-id"]) == told["kind"]


def rejections(network: Network, callback: Recorded, route: str) -> list[Any]:
    query = f"?{callback.query}" if callback.query else ""
    return network.rows(
        "SELECT error, body, times FROM rejections WHERE route = ? AND body = ?",
        f"{callback.method} /sigfox/{route}{query}",
        callback.body,
    )


# Batches


@those([callback for callback in ALL if callback.route == BATCH])
def test_a_batchs_good_lines_are_on_disk_and_the_bad_ones_kept_with_their_reasons(
    network: Network, callback: Recorded
) -> None:
    lines = callback.expect.get("lines", [])
    good = [line for line in lines if "error" not in line]
    bad = [(line["line"], line["error"]) for line in lines if "error" in line]
    first = deliver(network, callback, BATCH)
    kept = network.kept()
    if not good:
        assert first.status_code == 400
        assert first.json()["Error"] == callback.expect.get("error", "Body parsing error")
        assert len(rejections(network, callback, BATCH)) == 1
    elif not bad:
        assert (first.status_code, first.text) == (201, "")
    else:
        assert (first.status_code, first.json()["stored"]) == (207, len(good))
        assert [(line["line"], line["Error"]) for line in first.json()["rejected"]] == bad
    for line in good:
        stored = network.rows(
            "SELECT vehicle, time, nullif(seq, -1), lower(hex(payload)) FROM ring "
            "WHERE vehicle = ? AND time = ? AND nullif(seq, -1) IS ?",
            *(line[name] for name in ("vehicle", "time", "seq")),
        )
        assert stored == [tuple(line[name] for name in ("vehicle", "time", "seq", "payload"))]
    again = deliver(network, callback, BATCH)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert network.kept() == kept
