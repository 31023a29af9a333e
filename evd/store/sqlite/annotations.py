"""Annotations, written to the rows of their messages, or to `radio_waiting` until the message comes.

A status's `radio` is a JSON object: source → radio metadata, and `location` with `location_from`, its source, if only
the network located the vehicle. Message and annotations may come in any order; the row becomes the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from evd.errors import Unavailable
from evd.model.connectivity import SIGFOX
from evd.model.operations import Annotate, Arrive
from evd.model.status import ALONE
from evd.sigfox.kinds.registry import LOCATION_RANKS

NO_SEQ = -1

Key = tuple[str, int, int]
"""(vehicle, time, seqNumber or NO_SEQ)"""

_ROWS = "SELECT payload, fields, radio FROM statuses WHERE place = ?"
_WRITE = "UPDATE statuses SET fields = CAST(? AS TEXT), radio = CAST(? AS TEXT) WHERE place = ?"
_WAIT = """
INSERT INTO radio_waiting (vehicle, time, seq, source, payload, radio, location, received, document)
VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, CAST(? AS TEXT))
ON CONFLICT (vehicle, time, seq, source) DO UPDATE SET
    payload = coalesce(excluded.payload, payload), radio = excluded.radio,
    location = coalesce(excluded.location, location), document = coalesce(excluded.document, document)"""
_ONE_WAITING = "SELECT vehicle, time, seq, source, payload, radio, location FROM radio_waiting WHERE number = ?"
_FORGET = "DELETE FROM radio_waiting WHERE number = ?"
_TWIN = "SELECT payload, connectivity, flags, radio FROM statuses WHERE place = ?"
_REPLACE = """
UPDATE statuses SET id = ?, payload = ?, fields = CAST(? AS TEXT), document = CAST(? AS TEXT), flags = ?
WHERE place = ?"""
_WAITING_FOR = """
SELECT number, source, payload, radio, location FROM radio_waiting
WHERE vehicle = ? AND time = ? AND seq = ? ORDER BY number"""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Decodes one level; deeper levels keep their text."""

_NO_VALUE = (b"null", b'""')


class Said(NamedTuple):
    """An annotation without the identification of its message."""

    source: str
    payload: bytes | None
    radio: bytes
    location: str | None


class Annotations:
    """The annotations, on one writing connection and inside the caller's transaction; so many wait at most."""

    def __init__(self, connection: Any, waiting_max: int) -> None:
        self._db = connection
        self._waiting_max = waiting_max
        self.waiting: dict[Key, int] = {}
        """How many annotations wait, by message; always the same object."""
        self.forget()

    def forget(self) -> None:
        """Reset after a rollback: what memory held is no longer true."""
        self.waiting.clear()
        self.waiting.update(
            ((vehicle, time, seq), rows)
            for vehicle, time, seq, rows in self._db.execute(
                "SELECT vehicle, time, seq, count(*) FROM radio_waiting GROUP BY 1, 2, 3"
            )
        )
        self._rows = sum(self.waiting.values())

    def annotate(self, place: int, said: Said) -> bool:
        """Write an annotation to the status at this place; False if that status has another payload."""
        payload, fields, radio = self._db.execute(_ROWS, (place,)).fetchone()
        if _differ(payload, said.payload):
            return False
        self._db.execute(_WRITE, (*merged(fields, radio, said), place))
        return True

    @property
    def rows(self) -> int:
        """How many annotations wait."""
        return self._rows

    def wait(self, annotation: Annotate) -> Unavailable | None:
        """Keep an annotation for its message; returns Unavailable, and keeps nothing, if too many wait."""
        one = annotation
        key = (one.vehicle, one.time, NO_SEQ if one.seq is None else one.seq)
        if self._rows >= self._waiting_max and key not in self.waiting:
            return Unavailable("more DATA_ADVANCED waits for its messages than can be kept: send it again later")
        self._db.execute(_WAIT, (*key, one.source, one.payload, one.radio, one.location, one.received, one.document))
        (rows,) = self._db.execute(
            "SELECT count(*) FROM radio_waiting WHERE vehicle = ? AND time = ? AND seq = ?", key
        ).fetchone()
        self._rows += rows - self.waiting.get(key, 0)
        self.waiting[key] = rows
        return None

    def waiting_row(self, number: int) -> tuple[Key, Said] | None:
        """The waiting annotation with this row number."""
        row = self._db.execute(_ONE_WAITING, (number,)).fetchone()
        if row is None:
            return None
        vehicle, time, seq, source, payload, radio, location = row
        return (vehicle, time, seq), Said(source, payload, radio.encode(), location)

    def forget_waiting(self, number: int, key: Key) -> None:
        self._db.execute(_FORGET, (number,))
        self._gone(key)

    def twin(self, message: Arrive, places: list[int]) -> int | None:
        """The place of a status, among these, that is the same message; one of the two is DATA_ADVANCED alone."""
        alone = ALONE in message.flags.split()
        for place in places:
            payload, connectivity, flags, _ = self._db.execute(_TWIN, (place,)).fetchone()
            there_alone = ALONE in flags.split()
            if connectivity == SIGFOX and (alone or there_alone) and not _differ(payload, message.payload):
                return place
        return None

    def unite(self, message: Arrive, place: int) -> None:
        """A message and its twin are one status. The DATA says more than the DATA_ADVANCED and takes its place."""
        if ALONE in message.flags.split():
            return
        *_, radio = self._db.execute(_TWIN, (place,)).fetchone()
        fields = located(message.fields, radio)
        changed = (message.status_id, message.payload, fields, message.document, message.flags, place)
        self._db.execute(_REPLACE, changed)

    def take(self, key: Key, payload: bytes | None) -> list[Said]:
        """Remove and return the annotations that wait for a message."""
        taken = []
        for number, source, wanted, radio, location in self._db.execute(_WAITING_FOR, key).fetchall():
            if not _differ(payload, wanted):
                taken.append(Said(source, wanted, radio.encode(), location))
                self.forget_waiting(number, key)
        return taken

    def _gone(self, key: Key) -> None:
        self._rows -= 1
        self.waiting[key] -= 1
        if not self.waiting[key]:
            del self.waiting[key]


def merged(fields: str, radio: str | None, said: Said) -> tuple[bytes, bytes]:
    """A status's fields and radio metadata, both JSON objects, with one more annotation.

    The latest metadata of each source counts. Its location becomes a field if the vehicle gave none; `advanced` has a
    better one than `geoloc`.
    """
    values, parts = _object.decode(fields), _object.decode(radio or "{}")
    parts[said.source] = msgspec.Raw(said.radio)
    own = _is_there(values, "location") and values["location"] != parts.get("location")
    used = msgspec.json.decode(parts.get("location_from", b'""'), type=str)
    if said.location is not None and not own and LOCATION_RANKS[said.source] >= LOCATION_RANKS.get(used, 0):
        parts["location"] = values["location"] = msgspec.Raw(msgspec.json.encode(said.location))
        parts["location_from"] = msgspec.Raw(msgspec.json.encode(said.source))
    return msgspec.json.encode(values), msgspec.json.encode(dict(sorted(parts.items())))


def located(fields: bytes, radio: str | None) -> bytes:
    """New fields of an annotated status, with the network's location if they have none of their own."""
    parts = _object.decode(radio or "{}")
    values = _object.decode(fields)
    if "location" not in parts or _is_there(values, "location"):
        return fields
    return msgspec.json.encode(values | {"location": parts["location"]})


def _is_there(values: dict[str, msgspec.Raw], name: str) -> bool:
    return name in values and bytes(values[name]) not in _NO_VALUE


def _differ(payload: bytes | None, other: bytes | None) -> bool:
    """Whether these are the payloads of two messages; a missing payload differs from none."""
    return payload is not None and other is not None and payload != other
