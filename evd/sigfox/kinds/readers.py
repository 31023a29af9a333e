"""What several kinds of callback read in the same way: variables as words and numbers, notes, the modem, the radio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from evd.model.operations import Annotate, Frame, Modem, Note, Operation
from evd.model.plain_text import excerpt
from evd.sigfox import radio_metadata as radio
from evd.sigfox.message import ENVELOPE_NAMES, PAYLOAD_NAMES, first_of, read_number, read_payload

TEXT_MAX = 300
"""Characters of Sigfox's words that go into the text of a note; the whole stands in its document."""

SEVERITIES = {"ERROR": "error", "WARN": "warn", "WARNING": "warn", "INFO": "info"}
"""Sigfox's severities → a note's."""

_OF_THE_MESSAGE = ENVELOPE_NAMES | {*PAYLOAD_NAMES}


class ReadCallback(NamedTuple):
    """A callback that is no message, and what is read of it whatever its kind.

    `time` is epoch ms in whole seconds, `now` the server's time in epoch ms, `raw` what is kept of the callback.
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
        """An entry of the log of its vehicle, or of evd's own where it concerns none."""
        return Note(
            self.report_id, self.vehicle, self.kind, severity, self.time, text, document=self.raw, received=self.now
        )


def modem_words(callback: ReadCallback) -> str:
    """`batt` and `temp` in words. Raises BadRequest."""
    battery, temperature = callback.number("batt"), callback.number("temp")
    words = "no battery" if battery is None else f"a battery of {battery:g} V"
    return words if temperature is None else f"{words} at {temperature:g} °C"


def modem_operations(callback: ReadCallback) -> tuple[Operation, ...]:
    """What an out-of-band frame says of the modem, and its count. Raises BadRequest."""
    battery, temperature = callback.number("batt"), callback.number("temp")
    modem = Modem(callback.vehicle, callback.time, battery, temperature, callback.now)
    known = () if battery is None and temperature is None else (modem,)
    # No message has the frame's count; the frame is kept so that no gap is seen there.
    frames = () if callback.seq is None else (Frame(callback.vehicle, callback.time, callback.seq, callback.now),)
    return (*known, *frames)


def annotation(callback: ReadCallback, said: dict[str, Any], location: str | None) -> Annotate:
    """What the network says of a message's radio, `said`, and whatever else the callback has. Raises BadRequest."""
    payload = read_payload(callback.document)
    whole = orjson.dumps(said | radio.others(callback.document, said, _OF_THE_MESSAGE))
    about = callback.vehicle, callback.time, callback.seq, payload
    return Annotate(*about, callback.kind, whole, location, received=callback.now, document=callback.raw)
