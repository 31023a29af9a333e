"""One ordinary callback from its body to what the writer is given: by the fast path, and by the readable way.

.venv/bin/pytest bench/bench_callback.py
"""

from __future__ import annotations

from typing import Any, cast

import pytest

from evd.ingest._fast_path import FastPath
from evd.ingest.cache import IngestCache
from evd.ingest.service import Ingest
from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive
from evd.payload.formats import Formats
from evd.sigfox.message import read_json, read_message
from evd.store.writer import Writer

NOW = 1_700_000_001_000
BODIES = {
    "short": b'{"device":"1A2B3C","time":1700000000,"data":"130a4c0f594e427e4bb45088","seqNumber":12}',
    "all variables": (
        b'{"device":"1A2B3C", "time":"1700000000", "data":"130a4c0f594e427e4bb45088", "seqNumber":"12",\n'
        b' "deviceTypeId":"5c8b7a6f5e4d3c2b1a098765", "station":"0FFF", "rssi":-112.5, "snr":12.25, "avgSnr":"null",\n'
        b' "duplicate":false, "lat":49.0, "lng":2.0, "ack":null, "longPolling":false}'
    ),
}
FORMATS = Formats({}, "ev")
FAST_PATH = FastPath(FORMATS.default, {})
INGEST = Ingest(cast(Writer, None), IngestCache([], []), FORMATS)  # reading a callback needs no writer


def fast_path(body: bytes) -> Arrive | None:
    return FAST_PATH.read(body, SIGFOX, NOW)


def readable(body: bytes) -> Arrive | None:
    return INGEST._reading._arrival(read_message(read_json(body)), SIGFOX, body, NOW)


@pytest.mark.parametrize("way", [fast_path, readable])
@pytest.mark.parametrize("body", BODIES)
def bench_callback(benchmark: Any, body: str, way: Any) -> None:
    benchmark.group = f"a callback's body to its arrival: {body}"
    assert benchmark(way, BODIES[body]) == readable(BODIES[body])
