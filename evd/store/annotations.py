"""What the network finds out about messages, in their rows; or in `radio_waiting` while a message has not come.

A status's `radio` is a JSON object: source -> what it said, and `location` with `location_from`, the source of it,
where the status has one by the network only. In whatever order message and annotations come, the row is the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from evd.store.network import Annotate

WAITING_MAX = 10_000
"""Annotations whose message did not come yet; DATA_ADVANCED is seldom the first, so it is an hour of many vehicles."""

NO_SEQ = -1

Key = tuple[str, int, int]
"""(vehicle, time, seqNumber or NO_SEQ)"""

_BETTER = {"geoloc": 1, "advanced": 2}
"""Source → how good its location is."""

_ROWS = "SELECT payload, fields, radio FROM statuses WHERE place = ?"
_WRITE = "UPDATE statuses SET fields = CAST(? AS TEXT), radio = CAST(? AS TEXT) WHERE place = ?"
_WAIT = """
INSERT INTO radio_waiting (vehicle, time, seq, source, payload, radio, location, received)
VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?)
ON CONFLICT (vehicle, time, seq, source) DO UPDATE SET
    payload = coalesce(excluded.payload, payload), radio = excluded.radio,
    location = coalesce(excluded.location, location), received = excluded.received"""
_DROP_OLDEST = """
DELETE FROM radio_waiting WHERE number = (SELECT min(number) FROM radio_waiting) RETURNING vehicle, time, seq"""
_WAITING_FOR = """
SELECT number, source, payload, radio, location FROM radio_waiting
WHERE vehicle = ? AND time = ? AND seq = ? ORDER BY number"""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""One level is read; what lies below stays as it was written."""

_NO_VALUE = (b"null", b'""')


class Said(NamedTuple):
    """An annotation without the message that it belongs to."""

    source: str
    payload: bytes | None
    radio: bytes
    location: str | None


class Annotations:
    """Annotations on one writing connection, inside the caller's transaction."""

    def __init__(self, connection: Any) -> None:
        self._db = connection
        self.waiting: dict[Key, int] = {}
        """How many annotations wait for a message; the one and same object for good."""
        self.forget()

    def forget(self) -> None:
        """The transaction was rolled back: what memory says is no longer true."""
        self.waiting.clear()
        self.waiting.update(
            ((vehicle, time, seq), rows)
            for vehicle, time, seq, rows in self._db.execute(
                "SELECT vehicle, time, seq, count(*) FROM radio_waiting GROUP BY 1, 2, 3"
            )
        )
        self._rows = sum(self.waiting.values())

    def annotate(self, place: int, said: Said) -> bool:
        """Write it to the status there; False: that one has another payload."""
        payload, fields, radio = self._db.execute(_ROWS, (place,)).fetchone()
        if _differ(payload, said.payload):
            return False
        self._db.execute(_WRITE, (*merged(fields, radio, said), place))
        return True

    def wait(self, annotation: Annotate) -> None:
        """Keep it for the message that it belongs to; the one that waits the longest makes room."""
        one = annotation
        key = (one.vehicle, one.time, NO_SEQ if one.seq is None else one.seq)
        self._db.execute(_WAIT, (*key, one.source, one.payload, one.radio, one.location, one.received))
        (rows,) = self._db.execute(
            "SELECT count(*) FROM radio_waiting WHERE vehicle = ? AND time = ? AND seq = ?", key
        ).fetchone()
        self._rows += rows - self.waiting.get(key, 0)
        self.waiting[key] = rows
        if self._rows > WAITING_MAX:
            self._gone(self._db.execute(_DROP_OLDEST).fetchone())

    def take(self, key: Key, payload: bytes | None) -> list[Said]:
        """Those that wait for a message, which wait no longer."""
        taken = []
        for number, source, wanted, radio, location in self._db.execute(_WAITING_FOR, key).fetchall():
            if not _differ(payload, wanted):
                taken.append(Said(source, wanted, radio.encode(), location))
                self._db.execute("DELETE FROM radio_waiting WHERE number = ?", (number,))
                self._gone(key)
        return taken

    def _gone(self, key: Key) -> None:
        self._rows -= 1
        self.waiting[key] -= 1
        if not self.waiting[key]:
            del self.waiting[key]


def merged(fields: str, radio: str | None, said: Said) -> tuple[bytes, bytes]:
    """A status's fields and its radio, both JSON objects, with one more annotation.

    Of each source the latest word stands. A location goes into the fields where the vehicle itself gave none, and
    `advanced` has a better one than `geoloc`.
    """
    values, parts = _object.decode(fields), _object.decode(radio or "{}")
    parts[said.source] = msgspec.Raw(said.radio)
    own = _is_there(values, "location") and values["location"] != parts.get("location")
    used = msgspec.json.decode(parts.get("location_from", b'""'), type=str)
    if said.location is not None and not own and _BETTER[said.source] >= _BETTER.get(used, 0):
        parts["location"] = values["location"] = msgspec.Raw(msgspec.json.encode(said.location))
        parts["location_from"] = msgspec.Raw(msgspec.json.encode(said.source))
    return msgspec.json.encode(values), msgspec.json.encode(dict(sorted(parts.items())))


def located(fields: bytes, radio: str | None) -> bytes:
    """New fields of a status that was annotated: with the network's location, where they have none of their own."""
    parts = _object.decode(radio or "{}")
    values = _object.decode(fields)
    if "location" not in parts or _is_there(values, "location"):
        return fields
    return msgspec.json.encode(values | {"location": parts["location"]})


def _is_there(values: dict[str, msgspec.Raw], name: str) -> bool:
    return name in values and bytes(values[name]) not in _NO_VALUE


def _differ(payload: bytes | None, other: bytes | None) -> bool:
    """Whether they are two messages' payloads; what was not said differs from nothing."""
    return payload is not None and other is not None and payload != other
