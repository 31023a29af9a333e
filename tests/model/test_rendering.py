"""A status as it is given out, whole and as the original's app can read it."""

from __future__ import annotations

import math
from typing import Any

import orjson
import pytest
from app_types import read_status
from hypothesis import given
from hypothesis import strategies as st

from evd.model.measures import IMPLAUSIBLE, MEASURES
from evd.model.rendering import readable_by_app
from evd.model.status import Status


def document_of(fields: dict[str, Any], **others: Any) -> dict[str, Any]:
    given_parts: dict[str, Any] = {
        "status_id": "0123456789abcdef",
        "vehicle": "386625",
        "time": 1639400000000,
        "connectivity": 1,
        "seq": 118,
        "payload": b"\x13\x0a",
        "received": 1639400001000,
        "flags": "",
    }
    return Status(fields=orjson.dumps(fields), **given_parts | others).for_api("00386625")


def to_app(fields: dict[str, Any], *, whole_numbers: bool = True) -> dict[str, Any]:
    """The fields that the app is given."""
    document = readable_by_app(document_of(fields, seq=None, payload=None), whole_numbers=whole_numbers)
    return {name: value for name, value in document.items() if name not in ENVELOPE}


ENVELOPE = ("id", "vehicleId", "timestamp", "connectivity")


# The whole of it


def test_a_document_has_all_that_the_status_says() -> None:
    fields = {"state": 7, "range": 638.5, "elec_consumption": 15.40625, "location": "", "advanced": False, "tank": 5}
    assert document_of(fields) == {
        "id": "0123456789abcdef",
        "vehicleId": "00386625",
        "timestamp": 1639400000000,
        "connectivity": 1,
        "seqNumber": 118,
        "rawdata": "130a",
        **fields,
    }


def test_what_is_not_there_is_left_out() -> None:
    document = document_of({"state": 1, "indoor_temperature": None}, seq=None, payload=None)
    assert document.keys() == {"id", "vehicleId", "timestamp", "connectivity", "state"}
    assert document_of({}, payload=b"")["rawdata"] == ""


@pytest.mark.parametrize("fields", [{"vehicleId": "other"}, {"id": "x"}, {"timestamp": 1}, {"connectivity": 9}])
def test_no_field_can_pass_for_the_envelope(fields: dict[str, Any]) -> None:
    assert document_of(fields).items() >= document_of({}).items()


def test_integers_that_json_readers_would_round_are_texts() -> None:
    assert document_of({"odometer": 2**53})["odometer"] == 2**53
    assert document_of({"odometer": 2**53 + 1})["odometer"] == "9007199254740993"
    assert document_of({"open": True})["open"] is True


# As the app can read it

ABSENT = "it is left out"
"""In place of what the app is given."""


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        *(("state", state, state) for state in range(4)),
        *(("state", state, 2) for state in (4, 7, 9, -1)),  # idle (docs/formats.md)
        ("state", 1.0, 1),
        *(("state", value, ABSENT) for value in (None, "charging", True, [1], {"value": 1})),
        ("current", 32.5, 32),
        ("current", -0.5, 0),
        ("current", -20, -20),
        ("current", 64.0, 64),
        ("current", 10**12, ABSENT),
        ("current", 2**31, ABSENT),
        ("current", "32", ABSENT),
        ("current", False, ABSENT),
        ("current_charge", 76.9, 76),  # never one more than there is
        ("current_charge", 100, 100),
        ("current_charge", 65535, ABSENT),  # kept by an evd that knew no plausible values
        ("current_charge", -1, ABSENT),
        ("range", 2047, 2047),
        ("elapsed_time", 12.7, 12),
        ("elec_consumption", 15.4, 15.4),
        ("elec_consumption", 60000.0, 60000.0),
        ("elec_consumption", 1e300, ABSENT),
        ("indoor_temperature", 21, 21),
        ("indoor_temperature", "21.5", ABSENT),
        ("indoor_temperature", 19744, ABSENT),
        ("location", "48.1486,17.1077", "48.1486,17.1077"),
        ("location", "-33,151", "-33,151"),
        ("location", " 48.1486 , 17.1077 ", "48.1486,17.1077"),
        ("location", "4.8e1,17", "48.0,17.0"),
        *(
            ("location", text, ABSENT)
            for text in ("", "placeholder location", "Zilina, Slovakia", "91,0", "0,181", "1")
        ),
        *(("location", text, ABSENT) for text in ("nan,nan", "inf,0", "48.1,17.1,200", "48,1;17,1", "null,null")),
        *(("location", value, ABSENT) for value in (5, None, ["48", "17"], {"lat": 1, "lng": 2})),
        ("advanced", True, True),
        ("advanced", 0, False),
        ("advanced", "true", ABSENT),
        (IMPLAUSIBLE, {"current_charge": 65535}, ABSENT),
        ("odometer", 12.5, 12.5),  # the app skips what it does not know
        ("tyres", [2.1, {"a": None}], [2.1, {"a": None}]),
    ],
)
def test_a_field_as_the_app_can_read_it(name: str, value: Any, shown: Any) -> None:
    expected = {} if shown == ABSENT else {name: shown}
    assert to_app({name: value}) == expected
    assert orjson.dumps(to_app({name: value})) == orjson.dumps(expected), "5.0 is no int"


def test_fractions_stay_where_a_client_reads_them() -> None:
    fields = {"state": 1, "current": 32.5, "max_current": 64.0, "current_charge": 76.5, "elec_consumption": 15.4}
    assert orjson.dumps(to_app(fields, whole_numbers=False)) == (
        b'{"state":1,"current":32.5,"max_current":64,"current_charge":76.5,"elec_consumption":15.4}'
    )


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.integers(-5, 300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["48.1,17.1", "1,2,3", "null", " 1 , 2"]),
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(st.sampled_from(["value", "lat"]), st.integers(0, 9), max_size=2),
)


@given(st.dictionaries(st.sampled_from([*MEASURES, "tank", "id", "seqNumber", "rawdata"]), VALUES))
def test_law_whatever_a_status_holds_the_app_can_read_it(fields: dict[str, Any]) -> None:
    for seq in (None, 118):
        document = readable_by_app(document_of(fields, seq=seq), whole_numbers=True)
        assert read_status(orjson.dumps(document)).keys() <= document.keys()


def test_a_reader_that_is_as_strict_as_gson_refuses_what_the_app_does() -> None:
    """The test's own reader, on what ended the app (original-answers.json)."""
    envelope = readable_by_app(document_of({}), whole_numbers=True)
    for fields in ({"current": 32.5}, {"current_charge": 76.5}, {"current": 10**12}, {"location": "Zilina, Slovakia"}):
        with pytest.raises(AssertionError):
            read_status(orjson.dumps(envelope | fields))
    assert math.isclose(read_status(orjson.dumps(envelope | {"elec_consumption": 15.4}))["elec_consumption"], 15.4)
