"""Posts as vehicles in the field send them, to a running evd: lists, zipped bodies, old values (E05, E06)."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sigfox_network import Network, network_of

NOW = int(time.time()) - 3600


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with network_of(tmp_path_factory.mktemp("posted") / "evd") as one:
        yield one


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
        reply = network.post(gzip.compress(body) if zipped else body, **headers)
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
    good = network.post(points("LIST9", 2))
    assert (good.status_code, [one["status"] for one in good.json()["items"]]) == (201, [201, 201])
    bad = network.post([{"vehicleId": "LIST9"}, 5])
    assert (bad.status_code, bad.json()["stored"]) == (400, 0)
    assert bad.json()["detail"].startswith("status 1 of the list: the body lacks timestamp or time")
    for body in (b"[]", b"[1", json.dumps([{}] * 1001).encode()):
        assert network.post(body).status_code == 400
    assert network.post(points("LIST9", 600)).status_code == 201
    many = network.post([{"vehicleId": "LIST9", "timestamp": f"x{n}"} for n in range(1000)])
    assert (many.status_code, len(many.json()["items"])) == (400, 1000)


def test_e05_a_key_that_is_bound_speaks_for_its_vehicle_in_a_list_too(network: Network) -> None:
    admin = {"x-api-key": network.daemon.keys["admin"]}
    made = network.client.post("/api/v1/keys", json={"role": "device", "vehicle": "B0B"}, headers=admin)
    bound = {"x-api-key": made.json()["key"]}
    reply = network.post([*points("B0B", 1), *points("A11CE", 1)], **bound)
    assert (reply.status_code, [one["status"] for one in reply.json()["items"]]) == (207, [201, 403])
    assert network.fields_of("A11CE") == []


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
    reply = network.post(body, **{"content-encoding": coding})
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
        assert network.post(body).status_code == 201
    assert network.rows("SELECT time, fields ->> 'current_charge' FROM ring WHERE vehicle = 'E06' ORDER BY time") == [
        (before, 30),
        (now, 70),
    ]
    assert network.rows("SELECT fields ->> 'current_charge' FROM last WHERE vehicle = 'E06'") == [(70,)]
    ((received,),) = network.rows("SELECT received FROM ring WHERE vehicle = 'E06' AND time = ?", before)
    assert received > now, "both times are shown"
