"""Rows of an export: the columns of each table, typed, and a row as CSV and as JSON.

A time is twice there, as RFC 3339 in UTC and in epoch ms. Each measure of evd.model.measures is a column; docs/
moving-in.md has their units. A CSV is written by RFC 4180, and no text in it is a formula to a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from evd.model.connectivity import SIGFOX, WLAN
from evd.model.measures import MEASURES, AppType
from evd.model.status import Status
from evd.push.trace import short
from evd.store.records import MovedOwnerRow, MovedRegistrationRow

Row = Mapping[str, Any]
"""Column → value; None: none."""

TEXT, WHOLE, REAL, FLAG = "text", "whole", "real", "flag"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # so that isoformat adds no zone
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins so for a formula (owasp.org, "CSV Injection")."""

CHANNELS = {SIGFOX: "sigfox", WLAN: "wlan"}

_OF_APP = {AppType.FLAG: FLAG, AppType.LOCATION: TEXT}
"""All others are real numbers: a format may have fractions where the original's app has whole numbers."""


class ExportColumns(NamedTuple):
    """The columns of one table, in their order: name → type."""

    types: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        return list(self.types)


STATUSES = ExportColumns(
    {
        "vehicle": TEXT,
        "id": TEXT,
        "time": TEXT,
        "time_ms": WHOLE,
        "received": TEXT,
        "received_ms": WHOLE,
        "channel": TEXT,
        "seqNumber": WHOLE,
        "rawdata": TEXT,
        **{name: _OF_APP.get(measure.app, REAL) for name, measure in MEASURES.items()},
        "flags": TEXT,
        "other": TEXT,
    }
)
REGISTRATIONS = ExportColumns(
    {
        "vehicle": TEXT,
        "uid": TEXT,
        "kind": TEXT,
        "target": TEXT,
        "created": TEXT,
        "created_ms": WHOLE,
        "renewed": TEXT,
        "renewed_ms": WHOLE,
    }
)
OWNERS = ExportColumns({"vehicle": TEXT, "uid": TEXT, "relation": TEXT, "created": TEXT, "created_ms": WHOLE})


def rfc3339(ms: int) -> str:
    """Epoch ms as RFC 3339 in UTC: `2021-12-13T12:53:20.000Z`."""
    return f"{(_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec='milliseconds')}Z"


def status_row(status: Status) -> dict[str, Any]:
    """A status under the names of STATUSES. `other`: its other fields, as a JSON object."""
    values = status.values()
    row: dict[str, Any] = {
        "vehicle": status.vehicle,
        "id": status.status_id,
        **_moment("time", status.time),
        **_moment("received", status.received),
        "channel": CHANNELS.get(status.connectivity),
        "seqNumber": status.seq,
        "rawdata": None if status.payload is None else status.payload.hex(),
    }
    for name, types in _MEASURES:
        value = values.pop(name, None)
        if value is None or type(value) in types:
            row[name] = value
        else:
            row[name], values[name] = None, value
    other = {name: value for name, value in values.items() if value is not None}
    row["flags"] = status.flags
    row["other"] = orjson.dumps(other).decode() if other else None
    return row


_TYPES: dict[str, tuple[type, ...]] = {TEXT: (str,), WHOLE: (int,), REAL: (int, float), FLAG: (bool,)}
_MEASURES = tuple((name, _TYPES[STATUSES.types[name]]) for name in MEASURES)


def registration_row(record: MovedRegistrationRow) -> dict[str, Any]:
    """The target, which is a secret, has its first characters only."""
    return {
        "vehicle": record["vehicle"],
        "uid": record["uid"],
        "kind": record["kind"],
        "target": short(record["token"]),
        **_moment("created", record["created"]),
        **_moment("renewed", record["renewed"]),
    }


def owner_row(record: MovedOwnerRow) -> dict[str, Any]:
    whose = {"vehicle": record["vehicle"], "uid": record["uid"], "relation": record["relation"]}
    return {**whose, **_moment("created", record["created"])}


def _moment(name: str, ms: int) -> dict[str, Any]:
    return {name: rfc3339(ms), f"{name}_ms": ms}


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as lines of CSV (RFC 4180), UTF-8; texts that a spreadsheet would take for formulas get a quote in front."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def cell(value: Any) -> Any:
    """A value as a cell of a spreadsheet; None is an empty one."""
    if type(value) is str and value.startswith(_FORMULAS):
        return f"'{value}"
    return _WORDS.get(value, value) if type(value) is bool else value


_WORDS = {True: "true", False: "false"}


def json_line(row: Row) -> bytes:
    """A row as one line of JSON, without what it does not have; `other` is in it as JSON."""
    document = {name: value for name, value in row.items() if value is not None}
    if "other" in document:
        document["other"] = orjson.Fragment(document["other"])
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
