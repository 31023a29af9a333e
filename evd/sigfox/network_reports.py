"""The operations of a callback that carries no message, made by its kind's reader.

A report's id is a hash of its values, not of its text, so quoted and bare numbers give the same id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from evd.model.operations import Operation
from evd.model.status import canonical, identity
from evd.sigfox.kind_recognition import require
from evd.sigfox.kinds.kind import Kind
from evd.sigfox.kinds.readers import ReadCallback
from evd.sigfox.kinds.registry import KINDS
from evd.sigfox.message import ENVELOPE_NAMES

#: Excluded from the hash: base stations send different radio variables for one frame, and the envelope is hashed
#: separately.
_APART = ENVELOPE_NAMES | {"snr", "rssi", "avgSnr", "signal", "avgSignal", "station", "duplicate"}
_POSITION = frozenset({"lat", "lng"})

_number_text = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EXACT = 2**53  # a float represents every whole number below it exactly


class NetworkReport(NamedTuple):
    """A callback without a message; each delivery has the same `report_id`. A group's callback names no `vehicle`."""

    vehicle: str
    report_id: str
    operations: tuple[Operation, ...]


def report(name: str, document: Mapping[str, Any], *, now: int, raw: bytes) -> NetworkReport:
    """Read a callback of the kind `name`, which must be one with a reader. Raises BadRequest.

    `now` is the server's time in epoch ms; `raw` is the document to keep.
    """
    kind = KINDS[name]
    assert kind.report is not None, "a message is no report"
    require(name, document)
    head = kind.envelope(document)
    # Callbacks have seconds, Sigfox's REST API ms; the same report must get the same id from either.
    time = head.time - head.time % 1000
    report_id = identity(name, head.vehicle, time, head.seq, _content(kind, document))
    callback = ReadCallback(name, head.vehicle, time, head.seq, document, report_id, now, raw)
    return NetworkReport(head.vehicle, report_id, kind.report(callback))


def _content(kind: Kind, document: Mapping[str, Any]) -> bytes:
    """The values of a report in canonical form."""
    apart = _APART if kind.position else _APART | _POSITION
    return canonical(_plain({name: value for name, value in document.items() if name not in apart}))


def _plain(value: Any) -> Any:
    """A value as text, the same whether it was quoted or bare; None for null and ""."""
    if isinstance(value, Mapping):
        return {name: plain for name, one in value.items() if (plain := _plain(one)) is not None}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if value is None or value in ("null", ""):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) or _number_text.fullmatch(value):
        number = float(value)
        return str(int(number)) if abs(number) < _EXACT and number.is_integer() else repr(number)
    return value
