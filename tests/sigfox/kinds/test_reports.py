"""Callbacks that are no messages: what is written of each, and that every delivery of one is the same report."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.operations import Annotate, CloseDownlink, Frame, Modem, Note
from evd.request.body import LinePattern, read_document
from evd.sigfox import radio_metadata as radio
from evd.sigfox.downlinks import INFO_CODES
from evd.sigfox.kinds.reports import REPORTS, Report, report
from evd.sigfox.kinds.table import KINDS

NOW = 1_700_000_000_000
TIME = 1_639_400_000_000
HEAD = {"device": "386625", "time": 1639400000}


def told(kind: str, /, **variables: Any) -> Report:
    return report(kind, HEAD | variables, now=NOW, raw=b"as received")


def test_a_status_is_a_note_the_modems_state_and_a_frame() -> None:
    found = told("status", batt=3.34, temp="21.4", seqNumber="119")
    assert found.vehicle == "386625"
    assert found.operations == (
        Note(
            found.report_id,
            "386625",
            "status",
            "info",
            TIME,
            "The modem reports a battery of 3.34 V at 21.4 °C.",
            b"as received",
            NOW,
        ),
        Modem("386625", TIME, 3.34, 21.4, NOW),
        Frame("386625", TIME, 119, NOW),
    )


def test_an_acknowledge_closes_a_downlink_and_is_noted() -> None:
    found = told("acknowledge", infoCode=4, infoMessage="No station")
    close, note = found.operations
    assert close == CloseDownlink("386625", TIME, 4, "No station", NOW)
    assert isinstance(note, Note)
    assert note.text == "Downlink NETWORK_ERROR: no station could send it, Sigfox says 'No station'."


@pytest.mark.parametrize("number", sorted(INFO_CODES))
def test_every_info_code_is_named_in_its_note(number: int) -> None:
    close, note = told("acknowledge", infoCode=number).operations
    assert isinstance(close, CloseDownlink)
    assert isinstance(note, Note)
    assert (close.info_code, close.info) == (number, INFO_CODES[number].name)
    assert INFO_CODES[number].name in note.text


def test_data_advanced_annotates_its_message() -> None:
    (operation,) = told("advanced", seqNumber=40, data="0102", lqi="GOOD").operations
    radio_json = b'{"lqi":"GOOD","linkQuality":2}'
    assert operation == Annotate(
        "386625", TIME, 40, b"\x01\x02", "advanced", radio_json, None, NOW, document=b"as received"
    )


def test_geoloc_annotates_its_message_with_its_place() -> None:
    (operation,) = told("geoloc", lat="48.1486", lng=17.1077, radius=1250).operations
    assert isinstance(operation, Annotate)
    assert (operation.source, operation.location) == ("geoloc", "48.1486,17.1077")


def test_of_many_stations_so_many_are_kept() -> None:
    heard = [{"bsId": f"{number:X}", "rssi": -100} for number in range(100)]
    assert len(radio.of_advanced({"duplicates": heard})["duplicates"]) == radio.STATIONS_MAX


@pytest.mark.parametrize(
    "variables",
    [
        {"lqi": "SUPERB"},
        {"lqi": ["GOOD"]},
        {"linkQuality": 1.5},
        {"linkQuality": True},
        {"linkQuality": -1},
        {"countryCode": "SK"},
        {"operatorName": "x" * 65},
        {"operatorName": {}},
        {"duplicates": {}},
        {"computedLocation": "somewhere"},
        {"computedLocation": []},
        {"computedLocation": {"lat": 48}},
        {"fixedLat": "1e999"},
    ],
)
def test_what_cannot_be_read_of_the_radio_is_left_out(variables: dict[str, Any]) -> None:
    found = radio.of_advanced(variables | {"station": "1B2C"})
    assert found == {"station": "1B2C"}
    assert radio.location(found.get("computedLocation", {})) is None


def test_stations_that_are_no_objects_are_left_out() -> None:
    assert radio.of_advanced({"duplicates": [1, None, {}, {"bsId": "1B2C"}]}) == {"duplicates": [{"bsId": "1B2C"}]}


@pytest.mark.parametrize(
    ("variables", "vehicle"),
    [
        ({"device": "00386625"}, "386625"),
        ({"deviceId": "386625", "sourceType": "GROUP", "sourceId": "1"}, "386625"),
        ({"sourceType": "Device", "sourceId": "386625"}, "386625"),
        ({"sourceType": "DEVICE_TYPE", "sourceId": "386625"}, ""),
        ({"sourceType": "GROUP", "sourceId": "386625"}, ""),
        ({"sourceId": "386625"}, ""),
        ({"sourceType": "DEVICE"}, ""),
        ({"sourceType": ["DEVICE"], "sourceId": "1"}, ""),
        ({}, ""),
    ],
)
def test_an_event_concerns_a_vehicle_only_where_its_source_is_one(variables: dict[str, Any], vehicle: str) -> None:
    found = report("event", {"time": 1639400000, "eventType": "X"} | variables, now=NOW, raw=b"")
    (note,) = found.operations
    assert isinstance(note, Note)
    assert found.vehicle == note.vehicle == vehicle


def test_a_note_is_one_printable_line_of_bounded_length() -> None:
    (note,) = told("error", info="a\n\x1b[31mb\x00 " + "é" * 10_000, severity="ERROR").operations
    assert isinstance(note, Note)
    assert note.text.startswith("a [31mb ééé")
    assert note.text.isprintable()
    assert len(note.text) == 300


@pytest.mark.parametrize("kind", sorted(REPORTS))
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
        told(kind, **variables)
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
def test_a_report_told_in_another_way_is_the_same_report(variables: dict[str, Any]) -> None:
    assert told("status", **variables).report_id == told("status", batt=3, temp=21.5, seqNumber=5).report_id


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
    assert told("status", **variables).report_id != told("status", batt=3, temp=21.5, seqNumber=5).report_id


def test_the_position_of_a_geoloc_is_what_it_says() -> None:
    assert told("geoloc", lat=48, lng=17).report_id != told("geoloc", lat=48, lng=18).report_id


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


def without_values(report: Report) -> Report:
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


@given(st.sampled_from(sorted(REPORTS)), st.dictionaries(names, odd))
def test_law_any_object_is_a_report_that_can_be_written_or_a_refusal(kind: str, variables: dict[str, Any]) -> None:
    try:
        found = told(kind, **variables)
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
