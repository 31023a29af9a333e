"""Rows of an export: what a spreadsheet, a reader of CSV and a reader of JSON find in them."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest
from builders import NOW
from hypothesis import given
from hypothesis import strategies as st

from evd.model.connectivity import SIGFOX
from evd.model.kept_status import KeptStatus
from evd.model.measures import MEASURES
from evd.transfer.columns import STATUSES, cell, csv_lines, json_line, registration_row, rfc3339, status_row

FIELDS = {
    "state": 1,
    "current_charge": "76",
    "indoor_temperature": -3.5,
    "location": "-33.9,151.2",
    "mine": [1],
    "x": None,
}
KEPT = KeptStatus("386625", "1f" * 8, NOW, 7, SIGFOX, b"\x13", orjson.dumps(FIELDS), NOW + 1, "disagrees", b"{}", None)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *[(f"{sign}1+1", f"'{sign}1+1") for sign in ("=", "+", "-", "@", "\t", "\r")],
        *[("1=1", "1=1"), ("", ""), (-3.5, -3.5), (7, 7), (True, "true"), (False, "false"), (None, None)],
    ],
)
def test_no_cell_is_a_formula(value: Any, shown: Any) -> None:
    assert cell(value) == shown


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1), max_size=5
    )
)
def test_a_reader_of_csv_gets_what_was_written(rows: list[list[str]]) -> None:
    text = csv_lines(rows).decode()
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[cell(value) for value in row] for row in rows]
    assert text.count("\r\n") >= len(rows)


def test_a_status_has_a_column_for_each_measure_and_its_other_fields_together() -> None:
    row = status_row(KEPT)
    assert list(row) == STATUSES.names and MEASURES.keys() <= row.keys()
    assert (row["time"], row["time_ms"]) == ("2023-11-14T22:13:20.000Z", NOW)
    assert (row["channel"], row["rawdata"], row["flags"]) == ("sigfox", "13", "disagrees")
    assert (row["state"], row["indoor_temperature"], row["current_charge"]) == (1, -3.5, None)
    assert orjson.loads(row["other"]) == {"current_charge": "76", "mine": [1]}, "a text is no measure"
    document = orjson.loads(json_line(row))
    assert None not in document.values() and document["other"] == {"current_charge": "76", "mine": [1]}
    assert document.keys() == {name for name, value in row.items() if value is not None}


def test_a_token_is_never_whole_in_a_row() -> None:
    moment: Any = {
        "number": 1,
        "vehicle": "A",
        "spelling": "A",
        "kind": "token",
        "uid": "u",
        "created": 1,
        "renewed": 2,
    }
    row = registration_row({**moment, "token": "fVqSECRETSECRET", "imported": None})
    assert "SECRETSECRET" not in str(row) and row["renewed"] == "1970-01-01T00:00:00.002Z"


@pytest.mark.parametrize("ms", [0, 1, 999, NOW, 253_402_300_799_999])
def test_times_are_rfc_3339_to_the_millisecond(ms: int) -> None:
    from datetime import datetime

    assert round(datetime.fromisoformat(rfc3339(ms)).timestamp() * 1000) == ms
