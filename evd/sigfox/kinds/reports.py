"""A callback that is no message → what is to be written of it. A new kind is a row of REPORTS.

Numbers may be quoted or bare, and the report is the same: it is hashed over its values, never over its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from evd.errors import BadRequest
from evd.model.operations import Annotate, Arrive, CloseDownlink, Frame, Modem, Note, Operation
from evd.model.plain_text import excerpt
from evd.model.status import canonical, identity
from evd.sigfox import radio_metadata as radio
from evd.sigfox.downlinks import FAILED, info_code
from evd.sigfox.kinds.table import KIND_NAMES, NUMBER_NAMES, RADIO, REPEATED, require
from evd.sigfox.message import (
    PAYLOAD_NAMES,
    SEQ_ALIASES,
    SEQ_NAMES,
    TIME_NAMES,
    VEHICLE_NAMES,
    Envelope,
    first_of,
    read_envelope,
    read_number,
    read_payload,
    read_sequence,
    read_time,
)

TEXT_MAX = 300
"""Characters of Sigfox's words that go into the text of a note; the whole stands in its document."""

INFO_CODE_MAX = 2**31 - 1
SEVERITIES = {"ERROR": "error", "WARN": "warn", "WARNING": "warn", "INFO": "info"}
"""Sigfox's severities → a note's."""

#: Not part of what a report says: the envelope is hashed by itself, and each station gives radio variables of its own
#: for one frame (sigfox.md B1, before 2019).
_ENVELOPE = frozenset(
    {*VEHICLE_NAMES, *TIME_NAMES, *SEQ_NAMES, *SEQ_ALIASES, *KIND_NAMES, *NUMBER_NAMES, "version", "key"}
)
_OF_THE_MESSAGE = _ENVELOPE | {*PAYLOAD_NAMES}
_OF_THE_STATION = frozenset({"snr", "rssi", "avgSnr", "signal", "avgSignal", "station", "duplicate"})
_POSITION = frozenset({"lat", "lng"})  # of the station too, but for a GEOLOC

_number_text = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EXACT = 2**53  # whole numbers below it are the same as a float


class Report(NamedTuple):
    """A callback that is no message; `report_id` is the same for each delivery. `vehicle` is empty for a group's."""

    vehicle: str
    report_id: str
    operations: tuple[Operation, ...]


class _Told(NamedTuple):
    """What was read of a callback, whatever its kind; `time` is epoch ms in whole seconds."""

    kind: str
    vehicle: str
    time: int
    seq: int | None
    document: Mapping[str, Any]
    report_id: str
    now: int
    raw: bytes

    def text(self, name: str) -> str:
        """A variable as it may stand in a sentence: one line, bounded; empty where it has no value."""
        value = first_of(self.document, (name,))
        if value is None:
            return ""
        whole = value if isinstance(value, str) else orjson.dumps(value).decode()
        words = " ".join(whole[: 4 * TEXT_MAX].split())
        shown = excerpt(words, len(words))
        return shown if len(shown) <= TEXT_MAX else f"{shown[: TEXT_MAX - 3]}..."

    def number(self, name: str) -> float | None:
        """Raises BadRequest for what is there and no number."""
        value = first_of(self.document, (name,))
        return None if value is None else float(read_number(name, value))

    def note(self, severity: str, text: str) -> Note:
        return Note(
            self.report_id, self.vehicle, self.kind, severity, self.time, text, document=self.raw, received=self.now
        )


def report(kind: str, document: Mapping[str, Any], *, now: int, raw: bytes) -> Report:
    """What a callback of this kind (one of REPORTS) reports. Raises BadRequest.

    `now` is the server's time in epoch ms; `raw` is what is kept of the callback, as text.
    """
    require(kind, document)
    head = _group_envelope(document) if kind == "event" else read_envelope(document)
    # Sigfox knows seconds; its REST API gives ms, and the same report must be the same by either way.
    time = head.time - head.time % 1000
    report_id = identity(kind, head.vehicle, time, head.seq, _content(kind, document))
    told = _Told(kind, head.vehicle, time, head.seq, document, report_id, now, raw)
    return Report(head.vehicle, report_id, REPORTS[kind](told))


def _group_envelope(document: Mapping[str, Any]) -> Envelope:
    """Of an event, which may concern a device, a device type or a group; only the first is a vehicle."""
    spelling = first_of(document, VEHICLE_NAMES)
    if spelling is None and str(document.get("sourceType", "")).upper() == "DEVICE":
        spelling = first_of(document, ("sourceId",))
    if spelling is not None:
        return read_envelope({**document, VEHICLE_NAMES[0]: spelling})
    return Envelope("", "", read_time(document), read_sequence(document))


def _content(kind: str, document: Mapping[str, Any]) -> bytes:
    """What a report says, in one spelling."""
    apart = _ENVELOPE | _OF_THE_STATION if kind == "geoloc" else _ENVELOPE | _OF_THE_STATION | _POSITION
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


def _status(told: _Told) -> tuple[Operation, ...]:
    note = told.note("info", f"The modem reports {_modem_words(told)}.")
    return (note, *_modem(told), *_frame(told))


def _repeater(told: _Told) -> tuple[Operation, ...]:
    counts = [f"{name} {words}" for name in REPEATED if (words := told.text(name))]
    note = told.note("info", f"The repeater reports {', '.join([_modem_words(told), *counts])}.")
    return (note, *_modem(told), *_frame(told))


def _modem_words(told: _Told) -> str:
    battery, temperature = told.number("batt"), told.number("temp")
    words = "no battery" if battery is None else f"a battery of {battery:g} V"
    return words if temperature is None else f"{words} at {temperature:g} °C"


def _modem(told: _Told) -> list[Operation]:
    battery, temperature = told.number("batt"), told.number("temp")
    if battery is None and temperature is None:
        return []
    return [Modem(told.vehicle, told.time, battery, temperature, told.now)]


def _frame(told: _Told) -> list[Operation]:
    """Its count is one that no message has, so that no gap is seen there (SEQ)."""
    return [] if told.seq is None else [Frame(told.vehicle, told.time, told.seq, told.now)]


def _advanced(told: _Told) -> tuple[Operation, ...]:
    said = radio.of_advanced(told.document)
    return (_annotate(told, said, radio.location(said.get("computedLocation", {}))),)


def _geoloc(told: _Told) -> tuple[Operation, ...]:
    said = radio.of_geoloc(told.document)
    return (_annotate(told, said, radio.location(said)),)


def _annotate(told: _Told, said: dict[str, Any], location: str | None) -> Annotate:
    payload = read_payload(told.document)
    whole = orjson.dumps(said | radio.others(told.document, said, _OF_THE_MESSAGE))
    return Annotate(
        *(told.vehicle, told.time, told.seq, payload, told.kind, whole, location), received=told.now, document=told.raw
    )


def heard(document: Mapping[str, Any], arrival: Arrive) -> Annotate | None:
    """What a message itself says of its radio by the variables of DATA_ADVANCED; None: nothing."""
    if not any(first_of(document, (name,)) is not None for name in RADIO):
        return None
    said = radio.of_advanced(document)
    location = radio.location(said.get("computedLocation", {}))
    about = arrival.vehicle, arrival.time, arrival.seq, arrival.payload
    return Annotate(*about, "message", orjson.dumps(said), location, received=arrival.received)


def _acknowledge(told: _Told) -> tuple[Operation, ...]:
    number = told.number("infoCode")
    if number is None or not number.is_integer() or not 0 <= number <= INFO_CODE_MAX:
        raise BadRequest(f"infoCode is {told.text('infoCode')[:40]}: a whole number from 0 is needed")
    code, message = info_code(int(number)), told.text("infoMessage")
    overused = "; its downlinks of the day are used up" if told.text("downlinkOverusage").lower() == "true" else ""
    words = f", Sigfox says {message!r}" if message and message.upper() != code.name else ""
    note = told.note(
        "warn" if code.state == FAILED else "info", f"Downlink {code.name}: {code.meaning}{words}{overused}."
    )
    return (CloseDownlink(told.vehicle, told.time, int(number), message or code.name, told.now), note)


def _error(told: _Told) -> tuple[Operation, ...]:
    severity = SEVERITIES.get(told.text("severity").upper(), "error")
    return (told.note(severity, told.text("info") or "Sigfox reports an error and does not say which."),)


def _event(told: _Told) -> tuple[Operation, ...]:
    """What sort of event it was, and the counts and words that came with it."""
    severity = SEVERITIES.get(told.text("severity").upper(), "info")
    words = told.text("eventType").replace("_", " ").capitalize()
    facts = [f"{label} {value}" for name, label in _EVENT_FACTS.items() if (value := told.text(name))]
    return (told.note(severity, f"{words}: {', '.join(facts)}." if facts else f"{words}."),)


#: Variables of an event that say what happened → their words (resources.sigfox.com/docs/event-type).
_EVENT_FACTS = {
    "deviceLastSeqnumber": "last seqNumber",
    "deviceExpectedSeqnumber": "expected",
    "deviceMessageSeqnumber": "got",
    "deviceInfo": "device",
    "eventText": "Sigfox says",
}

REPORTS: Mapping[str, Callable[[_Told], tuple[Operation, ...]]] = {
    "status": _status,
    "repeater": _repeater,
    "advanced": _advanced,
    "geoloc": _geoloc,
    "acknowledge": _acknowledge,
    "error": _error,
    "event": _event,
}
