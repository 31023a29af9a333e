"""Readers that several kinds of callback share: variables as words and numbers, notes, the modem, the radio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from evd.model.operations import Annotate, Frame, Modem, Note, Operation
from evd.model.plain_text import excerpt
from evd.sigfox import radio_metadata as radio
from evd.sigfox.message import ENVELOPE_NAMES, PAYLOAD_NAMES, first_of, read_number, read_payload

TEXT_MAX = 300
"""Characters of Sigfox's text that a note quotes; the note's document has all of it."""

SEVERITIES = {"ERROR": "error", "WARN": "warn", "WARNING": "warn", "INFO": "info"}
"""Severity in Sigfox's callback → severity of a note."""

_OF_THE_MESSAGE = ENVELOPE_NAMES | {*PAYLOAD_NAMES}


class ReadCallback(NamedTuple):
    """A callback that carries no message, with what is read of every kind.

    `time` is in epoch ms, in whole seconds; `now` is the server's time in epoch ms; `raw` is the document to keep.
    """

    kind: str
    vehicle: str
    time: int
    seq: int | None
    document: Mapping[str, Any]
    report_id: str
    now: int
    raw: bytes

    def text(self, name: str) -> str:
        """A variable as one bounded line for a sentence; empty if it has no value."""
        value = first_of(self.document, (name,))
        if value is None:
            return ""
        whole = value if isinstance(value, str) else orjson.dumps(value).decode()
        words = " ".join(whole[: 4 * TEXT_MAX].split())
        shown = excerpt(words, len(words))
        return shown if len(shown) <= TEXT_MAX else f"{shown[: TEXT_MAX - 3]}..."

    def number(self, name: str) -> float | None:
        """A variable as a number; None if it has no value. Raises BadRequest for anything else."""
        value = first_of(self.document, (name,))
        return None if value is None else float(read_number(name, value))

    def note(self, severity: str, text: str) -> Note:
        """An entry of the vehicle's log, or of evd's own if the callback concerns no vehicle."""
        return Note(
            self.report_id, self.vehicle, self.kind, severity, self.time, text, document=self.raw, received=self.now
        )


def modem_words(callback: ReadCallback) -> str:
    """`batt` and `temp` as a sentence. Raises BadRequest."""
    battery, temperature = callback.number("batt"), callback.number("temp")
    words = "no battery" if battery is None else f"a battery of {battery:g} V"
    return words if temperature is None else f"{words} at {temperature:g} °C"


def modem_operations(callback: ReadCallback) -> tuple[Operation, ...]:
    """The operations of an out-of-band frame: the modem's state, and the frame for the count. Raises BadRequest."""
    battery, temperature = callback.number("batt"), callback.number("temp")
    modem = Modem(callback.vehicle, callback.time, battery, temperature, callback.now)
    known = () if battery is None and temperature is None else (modem,)
    # No message has this frame's sequence number; without the frame its place would look like a gap.
    frames = () if callback.seq is None else (Frame(callback.vehicle, callback.time, callback.seq, callback.now),)
    return (*known, *frames)


def annotation(callback: ReadCallback, said: dict[str, Any], location: str | None) -> Annotate:
    """The annotation of radio metadata, `said`, with the callback's other variables. Raises BadRequest."""
    payload = read_payload(callback.document)
    whole = orjson.dumps(said | radio.others(callback.document, said, _OF_THE_MESSAGE))
    about = callback.vehicle, callback.time, callback.seq, payload
    return Annotate(*about, callback.kind, whole, location, received=callback.now, document=callback.raw)
