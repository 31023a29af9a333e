"""DynamoDB's type descriptors: each type is read, each fault refused, and any item the same after a round trip."""

from __future__ import annotations

from typing import Any

import pytest
from dynamodb_items import ITEMS
from hypothesis import given

from evd.transfer.descriptors import BadDescriptor, item_of, plain_and_rest, value_of


@pytest.mark.parametrize(
    ("descriptor", "value"),
    [
        ({"S": "386625"}, "386625"),
        ({"S": ""}, ""),
        ({"N": "76"}, 76),
        ({"N": "-0"}, 0),
        ({"N": "36.25"}, 36.25),
        ({"N": "1E+2"}, 100.0),
        ({"N": "1234567890123456789012"}, 1234567890123456789012.0),
        ({"BOOL": False}, False),
        ({"NULL": True}, None),
        ({"B": "aGk="}, "aGk="),
        ({"L": [{"N": "1"}, {"NULL": True}]}, [1, None]),
        ({"M": {"a": {"M": {}}}}, {"a": {}}),
        ({"SS": ["b", "a"]}, ["b", "a"]),
        ({"NS": ["1", "2.5"]}, [1, 2.5]),
        ({"BS": ["aGk="]}, ["aGk="]),
    ],
)
def test_a_descriptor_has_a_plain_value(descriptor: Any, value: Any) -> None:
    read = value_of(descriptor)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    "descriptor",
    [
        *({}, [], None, "386625", 7, {"S": "a", "N": "1"}, {"X": "a"}),
        *({"S": 1}, {"N": 1}, {"N": "one"}, {"N": "NaN"}, {"N": "1e999"}, {"N": "1" * 65}, {"N": " 1"}, {"N": ""}),
        *({"BOOL": "true"}, {"NULL": False}, {"B": "a"}, {"B": 1}, {"L": {}}, {"L": [1]}, {"M": []}, {"M": {"a": 1}}),
        *({"SS": "a"}, {"SS": [1]}, {"NS": [1]}, {"BS": ["?"]}),
    ],
)
def test_what_is_no_descriptor_is_refused_with_its_attribute_named(descriptor: Any) -> None:
    with pytest.raises(BadDescriptor, match="attribute 'speed' "):
        plain_and_rest({"vehicleId": {"S": "A"}, "speed": descriptor})


@given(ITEMS)
def test_any_item_is_exact_after_a_round_trip(item: dict[str, Any]) -> None:
    assert item_of(*plain_and_rest(item)) == item


@given(ITEMS)
def test_what_the_plain_values_show_is_not_kept_twice(item: dict[str, Any]) -> None:
    values, rest = plain_and_rest(item)
    assert rest.keys() <= item.keys() == values.keys()
    assert not [name for name, one in item.items() if one.keys() & {"S", "BOOL", "NULL"} and name in rest]
