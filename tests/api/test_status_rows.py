"""Statuses and buckets as rows: the form that is asked for, the fields, the columns of a table."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from builders import NOW
from quart import Quart

from evd.api.status_rows import (
    ALWAYS,
    CSV,
    FIELD_CHARS_MAX,
    FIELDS_MAX,
    NDJSON,
    asked_fields,
    asked_form,
    bucket_columns,
    bucket_document,
    bucket_row,
    columns_of,
    json_of_row,
    row_of_status,
)
from evd.errors import BadRequest
from evd.model.status import Status
from evd.store.vehicle_records import Bucket, BucketValues
from evd.transfer.columns import STATUSES

APP = Quart(__name__)


async def asked(read: Any, query: dict[str, str], **headers: str) -> Any:
    async with APP.test_request_context("/", query_string=query, headers=headers):
        return read()


@pytest.mark.parametrize(
    ("query", "accept", "form"),
    [
        ({}, "*/*", None),
        ({}, "text/csv", CSV),
        ({}, "application/x-ndjson, application/json;q=0.5", NDJSON),
        ({}, "text/html", None),  # a browser is shown JSON
        ({"format": "json"}, "text/csv", None),  # the query is said on purpose
        ({"format": "ndjson"}, "text/csv", NDJSON),
    ],
)
async def test_the_query_s_format_counts_before_the_header_accept(
    query: dict[str, str], accept: str, form: Any
) -> None:
    assert await asked(asked_form, query, Accept=accept) is form


async def test_a_format_that_there_is_not_is_refused_and_cut() -> None:
    with pytest.raises(BadRequest, match=r"no format 'x{40}': use one of json, csv, ndjson"):
        await asked(asked_form, {"format": "x" * 1000})


async def test_fields_are_bounded_and_each_counts_once() -> None:
    assert await asked(asked_fields, {}) is None
    assert await asked(asked_fields, {"fields": "b,a,b"}) == ("b", "a")
    most = ",".join(f"{number:0{FIELD_CHARS_MAX}}" for number in range(FIELDS_MAX))
    assert len(await asked(asked_fields, {"fields": most})) == FIELDS_MAX
    for text in ("", "a,,b", "x" * (FIELD_CHARS_MAX + 1), most + ",x"):
        with pytest.raises(BadRequest, match="fields is"):
            await asked(asked_fields, {"fields": text})


def status(**fields: Any) -> Status:
    return Status("1A", "id", NOW, 7, 1, b"\x01", orjson.dumps(fields), NOW + 5, "")


def test_fields_are_chosen_also_those_that_are_no_measures() -> None:
    said = status(range=638, load=0.5, hatch={"open": True}, location="1,2")
    row = row_of_status(("range", "load", "hatch", "nothing"))(said)
    assert list(row) == [*ALWAYS, "range", "load", "hatch", "nothing"]
    assert (row["range"], row["load"], row["hatch"], row["nothing"]) == (638, 0.5, '{"open":true}', None)
    assert row_of_status(("range",))(said).keys() == {*ALWAYS, "range"}
    assert orjson.loads(row_of_status(None)(said)["other"]) == {"load": 0.5, "hatch": {"open": True}}


def test_a_row_says_always_which_status_it_is() -> None:
    assert columns_of(None) == STATUSES.names
    assert columns_of(("range", "time", "load")) == [*ALWAYS, "range", "load"]


def bucket(**values: BucketValues) -> Bucket:
    return Bucket(start=NOW, statuses=2, last_time=NOW + 1, values=values)


RANGE = BucketValues(1, 2.5, 4, 4)
PLACE = BucketValues(None, None, None, "48.1,17.1")


def test_a_bucket_has_of_a_field_what_its_statuses_have_of_it() -> None:
    shown = bucket_document(bucket(range=RANGE, location=PLACE), None)
    assert shown["fields"] == {"range": {"min": 1, "mean": 2.5, "max": 4, "last": 4}, "location": {"last": "48.1,17.1"}}
    assert (shown["start_ms"], shown["last_time_ms"], shown["statuses"]) == (NOW, NOW + 1, 2)
    assert bucket_document(bucket(range=RANGE, location=PLACE), ("location", "x"))["fields"].keys() == {"location"}


def test_a_bucket_in_a_table_has_a_column_for_each_part() -> None:
    columns = bucket_columns(("range", "location"))
    row = bucket_row(bucket(range=RANGE, location=PLACE), ("range", "location"))
    assert columns[5:] == [
        f"{name}_{part}" for name in ("range", "location") for part in ("min", "mean", "max", "last")
    ]
    assert row.keys() <= set(columns) and row["range_mean"] == 2.5 and "location_min" not in row
    head, line = CSV.head(columns), CSV.lines(columns, [row])
    assert head.count(b",") == line.count(b",") - 1, "a place has a comma of its own, in quotes"


def test_a_line_of_json_leaves_out_what_there_is_not() -> None:
    assert json_of_row({"a": 1, "b": None}) == b'{"a":1}'
    assert NDJSON.head(["a"]) == b"" and NDJSON.lines(["a"], [{"a": 1}, {"a": 2}]) == b'{"a":1}\n{"a":2}\n'
