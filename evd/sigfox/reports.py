"""A callback that is no message → what is to be written of it, by the reader of its kind.

Numbers may be quoted or bare, and the report is the same: it is hashed over its values, never over its text.
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

#: Not part of what a report says: for one frame each station gives radio variables of its own, and the envelope is
#: hashed by itself.
_APART = ENVELOPE_NAMES | {"snr", "rssi", "avgSnr", "signal", "avgSignal", "station", "duplicate"}
_POSITION = frozenset({"lat", "lng"})

_number_text = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EXACT = 2**53  # whole numbers below it are the same as a float


class Report(NamedTuple):
    """A callback that is no message; `report_id` is the same for each delivery. `vehicle` is empty for a group's."""

    vehicle: str
    report_id: str
    operations: tuple[Operation, ...]


def report(name: str, document: Mapping[str, Any], *, now: int, raw: bytes) -> Report:
    """What a callback of the kind of this name reports; the kind is one with a reader. Raises BadRequest.

    `now` is the server's time in epoch ms; `raw` is what is kept of the callback, as text.
    """
    kind = KINDS[name]
    assert kind.report is not None, "a message is no report"
    require(name, document)
    head = kind.envelope(document)
    # Sigfox knows seconds; its REST API gives ms, and the same report must be the same by either way.
    time = head.time - head.time % 1000
    report_id = identity(name, head.vehicle, time, head.seq, _content(kind, document))
    callback = ReadCallback(name, head.vehicle, time, head.seq, document, report_id, now, raw)
    return Report(head.vehicle, report_id, kind.report(callback))


def _content(kind: Kind, document: Mapping[str, Any]) -> bytes:
    """What a report says, in one spelling."""
    apart = _APART if kind.position else _APART | _POSITION
    return canonical(_plain({name: value for name, value in document.items() if name not in apart}))


def _plain(value: Any) -> Any:
    """A value as text, the same whether it was quoted or bare; null and "" are no value."""
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
