"""Sigfox's callbacks through the way in: batches, downlinks, forms, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import orjson
import pytest
from builders import rows
from ingest_way import KEYS, NOW, Way, store_options, way

from evd.config.settings import SigfoxSettings
from evd.errors import BadRequest, Unauthorized
from evd.ingest.service import Ingest
from evd.model.operations import QueueDownlink, SetDeviceType, SetVehicle
from evd.model.units import DAY_MS
from evd.payload.formats import Formats
from evd.request.http import Reply, Request

__all__ = ["store_options", "way"]

TIME = NOW // 1000 - 3600
BYTES = b"\x01\x02\x03\x04\x05\x06\x07\x08"
FORM = "application/x-www-form-urlencoded"


async def send(
    way: Way, path: str, body: bytes, content_type: str = "text/plain", *, method: str = "POST", query: bytes = b""
) -> Reply:
    headers = {b"x-api-key": KEYS["sigfox"][0].encode(), b"content-type": content_type.encode()}
    return await way.ingest.accept(Request(method, path, query, headers, body, "192.0.2.1"))


def line(device: str, number: int, data: str = "00") -> str:
    return f"{device};{TIME + number};{data};{number};"


def stored(way: Way) -> list[Any]:
    return rows(way.path, "SELECT vehicle, seq FROM ring ORDER BY vehicle, position")


# Batches


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("trailing", ["", "\n", ";\n"])
async def test_a_batch_is_a_message_a_line(way: Way, end: str, trailing: str) -> None:
    body = end.join([line("A1", 1), line("A1", 2), line("B2", 7)]) + trailing
    reply = await send(way, "/sigfox/batch", body.encode())
    assert (reply.status, reply.body) == (201, b"")
    assert stored(way) == [("A1", 1), ("A1", 2), ("B2", 7)]
    assert way.writer.health.commits == 1
    again = await send(way, "/sigfox/batch", body.encode())
    assert again.status == 201
    assert way.ingest.outcomes["duplicate"] == 3


@pytest.mark.parametrize("name", ["batch", "var", "whatever"])
async def test_a_batch_may_stand_in_a_form_or_in_the_query(way: Way, name: str) -> None:
    text = quote("\n".join([line("A1", 1), line("B2", 2)]), safe="")
    by_form = await send(way, "/sigfox/batch", f"{name}={text}".encode(), FORM)
    by_query = await send(way, "/sigfox/batch", b"", "", method="GET", query=f"{name}={text}".encode())
    assert by_form.status == by_query.status == 201
    assert stored(way) == [("A1", 1), ("B2", 2)]


async def test_a_bad_line_costs_no_other_one_and_is_kept(way: Way) -> None:
    lines = [line("A1", 1), "A1;no time;00;2;", line("B2", 3, "0"), line("B2", 4)]
    reply = await send(way, "/sigfox/batch", "\n".join(lines).encode())
    assert reply.status == 207
    told = orjson.loads(reply.body)
    assert told["stored"] == 2
    assert [one["line"] for one in told["rejected"]] == [2, 3]
    assert "no time" in told["rejected"][0]["detail"]
    assert stored(way) == [("A1", 1), ("B2", 4)]
    kept = rows(way.path, "SELECT route, CAST(body AS TEXT), headers FROM rejected ORDER BY number")
    assert [(route, body) for route, body, _ in kept] == [
        ("POST /sigfox/batch", lines[1]),
        ("POST /sigfox/batch", lines[2]),
    ]
    assert orjson.loads(kept[0][2])["x-api-key"] == "***"
    assert way.writer.health.commits == 1


@pytest.mark.parametrize("body", [b"", b"\n\n", b"nothing;", b"A1;no time;00;2;\nA1;never;00;3;"])
async def test_a_batch_with_nothing_readable_is_refused_whole(way: Way, body: bytes) -> None:
    reply = await send(way, "/sigfox/batch", body)
    assert reply.status == 400
    assert rows(way.path, "SELECT body FROM rejected") == [(body,)]
    assert stored(way) == []


async def test_a_batch_of_ten_thousand_lines_is_one_transaction(
    open_store: Callable[..., Any], database: Path, nursery: Any
) -> None:
    store = open_store(capacity=10_001)
    wide = Way(store, database)
    wide.writer._queue.rows_max, wide.writer._queue.bytes_max = 16_384, 16 << 20
    nursery.start_soon(wide.writer.run)
    nursery.start_soon(wide.ingest.run)
    body = "\n".join(line("A1", number) for number in range(10_000))
    assert (await send(wide, "/sigfox/batch", body.encode())).status == 201
    assert wide.writer.health.commits == 1
    assert wide.count() == 10_000
    too_long = await send(wide, "/sigfox/batch", f"{body}\n{line('A1', 10_000)}".encode())
    assert too_long.status == 400
    assert b"10000" in too_long.body
    wide.writer.close()


async def test_lines_of_unknown_vehicles_are_distinguished(open_store: Any, database: Path, nursery: Any) -> None:
    strict = Way(open_store(create_unknown=False), database)
    nursery.start_soon(strict.writer.run)
    await strict.writer.write(SetVehicle("A1", NOW))
    alone = await send(strict, "/sigfox/batch", f"nothing\n{line('B2', 1)}".encode())
    assert (alone.status, orjson.loads(alone.body)["stored"]) == (400, 0), "nothing is taken of it"
    assert [one["line"] for one in orjson.loads(alone.body)["rejected"]] == [1, 2]
    assert rows(strict.path, "SELECT count(*) FROM rejected") == [(2,)], "each line by itself"
    reply = await send(strict, "/sigfox/batch", f"{line('A1', 1)}\n{line('B2', 2)}".encode())
    assert reply.status == 207
    (told,) = orjson.loads(reply.body)["rejected"]
    assert (told["line"], told["Error"]) == (2, "Unknown vehicle")
    kept = rows(strict.path, "SELECT error, CAST(body AS TEXT) FROM rejected WHERE number > 2")
    assert kept == [("Unknown vehicle", line("B2", 2))]
    strict.writer.close()


# Downlinks


async def queue(way: Way, vehicle: str, payload: bytes = BYTES) -> None:
    await way.writer.write(QueueDownlink(vehicle, payload, NOW, NOW + DAY_MS))


def asking(device: str, number: int) -> dict[str, Any]:
    return {"device": device, "time": TIME + number, "data": "00", "seqNumber": number, "ack": True}


async def test_a_device_that_asks_gets_its_bytes_and_a_redelivery_the_same(way: Way) -> None:
    await queue(way, "A1")
    await queue(way, "A1", bytes(8))
    body = orjson.dumps(asking("00a1", 1))
    for _ in range(2):
        reply = await send(way, "/sigfox/bidir", body, "application/json")
        assert reply.status == 200
        assert orjson.loads(reply.body) == {"00a1": {"downlinkData": BYTES.hex()}}
    second = await send(way, "/sigfox/bidir", orjson.dumps(asking("00a1", 2)), "application/json")
    assert orjson.loads(second.body) == {"00a1": {"downlinkData": "0000000000000000"}}
    assert stored(way) == [("A1", 1), ("A1", 2)]


@pytest.mark.parametrize(("path", "status"), [("bidir", 204), ("callback", 204), ("uplink", 201)])
async def test_who_asks_in_vain_gets_a_refusal(way: Way, path: str, status: int) -> None:
    reply = await send(way, f"/sigfox/{path}", orjson.dumps(asking("A1", 1)), "application/json")
    assert (reply.status, reply.body) == (status, b"")
    assert dict(reply.headers)[b"x-status-id"]


async def test_who_does_not_ask_is_given_nothing(way: Way) -> None:
    await queue(way, "A1")
    body = orjson.dumps(asking("A1", 1) | {"ack": False})
    assert (await send(way, "/sigfox/bidir", body, "application/json")).status == 201
    assert rows(way.path, "SELECT state FROM downlinks") == [("queued",)]


async def test_an_acknowledge_closes_what_was_offered(way: Way) -> None:
    await queue(way, "A1")
    await send(way, "/sigfox/bidir", orjson.dumps(asking("A1", 1)), "application/json")
    told = {"device": "A1", "time": TIME + 1, "infoCode": 0, "infoMessage": "Acked", "downlinkAck": True}
    for _ in range(2):
        assert (await send(way, "/sigfox/acknowledge", orjson.dumps(told), "application/json")).status == 201
    assert rows(way.path, "SELECT state, info_code FROM downlinks") == [("acknowledged", 0)]
    assert rows(way.path, "SELECT count(*) FROM notes") == [(1,)]


@pytest.fixture
def batch_pattern() -> str:
    return "{device};{time};{data};{seqNumber};{ack};"


def with_pattern(way: Way, batch_pattern: str) -> None:
    settings = SigfoxSettings(batch_pattern=batch_pattern)
    way.ingest = Ingest(way.writer, way.directory, Formats({}, "ev"), settings=settings, clock=lambda: NOW)
    way.nursery.start_soon(way.ingest.run)


async def test_a_batch_whose_messages_ask_gets_one_reply_for_all(way: Way, batch_pattern: str) -> None:
    with_pattern(way, batch_pattern)
    await queue(way, "A1")
    body = f"a1;{TIME};00;1;true;\nB2;{TIME};00;2;true;\nC3;{TIME};00;3;false;\nbad"
    reply = await send(way, "/sigfox/batch", body.encode())
    assert reply.status == 200
    assert orjson.loads(reply.body) == {"a1": {"downlinkData": BYTES.hex()}, "B2": {"noData": True}}
    assert stored(way) == [("A1", 1), ("B2", 2), ("C3", 3)]
    assert rows(way.path, "SELECT CAST(body AS TEXT) FROM rejected") == [("bad",)]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_of_two_messages_of_a_batch_that_ask_the_newest_is_answered_and_nothing_is_lost(
    way: Way, batch_pattern: str, order: tuple[int, int]
) -> None:
    """The reply has room for one downlink a device, so that only one may be taken out of the queue."""
    with_pattern(way, batch_pattern)
    other = bytes(8)
    await queue(way, "A1")
    await queue(way, "A1", other)
    body = "\n".join(f"A1;{TIME + number};00;{number};true;" for number in order)
    for _ in range(2):  # a redelivery gets the same
        reply = await send(way, "/sigfox/batch", body.encode())
        assert orjson.loads(reply.body) == {"A1": {"downlinkData": BYTES.hex()}}
    assert rows(way.path, "SELECT state, asked_time FROM downlinks ORDER BY number") == [
        ("offered", (TIME + 2) * 1000),
        ("queued", None),
    ]


async def test_a_batch_that_is_larger_than_the_queue_is_taken_all_the_same(way: Way, batch_pattern: str) -> None:
    with_pattern(way, batch_pattern)
    body = "\n".join(f"A{number};{TIME};00;{number};true;" for number in range(80))  # 160 rows, the queue has 100
    assert (await send(way, "/sigfox/batch", body.encode())).status == 200
    assert way.count() == 80


async def test_a_refused_message_takes_no_downlink(open_store: Any, database: Path, nursery: Any) -> None:
    strict = Way(open_store(create_unknown=False), database)
    nursery.start_soon(strict.writer.run)
    await queue(strict, "A1")
    refused = await send(strict, "/sigfox/bidir", orjson.dumps(asking("A1", 1)), "application/json")
    assert refused.status == 400
    await strict.writer.write(SetVehicle("A1", NOW))
    taken = await send(strict, "/sigfox/bidir", orjson.dumps(asking("A1", 2)), "application/json")
    assert orjson.loads(taken.body) == {"A1": {"downlinkData": BYTES.hex()}}
    strict.writer.close()


# Shapes


async def test_the_same_message_is_the_same_in_every_shape(way: Way) -> None:
    message = {"device": "A1", "time": TIME, "data": "0102", "seqNumber": 4}
    texts = {name: str(value) for name, value in message.items()}
    replies = [
        await send(way, "/sigfox/uplink", orjson.dumps(message), "application/json"),
        await send(way, "/sigfox/uplink", orjson.dumps(texts), "application/json"),
        await send(way, "/sigfox/uplink", orjson.dumps(texts), FORM),  # what curl -d calls it
        await send(way, "/sigfox/uplink", urlencode(texts).encode(), FORM, method="PUT"),
        await send(way, "/sigfox/callback", b"", "", method="GET", query=urlencode(texts).encode()),
        await send(
            way,
            "/sigfox/callback",
            b'{"data":"0102"}',
            "application/json",
            query=b"device=A1&seqNumber=4&time=%d" % TIME,
        ),
    ]
    assert {reply.status for reply in replies} == {201}
    assert len({dict(reply.headers)[b"x-status-id"] for reply in replies}) == 1
    assert stored(way) == [("A1", 4)]


async def test_a_form_may_show_its_key_which_is_never_kept(way: Way) -> None:
    secret = KEYS["sigfox"][0]
    body = urlencode({"key": secret, "device": "A1", "time": "soon", "data": "00"}).encode()
    request = Request("POST", "/sigfox/uplink", b"", {b"content-type": FORM.encode()}, body, "")
    assert (await way.ingest.accept(request)).status == 400
    ((kept,),) = rows(way.path, "SELECT body FROM rejected")
    assert secret.encode() not in kept
    assert b"device=A1" in kept
    wrong = msgspec.structs.replace(request, headers={b"x-api-key": b"wrong"}, body=b"{}")
    with pytest.raises(Unauthorized, match="unknown or revoked"):
        await way.ingest.accept(wrong)
    both = msgspec.structs.replace(request, headers={**request.headers, b"x-api-key": secret.encode()})
    assert (await way.ingest.accept(both)).status == 400
    assert rows(way.path, "SELECT times, instr(body, ?) FROM rejected", secret.encode()) == [(2, 0)]
    by_url = Request("POST", "/sigfox/uplink", f"key={secret}".encode(), {}, b"{}", "")
    with pytest.raises(Unauthorized):
        await way.ingest.accept(by_url)


@pytest.mark.parametrize(
    ("path", "content_type", "query", "body"),
    [
        ("/sigfox/uplink", FORM, "", "key={key}&device=A1"),
        ("/sigfox/batch", FORM, "", "key={key}&a=1&b=2"),
        ("/sigfox/uplink", "application/json", "key={key}&x=1", '{{"device":"A1"}}'),
        ("/sigfox/uplink", "application/json", "", '{{"key":"{key}","device":"A1"}}'),
        ("/sigfox/uplink", "application/json", "", '{{"device":"A1","key":"{key}",'),
        ("/sigfox/uplink", "application/json", "", f'{{{{"device":"A1","time":{TIME},"data":"00","key":"{{key}}"}}}}'),
        ("/sigfox/error", "application/json", "", f'{{{{"device":"A1","time":{TIME},"info":"x","key":"{{key}}"}}}}'),
    ],
)
async def test_a_key_that_stands_beside_the_one_in_the_header_is_not_kept_either(
    way: Way, path: str, content_type: str, query: str, body: str
) -> None:
    secret = KEYS["sigfox"][0]
    await send(way, path, body.format(key=secret).encode(), content_type, query=query.format(key=secret).encode())
    kept = [
        *rows(way.path, "SELECT route || headers || CAST(body AS TEXT) FROM rejected"),
        *rows(way.path, "SELECT CAST(document AS TEXT) FROM statuses"),
        *rows(way.path, "SELECT document FROM notes"),
    ]
    assert len(kept) == 1
    assert secret not in str(kept)


async def test_long_headers_are_not_kept_for_each_bad_line(way: Way) -> None:
    headers = {b"x-api-key": KEYS["sigfox"][0].encode(), b"x-note": b"short", b"x-long": b"l" * 12_000}
    body = f"{line('A1', 1)}\nbad\nworse".encode()
    assert (await way.ingest.accept(Request("POST", "/sigfox/batch", b"", headers, body, ""))).status == 207
    kept = [orjson.loads(headers) for (headers,) in rows(way.path, "SELECT headers FROM rejected")]
    assert kept == 2 * [{"x-note": "short", "x-api-key": "***", "content-type": "text/plain; charset=utf-8"}]


async def test_legacy_variables_are_kept_and_identify_nothing(way: Way) -> None:
    message = {"device": "A1", "time": TIME, "data": "00", "seqNumber": 1}
    first = await send(
        way, "/sigfox/uplink", orjson.dumps(message | {"station": "1F2E", "snr": 12.5}), "application/json"
    )
    second = await send(
        way,
        "/sigfox/uplink",
        orjson.dumps(message | {"station": "9999", "duplicate": True, "lat": 1}),
        "application/json",
    )
    assert first == second
    ((document, fields),) = rows(way.path, "SELECT document, fields FROM ring")
    assert "1F2E" in document
    assert "station" not in fields


async def test_a_device_type_s_format_decodes_its_devices(way: Way) -> None:
    await way.writer.write(SetDeviceType("5d8cdc8fe833d938320a1ba4", "trailer", NOW))
    message = {"device": "A1", "time": TIME, "data": "2a", "deviceTypeId": "5D8CDC8FE833D938320A1BA4"}
    reply = await send(way, "/sigfox/uplink", orjson.dumps(message), "application/json")
    assert await way.fields_of(reply) == {"load": 42}
    other = await send(way, "/sigfox/uplink", orjson.dumps(message | {"deviceTypeId": "ff"}), "application/json")
    assert other.status == 201


# What comes back later


async def test_a_rejected_callback_can_be_taken_again_once_it_is_right(way: Way) -> None:
    bad = Request("POST", "/sigfox/uplink", b"", {}, b'{"device":"A1"}', "")
    with pytest.raises(BadRequest, match="lacks"):
        await way.ingest.replay(bad)
    assert rows(way.path, "SELECT count(*) FROM rejected") == [(0,)]
    good = Request("POST", "/sigfox/batch", b"", {b"content-type": b"text/plain"}, line("A1", 1).encode(), "")
    assert (await way.ingest.replay(good)).reply.status == 201
    assert stored(way) == [("A1", 1)]
    with pytest.raises(BadRequest, match="no route"):
        await way.ingest.replay(Request("POST", "/nowhere", b"", {}, b"", ""))


async def test_a_document_of_the_rest_api_is_the_message_that_was_called_back(way: Way) -> None:
    called_back = {"device": "A1", "time": TIME, "data": "00", "seqNumber": 1}
    assert (await send(way, "/sigfox/uplink", orjson.dumps(called_back), "application/json")).status == 201
    document = called_back | {"time": TIME * 1000 + 417}
    assert await way.ingest.accept_document("uplink", document) == "duplicate"
    assert await way.ingest.accept_document("", document | {"seqNumber": 2}) == "newest"
    assert await way.ingest.accept_document("uplink", {"device": "A1"}) == "rejected"
