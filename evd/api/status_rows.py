"""Statuses and buckets of them as `/api/v1` and its exports show them: JSON, NDJSON (a row a line) and CSV.

The columns are those of `evd export` (evd.transfer.columns).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from quart import request

from evd.api.times import shown_time
from evd.errors import BadRequest
from evd.model.measures import MEASURES
from evd.model.status import Status
from evd.store.vehicle_records import Bucket
from evd.transfer.columns import STATUSES, csv_lines, json_line, status_row

ALWAYS = ("vehicle", "id", "time", "time_ms")
"""Columns of each row of a status, whatever `fields` says."""

FIELDS_MAX = 64
FIELD_CHARS_MAX = 64

PARTS = ("min", "mean", "max", "last")
"""What a bucket has of a field."""


class RowForm(NamedTuple):
    """A form in which rows are sent."""

    content_type: str
    suffix: str
    head: Callable[[Sequence[str]], bytes]
    """What stands before the rows of these columns."""
    lines: Callable[[Sequence[str], Iterable[dict[str, Any]]], bytes]


def _csv_lines(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    return csv_lines([row.get(name) for name in columns] for row in rows)


def _json_lines(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(map(json_line, rows))


CSV = RowForm("text/csv; charset=utf-8", "csv", lambda columns: csv_lines([columns]), _csv_lines)
NDJSON = RowForm("application/x-ndjson", "ndjson", lambda columns: b"", _json_lines)

FORMS: dict[str, RowForm | None] = {"json": None, "csv": CSV, "ndjson": NDJSON}
"""What `format` may say; None: a page of JSON."""

_ACCEPTED = {"application/json": None, "text/csv": CSV, "application/x-ndjson": NDJSON}


def asked_form() -> RowForm | None:
    """As the query's `format` says, else the header Accept; None: a page of JSON. Raises BadRequest."""
    name = request.args.get("format")
    if name is None:
        return _ACCEPTED[request.accept_mimetypes.best_match(list(_ACCEPTED), "application/json") or "application/json"]
    if name not in FORMS:
        raise BadRequest(f"there is no format {name[:40]!r}: use one of {', '.join(FORMS)}")
    return FORMS[name]


def asked_fields() -> tuple[str, ...] | None:
    """The query's `fields`, separated by commas; None: all. Raises BadRequest."""
    text = request.args.get("fields")
    if text is None:
        return None
    names = tuple(dict.fromkeys(text.split(",")))
    if len(names) > FIELDS_MAX or not all(1 <= len(name) <= FIELD_CHARS_MAX for name in names):
        raise BadRequest(f"fields is {text[:40]!r}: name up to {FIELDS_MAX} fields, separated by commas")
    return names


def columns_of(fields: tuple[str, ...] | None) -> list[str]:
    if fields is None:
        return STATUSES.names
    return [*ALWAYS, *(name for name in fields if name not in ALWAYS)]


def row_of_status(fields: tuple[str, ...] | None) -> Callable[[Status], dict[str, Any]]:
    """What makes a row of a status. A field that is no measure is in `other`, or under its name if `fields` has it."""
    if fields is None:
        return status_row
    columns = columns_of(fields)

    def chosen(status: Status) -> dict[str, Any]:
        row = status_row(status)
        values = status.values() if not row.keys() >= set(columns) else {}
        return {name: row[name] if name in row else _plain(values.get(name)) for name in columns}

    return chosen


def _plain(value: Any) -> Any:
    """A value as a cell; what is no single value is JSON text."""
    return orjson.dumps(value).decode() if isinstance(value, (dict, list)) else value


def json_of_row(row: dict[str, Any]) -> bytes:
    """A row as a JSON object, without what it does not have."""
    return json_line(row).rstrip(b"\n")


def bucket_document(bucket: Bucket, fields: tuple[str, ...] | None) -> dict[str, Any]:
    """`fields`: name → what the bucket's statuses have of it."""
    return {
        **shown_time("start", bucket.start),
        "statuses": bucket.statuses,
        **shown_time("last_time", bucket.last_time),
        "fields": {
            name: {part: value for part, value in zip(PARTS, values, strict=True) if value is not None}
            for name, values in bucket.values.items()
            if fields is None or name in fields
        },
    }


def bucket_columns(fields: tuple[str, ...] | None) -> list[str]:
    """Those of a table: for each field its parts, as in `range_mean`."""
    names = [f"{name}_{part}" for name in (MEASURES if fields is None else fields) for part in PARTS]
    return ["start", "start_ms", "statuses", "last_time", "last_time_ms", *names]


def bucket_row(bucket: Bucket, fields: tuple[str, ...] | None) -> dict[str, Any]:
    document = bucket_document(bucket, fields)
    for name, parts in document.pop("fields").items():
        document.update({f"{name}_{part}": value for part, value in parts.items()})
    return document
