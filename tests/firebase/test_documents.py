"""What evd reads in a user's document: any content gives vehicles or reasons, never an error."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evd.firebase.documents import VEHICLES_MAX, UserDocument, document_id, read_user, said_of, written_as
from evd.model.status import vehicle_id

ZOE = {"id": "386625", "name": "Zoe", "regNumber": "1AB 2345", "maxVoltage": 230, "imageFilename": "386625.jpg"}


def reasons(vehicles: Any, uid: str = "anna") -> list[str]:
    return [one.reason for one in read_user(UserDocument(uid, vehicles)).unread]


def test_a_vehicle_as_the_app_writes_it() -> None:
    (zoe,) = read_user(UserDocument("anna", {"00386625": ZOE})).vehicles.values()
    assert (zoe.key, zoe.vehicle, zoe.image) == ("00386625", "386625", "386625.jpg")
    assert zoe.profile == {"name": "Zoe", "regNumber": "1AB 2345", "maxVoltage": 230.0}


def test_an_empty_text_and_0_say_nothing() -> None:
    empty = {"id": "386625", "name": "", "regNumber": " ", "maxVoltage": 0, "imageFilename": ""}
    (zoe,) = read_user(UserDocument("anna", {"386625": empty})).vehicles.values()
    assert set(zoe.profile.values()) == {None} and zoe.image is None
    assert [written_as(member, None) for member in zoe.profile] == ["", "", 0]
    assert [written_as("maxVoltage", volts) for volts in (230.0, 230.5)] == [230, 230.5]


@pytest.mark.parametrize(
    ("vehicles", "reason"),
    [
        (["386625"], "vehicles is no map"),
        ({"386625": "Zoe"}, "vehicle is no map"),
        ({"386625": {**ZOE, "id": "386626"}}, "invalid vehicle id"),
        ({"x" * 65: {}}, "invalid vehicle id"),
        ({"386625": ZOE, "0386625": ZOE}, "vehicle named twice"),
        ({"386625": {**ZOE, "name": "n" * 201}}, "invalid name"),
        ({"386625": {**ZOE, "regNumber": ["1AB"]}}, "invalid regNumber"),
        ({"386625": {**ZOE, "maxVoltage": -5}}, "invalid maxVoltage"),
        ({"386625": {**ZOE, "imageFilename": "../zoe.jpg"}}, "invalid imageFilename"),
        ({f"{number:X}": {} for number in range(1, VEHICLES_MAX + 2)}, "too many vehicles"),
    ],
)
def test_what_is_not_taken_has_a_reason(vehicles: Any, reason: str) -> None:
    read = read_user(UserDocument("anna", vehicles))
    assert [one.reason for one in read.unread] == [reason]
    assert read.whole == ((reason.startswith("invalid ") and reason != "invalid vehicle id") or "twice" in reason)


def test_an_invalid_member_leaves_the_others() -> None:
    (zoe,) = read_user(UserDocument("anna", {"386625": {**ZOE, "name": "n" * 201}})).vehicles.values()
    assert zoe.profile == {"regNumber": "1AB 2345", "maxVoltage": 230.0}
    assert reasons({}, uid="a" * 129) == ["invalid user id"] and reasons(None) == []


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.dictionaries(st.sampled_from([*ZOE, "more"]), ANYTHING)


@settings(max_examples=50)
@given(st.text(max_size=8), ANYTHING | st.dictionaries(st.text(max_size=8) | st.just("386625"), MEMBERS))
def test_no_content_raises(uid: str, vehicles: Any) -> None:
    for vehicle, listed in read_user(UserDocument(uid, vehicles)).vehicles.items():
        assert vehicle == listed.vehicle == vehicle_id(listed.key)
        for member, said in listed.profile.items():
            assert said_of(member, written_as(member, said)) == said, "what is written back is read as it was"


def test_ids_of_documents() -> None:
    assert document_id("386625") == "386625" and document_id("my car – 1") == "my car – 1"
    odd = ["a/b", ".", "..", "__x__", "a%2Fb"]
    assert [document_id(one) for one in odd] == ["a%2Fb", "%2E", "%2E%2E", "%5F_x__", "a%252Fb"]
