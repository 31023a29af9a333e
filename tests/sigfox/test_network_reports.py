"""Callbacks that are no messages: what is written of each, and that every delivery of one is the same report."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import orjson
import pytest
from callback_reports import HEAD, NOW, TIME, reported
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.operations import Annotate, Note
from evd.request.body import LinePattern, read_document
from evd.sigfox import radio_metadata as radio
from evd.sigfox.kinds.registry import DATA_KINDS, KINDS
from evd.sigfox.network_reports import NetworkReport, report

REPORTED = sorted(KINDS.keys() - DATA_KINDS)


@pytest.mark.parametrize("kind", REPORTED)
def test_what_is_missing_is_named(kind: str) -> None:
    for names in KINDS[kind].required:
        given = {name: "1" for group in KINDS[kind].required for name in group if name not in names}
        with pytest.raises(BadRequest, match=" or ".join(names)) as caught:
            report(kind, given, now=NOW, raw=b"")
        assert caught.value.error == "Missing basic attributes"


@pytest.mark.parametrize(
    ("kind", "variables"),
    [
        ("status", {"batt": "full"}),
        ("status", {"batt": 3.3, "seqNumber": -1}),
        ("status", {"batt": 3.3, "time": "yesterday"}),
        ("status", {"batt": True}),
        ("acknowledge", {"infoCode": 1.5}),
        ("acknowledge", {"infoCode": 2**31}),
        ("acknowledge", {"infoCode": {}}),
        ("geoloc", {"lat": 91, "lng": 0}),
        ("geoloc", {"lat": 0, "lng": -181}),
        ("geoloc", {"lat": "here", "lng": 0}),
        ("advanced", {"data": "0"}),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(kind: str, variables: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        reported(kind, **variables)
    assert 0 < len(caught.value.detail) < 200


SAME = {
    "in another order": {"temp": 21.5, "batt": 3, "seqNumber": 5},
    "quoted": {"batt": "3", "temp": "21.5", "seqNumber": "5", "time": "1639400000"},
    "with more digits": {"batt": "3.0", "temp": "21.500", "seqNumber": 5},
    "with a time in ms": {"batt": 3, "temp": 21.5, "seqNumber": 5, "time": TIME + 999},
    "with the device padded": {"batt": 3, "temp": 21.5, "seqNumber": 5, "device": "00386625"},
    "with the device by another name": {"batt": 3, "temp": 21.5, "seqNumber": 5, "vehicleId": "386625"},
    "with nulls": {"batt": 3, "temp": 21.5, "seqNumber": 5, "note": None, "other": "null"},
    "heard by another station": {"batt": 3, "temp": 21.5, "seqNumber": 5, "station": "1B2C", "rssi": -130, "lat": "48"},
    "saying its kind": {"batt": 3, "temp": 21.5, "seqNumber": 5, "kind": "status"},
}


@pytest.mark.parametrize("variables", SAME.values(), ids=SAME)
def test_a_report_in_another_spelling_is_the_same_report(variables: dict[str, Any]) -> None:
    assert reported("status", **variables).report_id == reported("status", batt=3, temp=21.5, seqNumber=5).report_id


@pytest.mark.parametrize(
    "variables",
    [
        {"batt": 3.1, "temp": 21.5, "seqNumber": 5},
        {"batt": 3, "temp": 21.5, "seqNumber": 6},
        {"batt": 3, "temp": 21.5},
        {"batt": 3, "temp": 21.5, "seqNumber": 5, "time": 1639400001},
        {"batt": 3, "temp": 21.5, "seqNumber": 5, "device": "386626"},
        {"batt": 3, "temp": 21.5, "seqNumber": 5, "note": "x"},
    ],
)
def test_a_report_of_something_else_is_another_report(variables: dict[str, Any]) -> None:
    assert reported("status", **variables).report_id != reported("status", batt=3, temp=21.5, seqNumber=5).report_id


numbers = st.integers(-(10**6), 10**6) | st.floats(-1000, 1000).map(lambda value: round(value, 4))
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10).filter(
    lambda text: text == text.strip() and not text.startswith(("{", "[")) and ";" not in text
)
VARIABLES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "status": {"batt": numbers, "temp": numbers},
    "repeater": {"batt": numbers, "repeatedMsg": st.integers(0, 9999)},
    "acknowledge": {"infoCode": st.integers(0, 9), "infoMessage": texts, "downlinkAck": st.booleans()},
    "error": {"info": texts, "severity": st.sampled_from(["ERROR", "WARN", "odd"])},
    "event": {"eventType": texts, "deviceExpectedSeqnumber": st.integers(0, 4095)},
    "geoloc": {"lat": st.floats(-90, 90), "lng": st.integers(-180, 180), "radius": numbers},
    "advanced": {
        "lqi": st.sampled_from([*radio.LQI, *range(6)]),
        "data": st.binary(max_size=12).map(bytes.hex),
        "duplicates": st.lists(st.fixed_dictionaries({"bsId": texts, "rssi": numbers}), max_size=3),
        "computedLocation": st.none() | st.fixed_dictionaries({"lat": st.floats(-90, 90), "lng": st.integers(0, 9)}),
    },
}
callbacks = st.sampled_from(sorted(VARIABLES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind),
        st.fixed_dictionaries(
            VARIABLES[kind] | {"seqNumber": st.none() | st.integers(0, 4095)}, optional={"deviceTypeId": texts}
        ),
    )
)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@given(callbacks)
def test_law_a_report_is_the_same_in_every_shape(callback: tuple[str, dict[str, Any]]) -> None:
    kind, variables = callback
    bare = HEAD | variables
    quoted = {name: value if isinstance(value, list | dict) else as_text(value) for name, value in bare.items()}
    form = "&".join(f"{name}={quote(as_text(value))}" for name, value in bare.items()).encode()
    of_form = {b"content-type": b"application/x-www-form-urlencoded"}
    shapes = [bare, orjson.loads(orjson.dumps(quoted))]
    shapes += [
        read_document(method=method, headers=of_form, query=query, body=body, pattern=None)
        for method, query, body in (("POST", b"", form), ("GET", form, b""), ("POST", form, b""))
    ]
    if not any(isinstance(value, list | dict) for value in bare.values()):
        pattern = LinePattern.parse(";".join(f"{{{name}}}" for name in bare))
        line = ";".join(as_text(value) for value in bare.values()).encode()
        of_text = {b"content-type": b"text/plain"}
        shapes.append(read_document(method="POST", headers=of_text, query=b"", body=line, pattern=pattern))
    expected = without_values(report(kind, bare, now=NOW, raw=b""))
    assert [without_values(report(kind, shape, now=NOW, raw=b"")) for shape in shapes] == [expected] * len(shapes)


def without_values(report: NetworkReport) -> NetworkReport:
    """What evd does not know is kept as it was written."""
    (first, *others) = report.operations
    if isinstance(first, Annotate):
        radio = orjson.loads(first.radio)
        radio.pop("values", None)
        first = msgspec.structs.replace(first, radio=orjson.dumps(radio))
    return report._replace(operations=(first, *others))


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "null", "386625", "1639400000", "GOOD", "9" * 400, "1e999", "DEVICE", "-0"])
    | texts,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["lat", "lng", "status", "bsId", "placeIds"]), inner, max_size=3)
    ),
    max_leaves=4,
)
names = st.sampled_from(
    sorted(
        {name for kind in KINDS.values() for group in (*kind.required, *kind.marks) for name in group}
        | {"data", "seqNumber", "sourceType", "sourceId", "infoMessage", "other", "deviceInfo"}
    )
)


@given(st.sampled_from(REPORTED), st.dictionaries(names, odd))
def test_law_any_object_is_a_report_that_can_be_written_or_a_refusal(kind: str, variables: dict[str, Any]) -> None:
    try:
        found = reported(kind, **variables)
    except BadRequest as refusal:
        assert refusal.detail
        return
    assert len(found.report_id) == 16
    for operation in found.operations:
        if isinstance(operation, Note):
            assert operation.text.isprintable()
            operation.text.encode()
        if isinstance(operation, Annotate):
            assert orjson.loads(operation.radio) is not None
