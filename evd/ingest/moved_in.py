"""Statuses that move in from another system: read as callbacks and posts are, but received when they were measured.

So a history is not pushed to phones as news, and no event of today is dated by an old status.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from evd.errors import BadRequest
from evd.ingest.parser import Parser
from evd.model.json_bytes import json_bytes
from evd.model.operations import Arrive, Several
from evd.redaction.requests import masked_bytes, may_hold_secret
from evd.sigfox.kinds.registry import UPLINK
from evd.sigfox.message import refuse_deep


def read_moved(reading: Parser, document: dict[str, Any], connectivity: int, now: int) -> Several:
    """The operations of a status, of which the first is its arrival. Raises BadRequest."""
    try:
        kept = json_bytes(document)
    except (orjson.JSONEncodeError, RecursionError):
        raise BadRequest("the status is nested too deeply", error="Body parsing error") from None
    refuse_deep(document, kept)
    if may_hold_secret(kept):
        kept = masked_bytes(kept)
        document = orjson.loads(kept)
    callback = reading.callback(UPLINK, document, connectivity, kept, now, live=False)
    first, *more = callback.operations
    if not isinstance(first, Arrive):
        raise BadRequest(
            f"vehicle {callback.vehicle} is ignored: `evd vehicle ignore {callback.vehicle} --off` ends that",
            error="Ignored vehicle",
        )
    return Several((msgspec.structs.replace(first, received=min(first.time, now)), *more))
