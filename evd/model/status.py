"""The status: the values of a vehicle at one time, its identity, and the forms in which it is rendered.

`evd.model.measures` has its fields, `evd.model.rendering` what the original's app can read of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from evd.errors import BadRequest
from evd.model.coarse import coarse_values
from evd.model.rendering import readable_by_app
from evd.model.units import DAY_MS

DATA = "data"
"""The kind of a message that carries a vehicle's payload."""

TIME_MAX_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z: beyond it SQLite's date functions give null
MILLISECONDS_FROM = 10**11  # from here on a number is ms already: as seconds it would be the year 5138
AHEAD_MS = DAY_MS
"""A status whose time is further ahead is kept and flagged, but never the last one (docs/design.md, promise 3)."""

SEQ_MAX = 2**32 - 1  # Sigfox counts to 4095; other senders may count further
AHEAD = "ahead"
"""Flag of a status whose time lies further ahead than that."""

ALONE = "alone"
"""Flag of a status that was made of DATA_ADVANCED alone; if its DATA comes later, the two are one status."""

JSON_SAFE = 2**53  # beyond it a double, as in JavaScript and Gson, loses digits (RFC 8259, section 6)


_SIGFOX_ID = re.compile("[0-9A-Fa-f]{1,8}")


class Status(msgspec.Struct, frozen=True, gc=False):
    """A status of a vehicle; times are epoch ms."""

    vehicle: str
    status_id: str
    time: int
    seq: int | None
    connectivity: int
    payload: bytes | None
    fields: bytes
    """Its fields under the app's names, as a JSON object."""
    received: int
    flags: str

    @property
    def sort_key(self) -> tuple[int, int, str]:
        """Its position among its vehicle's statuses: (time, seq or -1, id)."""
        return self.time, -1 if self.seq is None else self.seq, self.status_id

    def values(self) -> dict[str, Any]:
        """Its fields."""
        values: dict[str, Any] = orjson.loads(self.fields)
        return values

    def coarse(self) -> Status:
        """With coarse places, and without its payload, which may hold one."""
        fields = orjson.dumps(coarse_values(self.values()))
        head = self.vehicle, self.status_id, self.time, self.seq, self.connectivity
        return Status(*head, None, fields, self.received, self.flags)

    def for_api(self, spelling: str) -> dict[str, Any]:
        """With all that it says, for an API; no nulls. The vehicle is spelled as the caller did.

        An integer that JavaScript would round is a text (RFC 8259, section 6).
        """
        document: dict[str, Any] = {
            "id": self.status_id,
            "vehicleId": spelling,
            "timestamp": self.time,
            "connectivity": self.connectivity,
        }
        if self.seq is not None:
            document["seqNumber"] = self.seq
        if self.payload is not None:
            document["rawdata"] = self.payload.hex()
        for name, value in self.values().items():
            if value is not None and name not in document:
                document[name] = str(value) if type(value) is int and abs(value) > JSON_SAFE else value
        return document

    def for_app(self, spelling: str, *, whole_numbers: bool) -> dict[str, Any]:
        """As the classes of the original's app can read it.

        `whole_numbers` gives it ints without their fractions, for which it has no place; else they stay as measured.
        """
        return readable_by_app(self.for_api(spelling), whole_numbers=whole_numbers)

    def for_push(self, spelling: str, *, whole_numbers: bool) -> str:
        """As a push carries it to the original's app: JSON."""
        return orjson.dumps(self.for_app(spelling, whole_numbers=whole_numbers)).decode()


def vehicle_id(text: str) -> str:
    """The normal form of a device or vehicle id: 1-8 hex digits in upper case without leading zeros, else as it is.

    Raises BadRequest unless `text` is 1-64 printable characters.
    """
    if not 1 <= len(text) <= 64 or not text.isprintable():
        raise BadRequest("the vehicle's id must be 1 to 64 printable characters", error="Missing basic attributes")
    return f"{int(text, 16):X}" if _SIGFOX_ID.fullmatch(text) else text


def time_ms(value: int | float) -> int:
    """Epoch ms of a sender's time: Sigfox sends seconds; a number above 10^11 is ms already. Raises BadRequest."""
    ms = int(value) if value > MILLISECONDS_FROM else int(value * 1000)
    if not 0 < ms <= TIME_MAX_MS:
        raise BadRequest(f"the time {value} is out of range: seconds or milliseconds since 1970 are expected")
    return ms


def identity(kind: str, vehicle: str, time: int, seq: int | None, content: bytes) -> str:
    """The id of a status, the same for each delivery of one message: 16 hex digits.

    `content` is the payload, or for a message without one its fields as canonical JSON (docs/design.md, Identity).
    """
    head = f"{kind}\0{vehicle}\0{time}\0{'' if seq is None else seq}\0".encode()
    return hashlib.blake2b(head + content, digest_size=8).hexdigest()


def canonical(fields: Mapping[str, Any]) -> bytes:
    """One text for one set of values, in any order: takes the payload's part in a message without one."""
    return b"json:" + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
