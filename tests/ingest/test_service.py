"""The way in, from a request to what a reader finds on disk: real keys, real writer, real database."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
import trio
from builders import new_store, ring_of, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_way import BOUND_TEXT, KEYS, NOW, Way, status_id, store_options, way
from original_status import MEASURED, ORIGINAL_CALLBACK, ORIGINAL_WLAN, PAYLOAD, SIMULATOR_MEASURED

from evd.auth.api_keys import ROLES, new_key
from evd.auth.guess_limit import AT_ONCE, GuessLimit
from evd.errors import Forbidden, TooManyRequests, Unauthorized, Unavailable
from evd.model.operations import SetVehicle
from evd.model.units import DAY_MS, HOUR_MS
from evd.request.http import Reply, Request
from evd.sigfox.routes import ROUTES
from evd.store.sqlite.database import SqliteDatabase

__all__ = ["store_options", "way"]

# The original's clients


@pytest.mark.parametrize("path", ["/sigfox/uplink", "/v2/sigfox/uplink", "/v3/sigfox/uplink", "/v3/sigfox/uplink/"])
async def test_the_originals_callback_field_by_field(way: Way, path: str) -> None:
    reply = await way.post(path, ORIGINAL_CALLBACK, role="sigfox", connectivityMethod="sigfox")
    assert await way.fields_of(reply) == MEASURED | {"advanced": False}
    (row,) = rows(
        way.path,
        "SELECT vehicle, id, time, received, connectivity, seq, payload, document, flags, timely FROM ring",
    )
    assert row == (
        "386625",
        status_id(reply),
        1639400000000,
        NOW,
        1,
        118,
        bytes.fromhex(PAYLOAD),
        ORIGINAL_CALLBACK.decode(),
        "",
        1,
    )


@pytest.mark.parametrize("path", ["/wlan", "/v3/wlan", "/v2/wifi/", "/v2/wifi", "/wifi"])
async def test_the_originals_wlan_body_field_by_field(way: Way, path: str) -> None:
    reply = await way.post(path, ORIGINAL_WLAN, role="device", connectivityMethod="network")
    assert await way.fields_of(reply) == SIMULATOR_MEASURED
    (row,) = rows(way.path, "SELECT vehicle, time, connectivity, seq, payload, document, flags FROM ring")
    assert row == ("386625", 1639400000123, 2, -1, None, ORIGINAL_WLAN.decode(), "")


async def test_sigfoxs_plain_variables(way: Way) -> None:
    body = {"device": "386625", "time": 1639400000, "data": PAYLOAD, "seqNumber": 118}
    reply = await way.post("/sigfox/uplink", body, role="sigfox")
    assert await way.fields_of(reply) == MEASURED


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(ORIGINAL_CALLBACK, id="the same bytes"),
        pytest.param(ORIGINAL_CALLBACK.replace(b",", b", "), id="spaced"),
        pytest.param({"device": "386625", "time": 1639400000, "data": PAYLOAD, "seqNumber": 118}, id="plain variables"),
        pytest.param(
            {"time": "1639400000", "device": "386625", "seqNumber": "118", "data": PAYLOAD.upper()}, id="quoted"
        ),
        pytest.param(
            {"device": "00386625", "time": 1639400000000, "data": PAYLOAD, "seqNumber": 118}, id="zeros and ms"
        ),
    ],
)
async def test_a_redelivery_in_whatever_shape_is_answered_alike_and_changes_nothing(way: Way, again: Any) -> None:
    first = await way.post("/sigfox/uplink", ORIGINAL_CALLBACK)
    kept = rows(way.path, "SELECT * FROM statuses")
    way.now += 60_000
    for path in ("/sigfox/uplink", "/v3/sigfox/uplink/", "/wlan"):
        assert await way.post(path, again) == first
    assert rows(way.path, "SELECT * FROM statuses") == kept
    assert rows(way.path, "SELECT count(*) FROM rejected") == [(0,)]


async def test_a_sigfox_message_is_the_same_in_seconds_and_in_the_milliseconds_of_its_rest_api(way: Way) -> None:
    said = {"device": "A1", "data": "05", "seqNumber": 3}
    replies = [
        await way.post("/sigfox/uplink", {**said, "time": time})
        for time in (1639400000, 1639400000000, 1639400000330, 1639400000.5, "1639400000")
    ]
    assert len({status_id(reply) for reply in replies}) == 1
    assert rows(way.path, "SELECT time FROM statuses") == [(1639400000000,)]
    later = status_id(await way.post("/wlan", {"device": "A1", "time": 1639400000330, "state": 1}))
    assert rows(way.path, "SELECT time FROM ring WHERE id = ?", later) == [(1639400000330,)], "WLAN keeps its ms"


async def test_a_body_without_payload_is_known_again_by_its_values(way: Way) -> None:
    first = await way.post("/wlan", ORIGINAL_WLAN)
    turned = dict(reversed(orjson.loads(ORIGINAL_WLAN).items()))
    assert await way.post("/wlan", turned) == first
    assert await way.post("/wlan", turned | {"state": 2}) != first
    assert way.count() == 2


# Channels


@pytest.mark.parametrize(
    ("path", "header", "channel"),
    [
        ("/sigfox/uplink", None, 1),
        ("/sigfox/uplink", "sigfox", 1),
        ("/sigfox/uplink", "network", 2),
        ("/wlan", None, 2),
        ("/wlan", "Network", 2),
        ("/wlan", "sigfox", 1),
        ("/wlan", "carrier pigeon", 2),
    ],
)
async def test_the_channel_comes_from_route_and_header_never_from_the_body(
    way: Way, path: str, header: str | None, channel: int
) -> None:
    headers = {"connectivityMethod": header} if header else {}
    await way.post(path, {"vehicleId": "1", "timestamp": 1639400000, "connectivity": 3 - channel}, **headers)
    assert rows(way.path, "SELECT connectivity FROM ring") == [(channel,)]


@pytest.mark.parametrize(
    ("path", "addition", "expected"),
    [
        ("/sigfox/uplink", {}, 15.40625),
        ("/sigfox/uplink", {"encoded": False}, 19380),
        ("/wlan", {}, 15.40625),
        ("/wlan", {"encoded": True}, 15.40625),
        ("/wlan", {"encoded": False}, 19380),
    ],
)
async def test_halves_without_a_payload(way: Way, path: str, addition: dict[str, Any], expected: float) -> None:
    reply = await way.post(path, {"vehicleId": "1", "timestamp": 1639400000, "elec_consumption": 19380} | addition)
    assert await way.fields_of(reply) == {"elec_consumption": expected}


# Decoding


async def test_a_contradiction_is_flagged_and_evds_decoding_stands(way: Way) -> None:
    reply = await way.post("/sigfox/uplink", orjson.loads(ORIGINAL_CALLBACK) | {"state": 3})
    assert (await way.fields_of(reply))["state"] == 0
    assert rows(way.path, "SELECT flags FROM history") == [("disagrees",)]


async def test_a_vehicles_own_format_counts_from_its_commit(way: Way) -> None:
    body = {"device": "1A", "time": 1639400000, "data": "2a"}
    await way.writer.write(SetVehicle("1A", NOW, format="trailer"))
    assert await way.fields_of(await way.post("/sigfox/uplink", body)) == {"load": 42}
    await way.writer.write(SetVehicle("1A", NOW, format=None))
    reply = await way.post("/sigfox/uplink", body | {"time": 1639400001})
    assert (await way.fields_of(reply))["state"] == 1


async def test_a_state_the_app_does_not_know_is_kept_raw(way: Way) -> None:
    reply = await way.post("/wlan", {"vehicleId": "1", "timestamp": 1639400000, "state": 7})
    assert await way.fields_of(reply) == {"state": 7}


# Times and rings


async def test_late_future_and_too_old(way: Way) -> None:
    def said(hours: int) -> dict[str, Any]:
        return {"vehicleId": "1", "timestamp": NOW + hours * HOUR_MS, "state": 1}

    expected = [(0, "newest"), (-1, "late"), (24, "newest"), (25, "ahead"), (25, "duplicate")]
    for hours, verdict in expected:
        before = way.ingest.outcomes[verdict]
        assert (await way.post("/wlan", said(hours))).status == 201
        assert way.ingest.outcomes[verdict] == before + 1
    assert rows(way.path, "SELECT flags FROM ring WHERE time > ?", NOW + DAY_MS) == [("ahead",)]


@pytest.mark.parametrize("store_options", [{"capacity": 2}])
async def test_what_is_older_than_a_full_ring_is_answered_as_ever_and_not_kept(way: Way) -> None:
    said = [{"vehicleId": "1", "timestamp": 1639400000 + i} for i in range(3)]
    first = await way.post("/wlan", said[0])
    await way.post("/wlan", said[1])
    await way.post("/wlan", said[2])
    assert await way.post("/wlan", said[0]) == first
    assert way.ingest.outcomes["too old"] == 1
    assert len(ring_of(way.path, "1")) == 2


# Who may


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_post_where(way: Way, role: str) -> None:
    kept = "SELECT (SELECT count(*) FROM statuses) + (SELECT count(*) FROM rejected)"
    for number, path in enumerate(sorted(ROUTES)):
        may = {"sigfox": "/sigfox/" in path, "device": "/wlan" in path or "/wifi" in path, "admin": True}
        body = {"vehicleId": "1", "timestamp": 1639400000 + number}
        before = rows(way.path, kept)
        if may.get(role, False):
            takes_it = ROUTES[path].kind in ("uplink", "bidir", "advanced", "")
            assert (await way.post(path, body, role=role)).status == (201 if takes_it else 400), path
        else:
            with pytest.raises(Forbidden):
                await way.post(path, body, role=role)
            assert rows(way.path, kept) == before, path


@pytest.mark.parametrize("body", [ORIGINAL_CALLBACK, b"no JSON"])
async def test_without_a_key_nothing_is_read_and_nothing_is_kept(way: Way, body: bytes) -> None:
    for headers in ({}, {b"x-api-key": new_key("admin")[0].encode()}):
        with pytest.raises(Unauthorized):
            await way.ingest.accept(Request("POST", "/wlan", b"", headers, body, ""))
    assert rows(way.path, "SELECT (SELECT count(*) FROM statuses) + (SELECT count(*) FROM rejected)") == [(0,)]


async def test_a_key_bound_to_a_vehicle_speaks_for_it_alone_however_it_is_spelled(way: Way) -> None:
    async def says(vehicle: str) -> Reply:
        body = orjson.dumps({"vehicleId": vehicle, "timestamp": 1639400000})
        request = Request("POST", "/wlan", b"", {b"x-api-key": BOUND_TEXT.encode()}, body, "")
        return await way.ingest.accept(request)

    assert (await says("386625")).status == (await says("00386625")).status == 201
    with pytest.raises(Forbidden, match="speaks for vehicle 386625 only"):
        await says("386626")
    assert way.count() == 1


# What is refused


BAD_BODIES = [
    pytest.param(b"", "Body parsing error", id="empty"),
    pytest.param(b"[]", "Body parsing error", id="a list"),
    pytest.param(b'{"vehicleId":"1","timestamp":NaN}', "Body parsing error", id="NaN"),
    pytest.param(b'{"vehicleId":"1","timestamp":1e999}', "Body parsing error", id="1e999"),
    pytest.param(b'{"vehicleId":"1","timestamp":%s}' % (b"9" * 5000), "Body parsing error", id="5,000 digits"),
    pytest.param(b'{"vehicleId":"1","timestamp":9223372036854775808}', "Bad request", id="2^63"),
    pytest.param(
        b'{"vehicleId":"1","timestamp":1,"current":"99999999999999999999"}', "Bad request", id="beyond 64 bits"
    ),
    pytest.param(b'{"vehicleId":"\\ud800","timestamp":1}', "Body parsing error", id="lone surrogate"),
    pytest.param(b'{"vehicleId":"a\\u0000","timestamp":1}', "Missing basic attributes", id="NUL"),
    pytest.param(
        b'{"vehicleId":"1","timestamp":1,"x":%s%s}' % (b"[" * 300, b"]" * 300), "Body parsing error", id="deep"
    ),
    pytest.param(b"[" * 60_000, "Body parsing error", id="60,000 levels"),
    pytest.param(b'{"vehicleId":"1\xff","timestamp":1}', "Body parsing error", id="bad UTF-8"),
    pytest.param(b'{"vehicleId":"1","timestamp":1}}', "Body parsing error", id="trailing bytes"),
    pytest.param(b'\xef\xbb\xbf{"vehicleId":"1","timestamp":1}', "Body parsing error", id="byte order mark"),
    pytest.param(b'{"vehicleId":"1","timestamp":true}', "Bad request", id="true for a number"),
    pytest.param(b'{"timestamp":1}', "Missing basic attributes", id="no vehicle"),
    pytest.param(b'{"vehicleId":"1"}', "Missing basic attributes", id="no time"),
    pytest.param(b'{"vehicleId":"1","timestamp":1,"rawdata":"130"}', "Bad request", id="odd hex"),
    pytest.param(b'{"vehicleId":"1","timestamp":1,"rawdata":"13zz"}', "Bad request", id="no hex"),
    pytest.param(b'{"vehicleId":"1","timestamp":1,"rawdata":"%s"}' % (b"00" * 13), "Bad request", id="13 bytes"),
]


@pytest.mark.parametrize(("body", "error"), BAD_BODIES)
async def test_a_bad_body_is_a_400_that_says_why_and_is_kept_once(way: Way, body: bytes, error: str) -> None:
    replies = [await way.post("/sigfox/uplink", body, role="sigfox") for _ in range(3)]
    assert [reply.status for reply in replies] == [400] * 3
    answer = json.loads(replies[0].body)
    assert answer.keys() == {"Error", "detail"}
    assert answer["Error"] == error
    assert len(answer["detail"]) < 200
    assert rows(way.path, "SELECT route, error, detail, times, body FROM rejected") == [
        ("POST /sigfox/uplink", error, answer["detail"], 3, body)
    ]
    assert way.count() == 0
    assert way.ingest.outcomes["rejected"] == 3


@pytest.mark.parametrize("payload", ["", "13", "130a4c0f594e427e4bb450", PAYLOAD, PAYLOAD.upper()])
async def test_every_length_of_payload_up_to_twelve_bytes_is_taken(way: Way, payload: str) -> None:
    await way.post("/sigfox/uplink", {"device": "1", "time": 1639400000, "data": payload})
    assert rows(way.path, "SELECT payload FROM history") == [(payload.lower(),)]


async def test_no_secret_of_a_refused_request_is_kept(way: Way) -> None:
    text = KEYS["sigfox"][0]
    secrets = {
        "authorization": "Basic " + base64.b64encode(f"sigfox:{text}".encode()).decode(),
        "cookie": "session=abcdef",
        "proxy_authorization": "Bearer abcdef",
    }
    assert (await way.post("/sigfox/uplink", b"{", role="sigfox", user_agent="SIGFOX", **secrets)).status == 400
    ((headers,),) = rows(way.path, "SELECT headers FROM rejected")
    assert json.loads(headers) == {
        "content-type": "application/json",
        "user-agent": "SIGFOX",
        **dict.fromkeys(("x-api-key", "authorization", "cookie", "proxy-authorization"), "***"),
    }
    for file in way.path.parent.glob("evd.db*"):
        content = file.read_bytes()
        for secret in (text, text.split("_")[3], *secrets.values()):
            assert secret.encode() not in content, file


@pytest.mark.parametrize("store_options", [{"create_unknown": False}])
async def test_where_vehicles_must_be_known(way: Way) -> None:
    reply = await way.post("/sigfox/uplink", ORIGINAL_CALLBACK)
    assert reply.status == 400
    assert "evd vehicle set 386625" in json.loads(reply.body)["detail"]
    assert rows(way.path, "SELECT times FROM rejected") == [(1,)]
    await way.writer.write(SetVehicle("386625", NOW))
    assert (await way.post("/sigfox/uplink", ORIGINAL_CALLBACK)).status == 201


async def test_a_vehicle_heard_for_the_first_time_is_created(way: Way) -> None:
    await way.post("/sigfox/uplink", ORIGINAL_CALLBACK)
    assert rows(way.path, "SELECT vehicle, created FROM vehicles") == [("386625", NOW)]


@pytest.mark.parametrize("store_options", [{"vehicles_max": 1}])
async def test_one_vehicle_too_many_is_a_400(way: Way) -> None:
    await way.post("/wlan", {"vehicleId": "1", "timestamp": 1})
    reply = await way.post("/wlan", {"vehicleId": "2", "timestamp": 1})
    assert (reply.status, json.loads(reply.body)["Error"]) == (400, "Too many vehicles")


async def test_overload_is_said_at_once_and_costs_nothing_accepted(
    open_store: Callable[..., SqliteDatabase], database: Path
) -> None:
    way = Way(open_store(), database)  # its writer does not run yet
    refused: list[Unavailable] = []

    async def post(i: int) -> None:
        try:
            await way.post("/wlan", {"vehicleId": "1", "timestamp": 1639400000 + i})
        except Unavailable as error:
            refused.append(error)

    async with trio.open_nursery() as nursery:
        for i in range(130):
            nursery.start_soon(post, i)
        await trio.testing.wait_all_tasks_blocked()
        assert len(refused) == 30
        assert {error.status for error in refused} == {503}
        assert all(error.retry_after_s >= 1 for error in refused)
        way.writer.close()
        nursery.start_soon(way.writer.run)
    ((kept, last),) = rows(database, "SELECT count(*), (SELECT kept FROM capacities) FROM statuses")
    assert (kept, last) == (10, 10), "the ring of ten, out of a hundred accepted"
    assert way.ingest.outcomes.total() == 100


json_bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([PAYLOAD, "null", "1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
bodies = st.one_of(
    st.binary(max_size=40),
    st.dictionaries(
        st.sampled_from(
            ["vehicleId", "timestamp", "rawdata", "seqNumber", "state", "range", "x", "location", "encoded"]
        ),
        json_bodies,
    ).map(lambda fields: json.dumps({"vehicleId": "1", "timestamp": 1639400000} | fields).encode()),
)


@settings(max_examples=30, deadline=None)
@given(sent=st.lists(bodies, min_size=1, max_size=20))
def test_law_whatever_is_sent_is_stored_or_refused_with_a_400(sent: list[bytes]) -> None:
    async def send(way: Way) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(way.writer.run)
            for body in sent:
                reply = await way.post("/wlan", body)
                assert reply.status in (201, 400)
            way.writer.close()

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "evd.db"
        store = new_store(path)
        try:
            trio.run(send, Way(store, path))
        finally:
            store.close()


async def test_wrong_keys_at_unknown_paths_are_guesses_too(way: Way) -> None:
    way.directory.keys.limit(GuessLimit(lambda: 0))
    asked = Request("POST", "/nothing", b"", {b"x-api-key": b"guess-guess"}, b"", "192.0.2.1")
    for _ in range(AT_ONCE):
        await way.ingest.keep_unserved(asked)
    with pytest.raises(TooManyRequests):
        way.directory.keys.require({b"x-api-key": b"another-guess"}, frozenset(ROLES), "192.0.2.1")
