"""Messages in random order, with random repeats, in random kinds and shapes, end as if each had come once and in order.

Through the real ingest, writer and database; only time is given.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson
import trio
from builders import new_store, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.auth.api_keys import new_key
from evd.config.settings import SigfoxSettings
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.model.commits import CommitSummary
from evd.payload.formats import Formats
from evd.request.http import Request
from evd.store.writer import Writer

NOW = 1_700_000_000_000
START = NOW // 1000 - 3 * 86_400
VEHICLES = ("386625", "A1")
PATTERN = "{device};{time};{data};{seqNumber};{lqi};"
KEY, KEY_ROW = new_key("sigfox")
ADMIN, ADMIN_ROW = new_key("admin")


class Said(NamedTuple):
    """One thing that Sigfox says: its kind, its variables."""

    kind: str
    variables: dict[str, Any]


class Delivery(NamedTuple):
    """One HTTP request of Sigfox's."""

    path: str
    method: str
    content_type: str
    query: bytes
    body: bytes


@st.composite
def network(draw: st.DrawFn) -> list[Said]:
    """What two devices say in three days: messages, STATUS frames that share their count, and what is said of them."""
    said: list[Said] = []
    for vehicle in VEHICLES:
        time, seq = START, draw(st.integers(0, 4095))
        for _ in range(draw(st.integers(1, 8))):
            time += draw(st.integers(1, 40_000))
            seq = (seq + draw(st.sampled_from((1, 1, 1, 2, 7)))) % 4096
            common = {"device": vehicle, "time": time, "seqNumber": seq}
            kind = draw(st.sampled_from(("uplink", "uplink", "uplink", "bidir", "status")))
            if kind == "status":
                said.append(Said("status", common | {"batt": 3.25, "temp": draw(st.integers(-20, 40))}))
                continue
            data = draw(st.binary(max_size=12)).hex()
            said.append(Said(kind, common | {"data": data} | ({"ack": True} if kind == "bidir" else {})))
            if draw(st.booleans()):
                place = {"lat": 48.125, "lng": draw(st.integers(-90, 90)) / 2, "radius": 1000, "source": 2, "status": 1}
                place = draw(st.sampled_from(({}, {"computedLocation": place})))
                said.append(Said("advanced", common | {"data": data, "lqi": "GOOD"} | place))
            if draw(st.integers(0, 4)) == 0:
                said.append(Said("error", {"device": vehicle, "time": time, "info": "no frame", "severity": "WARN"}))
    return said


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


SHAPES = ("json", "quoted", "form", "query", "common route", "batch")


def delivery(said: Said, shape: str) -> Delivery:
    path = f"/sigfox/{said.kind}"
    texts = {name: as_text(value) for name, value in said.variables.items()}
    if shape == "batch" and said.kind == "uplink":
        line = ";".join([*(texts[name] for name in ("device", "time", "data", "seqNumber")), "", ""])
        return Delivery("/sigfox/batch", "POST", "text/plain", b"", line.encode() + b"\r\n")
    if shape == "form":
        return Delivery(path, "POST", "application/x-www-form-urlencoded", b"", urlencode(texts).encode())
    if shape == "query":
        return Delivery(path, "GET", "", urlencode(texts).encode(), b"")
    body = orjson.dumps(texts if shape == "quoted" and said.kind != "advanced" else said.variables)
    return Delivery("/sigfox/callback" if shape == "common route" else path, "PUT", "application/json", b"", body)


class Ended(NamedTuple):
    """What a reader finds."""

    last: list[Any]
    ring: list[Any]
    notes: list[Any]
    modems: list[Any]
    days: list[Any]
    waiting: list[Any]


async def deliver(deliveries: Sequence[Delivery]) -> tuple[Ended, list[tuple[str, str]]]:
    """What stands in the database afterwards, and what phones would be told as (vehicle, status id), in that order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evd.db"
        store = new_store(path, capacity=50)
        directory = IngestCache([KEY_ROW, ADMIN_ROW], [])
        bounds = {"queue_rows_max": 1000, "queue_bytes_max": 1 << 20, "batch_rows_max": 50, "answer_timeout_s": 8}
        pushes: list[tuple[str, str]] = []

        class Pushed:
            def committed(self, summary: CommitSummary) -> None:
                pushes.extend((one.vehicle, one.status_id) for one in summary.newest)

        writer = Writer(store, **bounds)
        writer.observers += [directory, Pushed()]
        settings = SigfoxSettings(batch_pattern=PATTERN)
        ingest = Ingest(writer, directory, Formats({}, "ev"), settings=settings, clock=lambda: NOW)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(writer.run)
                for one in deliveries:
                    headers = {b"x-api-key": KEY.encode(), b"content-type": one.content_type.encode()}
                    reply = await ingest.accept(Request(one.method, one.path, one.query, headers, one.body, ""))
                    assert reply.status in (201, 204), (one, reply)
                writer.close()
            ended = Ended(
                rows(path, "SELECT vehicle, id, fields FROM last ORDER BY vehicle"),
                rows(
                    path, "SELECT vehicle, position, id, time, seq, fields, radio FROM ring ORDER BY vehicle, position"
                ),
                rows(path, "SELECT id, vehicle, kind, severity, time, text FROM notes ORDER BY id"),
                rows(path, "SELECT vehicle, time, battery_v, temperature_c FROM modems ORDER BY vehicle"),
                rows(path, "SELECT vehicle, day, received, lost, resets FROM days ORDER BY vehicle, day"),
                rows(path, "SELECT vehicle, time, seq FROM radio_waiting"),
            )
            return ended, pushes
        finally:
            store.close()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_random_order_repeats_kinds_and_shapes_end_as_once_and_in_order(data: st.DataObject) -> None:
    said = data.draw(network())
    in_order = [delivery(one, "json") for one in sorted(said, key=lambda one: one.variables["time"])]
    repeated = said + data.draw(st.lists(st.sampled_from(said), max_size=10))
    shuffled = data.draw(st.permutations(repeated))
    shaped = [delivery(one, data.draw(st.sampled_from(SHAPES))) for one in shuffled]
    expected, expected_pushes = trio.run(deliver, in_order)
    found, pushes = trio.run(deliver, shaped)
    assert found == expected
    # A phone is told of no message twice, of none that in order it would not be, and at last of the same one.
    assert len(set(pushes)) == len(pushes)
    assert set(pushes) <= set(expected_pushes)
    assert dict(pushes) == dict(expected_pushes)
    assert not found.waiting
