"""Downlinks: eight bytes that a device gets when it asks, their states, and the outcome that Sigfox reports.

A device listens once after a message that asks. evd offers Sigfox the queued downlink in the answer to that message;
an ACKNOWLEDGE callback reports the outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evd.errors import BadRequest, CodecError
from evd.model.measures import field_name
from evd.model.units import DAY_MS
from evd.payload.encoder import Encoder
from evd.payload.grammar import Plan

PAYLOAD_BYTES = 8
"""Length of every downlink; Sigfox accepts no other."""

QUEUED, OFFERED, ACKNOWLEDGED, FAILED, CANCELLED, EXPIRED = STATES = (
    *("queued", "offered", "acknowledged", "failed", "cancelled", "expired"),
)

ACK_DISTANCE_MS = DAY_MS
"""An ACKNOWLEDGE follows its message by about a minute; if the times differ by more than this, it is another's."""


class InfoCode(NamedTuple):
    """An infoCode: Sigfox's name, its meaning in words, and the state that follows."""

    name: str
    meaning: str
    state: str


#: Sigfox's infoCodes (support.sigfox.com/docs/acknowledge). ACKED means that a base station transmitted; Sigfox does
#: not know whether the device received (github.com/sigfox/sigfox-downlink, issue 6).
INFO_CODES: Mapping[int, InfoCode] = {
    0: InfoCode("ACKED", "a station has sent it", ACKNOWLEDGED),
    1: InfoCode("NO_ANSWER", "Sigfox had no answer to its question in time", FAILED),
    2: InfoCode("INVALID_PAYLOAD", "Sigfox could not read the answer", FAILED),
    3: InfoCode("OVERRUN_ERROR", "the device had its downlinks of the day", FAILED),
    4: InfoCode("NETWORK_ERROR", "no station could send it", FAILED),
    5: InfoCode("PENDING", "Sigfox has not sent it yet", OFFERED),
    6: InfoCode("NO_DOWNLINK_CONTRACT", "the device's contract has no downlinks", FAILED),
    7: InfoCode("TOO_MANY_REQUESTS", "the device asked too often", FAILED),
    8: InfoCode("INVALID_CONFIGURATION", "the device type is not set up for downlinks", FAILED),
}


def info_code(number: int) -> InfoCode:
    """The entry of an infoCode; a number that Sigfox does not document counts as a failure."""
    return INFO_CODES.get(number) or InfoCode(f"code {number}", "a code unknown to evd", FAILED)


def payload_of_hex(text: str) -> bytes:
    """Read 16 hex digits as eight bytes; blanks between bytes are allowed. Raises BadRequest."""
    try:
        payload = bytes.fromhex(text)
    except ValueError:
        raise BadRequest(f"the payload {text[:40]!r} is no hex text: write 16 hex digits") from None
    if len(payload) != PAYLOAD_BYTES:
        many = f"{len(payload)} byte{'' if len(payload) == 1 else 's'}"
        raise BadRequest(f"the payload has {many}, a downlink has exactly {PAYLOAD_BYTES}: write 16 hex digits")
    return payload


def payload_of_fields(plan: Plan, fields: Mapping[str, Any]) -> bytes:
    """Encode values as eight bytes; a shorter format is padded with zero bytes on the right. Raises BadRequest.

    A field may be named by its name in the format or by its alias.
    """
    if not fields:
        raise BadRequest("no field has a value: give at least one, or the payload as hex")
    encoder = Encoder(plan)
    if encoder.length > PAYLOAD_BYTES:
        raise BadRequest(f"the format needs {encoder.length} bytes, a downlink has {PAYLOAD_BYTES}: leave fields out")
    known = {field.name for field in plan.steps}
    try:
        payload = encoder.encode({_known_as(name, known): value for name, value in fields.items()})
    except CodecError as error:
        raise BadRequest(f"the fields do not fit the format: {error}") from None
    return payload.ljust(PAYLOAD_BYTES, b"\0")


def _known_as(name: str, known: set[str]) -> str:
    return name if name in known else field_name(name)
