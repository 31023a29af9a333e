"""What a template made of a value: variables not replaced, glued nulls, objects around values, places."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import BadRequest
from evd.model.geo import position_of
from evd.sigfox.message import read_message
from evd.sigfox.template_values import Cleaned, Location, cleaned, location_of, unwrapped

LEAST = {"vehicleId": "386625", "timestamp": 1639400000}


@pytest.mark.parametrize(
    "text",
    [
        "{customData#Type}",
        "{customData#int1}.{customData#int2}",
        "{customData#a-b#c}",
        "{device}",
        "{seqNumber}",
        "car {customData#plate}",
        "48.1,{customData#lng}",
        "{_x}",
        "{" + "a" * 5000 + "}",
    ],
)
def test_a_text_with_a_variable_is_no_value(text: str) -> None:
    assert cleaned(text) == Cleaned(None, replaced=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{ device }",
        '{"a":1}',
        "{a",
        "a}",
        "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
        "{A3F2504E-4F89-11D3-9A0C-0305E82C3301}",
        "{#x}",
        "{customData#}",
        "{é}",
        "nullable",
        "null and void",
        "1.5",
        "1.2.3",
        "NaNa",
        "nullnull",
        ".null",
        "null.",
        "null . null",
        "x.null",
    ],
)
def test_any_other_text_is_itself(text: str) -> None:
    assert cleaned(text) == Cleaned(text)


@pytest.mark.parametrize(
    "text",
    [
        *("null", "null.null", "5.null", "null.5", "-5.null", "+1.null", "null,null", "null;null;7", "null/null"),
        *("null:null", "null|null", "null null", "NaN", "nan", "Infinity", "-Infinity"),
    ],
)
def test_a_text_that_says_that_there_is_no_value_is_none(text: str) -> None:
    assert cleaned(text) == Cleaned(None)


def test_what_lies_within_is_cleaned_as_well() -> None:
    value = {"a": ["{x}", "1", {"b": "null.null", "c": True}], "d": 5, "e": None, "f": 1.5}
    assert cleaned(value) == Cleaned(
        {"a": [None, "1", {"b": None, "c": True}], "d": 5, "e": None, "f": 1.5}, replaced=False
    )
    assert cleaned({"a": ["1", 2]}) == Cleaned({"a": ["1", 2]})


@pytest.mark.parametrize("text", ["{" * 60_000, "{a" * 30_000, "1." * 30_000 + "x", "null." * 13_000, "{a#" * 20_000])
def test_long_texts_are_read_in_linear_time(text: str) -> None:
    began = time.process_time()
    cleaned(text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("value", "inside"),
    [({"value": 15}, 15), ({"value": None, "unit": "%"}, None), ({"values": 15}, {"values": 15}), (15, 15), ([1], [1])],
)
def test_a_value_in_an_object(value: Any, inside: Any) -> None:
    assert unwrapped(value) == inside


NOWHERE = Location(None)
UNCLEAR = Location(None, unclear=True)


@pytest.mark.parametrize(
    ("value", "location"),
    [
        ({"lat": 48.1, "lng": 17.1}, Location("48.1,17.1")),
        ({"lat": "48.1486", "lon": "17.10770"}, Location("48.1486,17.10770")),
        ({"latitude": 48, "longitude": -117}, Location("48,-117")),
        ({"lat": 48.1, "long": 17.1, "alt": 200}, Location("48.1,17.1")),
        ({"lat": None, "lng": 17.1}, NOWHERE),
        ({"lat": 91, "lng": 17.1}, None),
        ({"lat": True, "lng": 17.1}, None),
        ({"lat": 48.1}, None),
        ({}, None),
        ({"type": "Point", "coordinates": [40.71427, -74.00597]}, UNCLEAR),
        ({"type": "Point", "coordinates": [17.1077, 48.1486]}, UNCLEAR),
        ({"type": "Point", "coordinates": [151.209, -33.868]}, Location("-33.868,151.209")),
        ({"type": "Point", "coordinates": [-33.868, 151.209]}, Location("-33.868,151.209")),
        ({"type": "Point", "coordinates": ["-33.868", "151.209", 12]}, Location("-33.868,151.209")),
        ({"type": "Point", "coordinates": [17.1, 17.1]}, Location("17.1,17.1")),
        ({"type": "Point", "coordinates": [0, 0]}, Location("0,0")),
        ({"type": "Point", "coordinates": [None, None]}, NOWHERE),
        ({"type": "Point", "coordinates": []}, None),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, None),
        ({"type": "Point", "coordinates": "48.1,17.1"}, None),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}, None),
        ({"type": "Point", "coordinates": [100, 200]}, None),
        ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [151, -33]}}, Location("-33,151")),
        ({"type": "Feature", "geometry": None}, None),
        ([151, -33], Location("-33,151")),
        ([48.1, 17.1], UNCLEAR),
        ([48.1], None),
    ],
)
def test_where_an_object_says_that_the_vehicle_is(value: Any, location: Location | None) -> None:
    assert location_of(value) == location


NUMBERS = st.integers(-400, 400) | st.floats(-400, 400, allow_nan=False) | st.none() | st.text("-.0189 n", max_size=4)


@given(st.one_of(st.tuples(NUMBERS, NUMBERS).map(list), st.dictionaries(st.sampled_from(["lat", "lng"]), NUMBERS)))
def test_law_a_place_is_on_the_map(value: Any) -> None:
    location = location_of(value)
    assert location is None or location.text is None or position_of(location.text) is not None


# In a message


@pytest.mark.parametrize(
    ("given_fields", "fields"),
    [
        ({"current_charge": {"value": "76"}}, {"current_charge": 76}),
        ({"current_charge": {"value": {"value": 1}}}, None),
        ({"current_charge": {"value": "null"}}, {}),
        ({"current_charge": {"val": 76}}, None),
        ({"data1": {"value": "15"}}, {"data1": {"value": "15"}}),
        ({"advanced": {"value": "true"}}, {"advanced": True}),
        ({"location": {"value": {"lat": 1, "lng": 2}}}, {"location": "1,2"}),
        ({"location": {"value": "1,2"}}, {"location": "1,2"}),
        ({"location": {"lat": 1}}, None),
        ({"location": {"type": "Point", "coordinates": ["{customData#lat}", "{customData#lng}"]}}, {}),
        ({"location": "{customData#lat},{customData#lng}"}, {}),
        ({"indoor_temp": "null.null", "outdoor_temp": "23.5"}, {"outdoor_temperature": 23.5}),
        ({"indoor_temp": "23.-5"}, None),
        ({"range": "NaN", "note": "NaN"}, {}),
        ({"range": "infinity"}, None),
        ({"state": "{customData#state}", "name": "{customData#name}"}, {}),
    ],
)
def test_a_senders_values_in_a_message(given_fields: dict[str, Any], fields: dict[str, Any] | None) -> None:
    if fields is None:
        with pytest.raises(BadRequest):
            read_message(LEAST | given_fields)
    else:
        assert read_message(LEAST | given_fields).fields == fields


def test_a_message_has_the_names_of_what_was_not_replaced_and_what_is_unclear() -> None:
    message = read_message(
        LEAST | {"Lat": "{customData#Lat}", "station": "{station}", "a": ["{x}"], "location": [48.1, 17.1], "b": "c"}
    )
    assert message.unreplaced == ("Lat", "station", "a")
    assert message.unread == ("location",)
    assert message.fields == {"a": [None], "b": "c"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("vehicleId", "the body lacks vehicleId or device"),
        ("timestamp", "the body lacks timestamp or time"),
        ("data", 'the payload "{data}" is no hex text'),
    ],
)
def test_what_a_message_cannot_do_without_must_be_replaced(name: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says.replace("{", r"\{")):
        read_message(LEAST | {name: f"{{{name}}}"})


def test_a_sequence_number_that_was_not_replaced_is_none() -> None:
    message = read_message(LEAST | {"seqNumber": "{seqNumber}", "ack": "{ack}", "encoded": "{encoded}"})
    assert (message.seq, message.asks, message.encoded) == (None, False, None)
