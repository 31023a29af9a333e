"""The recorded-style callbacks of `callbacks/`, a file a kind and a callback a line, and what evd makes of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import orjson

from evd.errors import BadRequest
from evd.model.operations import Annotate, CloseDownlink, Frame, Modem, Note
from evd.request.body import LinePattern, read_batch, read_document
from evd.sigfox.kind_recognition import kind_of
from evd.sigfox.kinds.registry import DATA_KINDS
from evd.sigfox.message import read_message
from evd.sigfox.network_reports import report

DIRECTORY = Path(__file__).with_name("callbacks")
BATCH = "batch"
BATCH_PATTERN = LinePattern.parse("{device};{time};{data};{seqNumber};")
NOW = 1_700_000_000_000


class Recorded(NamedTuple):
    """One line of a file; `route` is the file's name, and that of the kind's route below /sigfox/."""

    route: str
    name: str
    method: str
    content_type: str
    query: str
    body: str
    expect: dict[str, Any]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return {b"content-type": self.content_type.encode()} if self.content_type else {}


def recorded(route: str) -> list[Recorded]:
    lines = (DIRECTORY / f"{route}.jsonl").read_text("utf-8").splitlines()
    return [Recorded(route, **orjson.loads(line)) for line in lines]


def routes() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob("*.jsonl"))


def summary(callback: Recorded, route: str) -> dict[str, Any]:
    """What comes of a callback on a route ("" is the one for all kinds), in the words of `expect`."""
    try:
        if callback.route == BATCH:
            return {"lines": _lines(callback)}
        document = read_document(
            method=callback.method,
            headers=callback.headers,
            query=callback.query.encode(),
            body=callback.body.encode(),
            pattern=None,
        )
        return of_document(route or kind_of(document), document)
    except BadRequest as refusal:
        assert refusal.detail
        return {"error": refusal.error}


def of_document(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    return _message(kind, document) if kind in DATA_KINDS else _report(kind, document)


def _lines(callback: Recorded) -> list[dict[str, Any]]:
    lines = read_batch(
        headers=callback.headers,
        query=callback.query.encode(),
        body=callback.body.encode(),
        pattern=BATCH_PATTERN,
        lines_max=100,
    )
    return [{"line": line.number} | _line(line.variables) for line in lines]


def _line(variables: dict[str, Any] | BadRequest) -> dict[str, Any]:
    try:
        if isinstance(variables, BadRequest):
            raise variables
        message = _message("uplink", variables)
    except BadRequest as refusal:
        return {"error": refusal.error}
    return {name: message[name] for name in ("vehicle", "time", "seq", "payload")}


def _message(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    message = read_message(document)
    return {
        "kind": kind,
        "vehicle": message.vehicle,
        "time": message.time,
        "seq": message.seq,
        "payload": None if message.payload is None else message.payload.hex(),
        "fields": message.fields,
        "device_type": message.device_type,
        "asks": message.asks,
    }


def _report(kind: str, document: dict[str, Any]) -> dict[str, Any]:
    """A table of what each operation adds: a kind has one of each at most."""
    told = report(kind, document, now=NOW, raw=b"{}")
    found: dict[str, Any] = {"kind": kind, "vehicle": told.vehicle, "modem": None, "frame": False}
    for one in told.operations:
        found["time"] = one.time
        match one:
            case Note():
                found |= {"note": one.text, "severity": one.severity}
            case Modem():
                found |= {"modem": [one.battery_v, one.temperature_c]}
            case Frame():
                found |= {"frame": True, "seq": one.seq}
            case CloseDownlink():
                found |= {"info_code": one.info_code}
            case Annotate():
                payload = None if one.payload is None else one.payload.hex()
                radio = orjson.loads(one.radio)
                found |= {"values": values} if (values := radio.pop("values", None)) else {}
                found |= {"seq": one.seq, "payload": payload, "radio": radio, "location": one.location}
    return {"seq": None} | found
