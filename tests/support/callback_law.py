"""The readable way from a body to its arrival, which the fast path must agree with."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from evd.config.settings import SigfoxSettings
from evd.ingest._fast_path import FastPath
from evd.ingest.cache import IngestCache
from evd.ingest.parser import Parser
from evd.model.connectivity import SIGFOX
from evd.model.operations import Arrive
from evd.payload.formats import Formats
from evd.redaction.requests import masked_bytes
from evd.sigfox.kinds.registry import UPLINK
from evd.sigfox.message import read_json

NOW = 1_700_000_001_000
FORMATS = Formats({}, "ev")
FAST_PATH = FastPath(FORMATS.default, {})


def readable(body: bytes, connectivity: int = SIGFOX, now: int = NOW, formats: Formats = FORMATS) -> Arrive:
    """What the readable way makes of a body; no writer takes part in that."""
    reading = Parser(IngestCache([], []), formats, SigfoxSettings(), Counter())
    body = masked_bytes(body)
    callback = reading.callback(UPLINK, read_json(body), connectivity, body, now, live=False)
    (arrival,) = callback.operations
    assert isinstance(arrival, Arrive)
    return arrival


def typed(arrival: Arrive) -> list[tuple[str, Any]]:
    """Its fields with their types: True is no 1 here."""
    return [(type(value).__name__, value) for value in msgspec.structs.astuple(arrival)]


def assert_law(body: bytes, connectivity: int = SIGFOX, now: int = NOW) -> bool:
    """An Arrive is what the readable way gives; where that refuses the body, there is none. Whether there is one."""
    found = FAST_PATH.read(body, connectivity, now)
    if found is not None:
        assert typed(found) == typed(readable(body, connectivity, now)), body
    return found is not None
