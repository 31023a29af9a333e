"""DynamoDB's type descriptors, such as `{"S": "386625"}` and `{"N": "76"}`, and the plain values that they describe.

The ten types are those of docs.aws.amazon.com/amazondynamodb, "Data type descriptors". A plain value has lost what JSON
has no type for: which set a list was, that a text was bytes, how a number was written. `plain_and_rest` keeps aside
what a descriptor made anew from the plain value would lose, and `item_of` puts it back, so that an item stays exact.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

Descriptor = dict[str, Any]
"""An object with one member: the type's name and the value."""

Item = dict[str, Descriptor]
"""An item: attribute name → descriptor."""

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
NUMBER_MAX = 64
"""Characters of a number: DynamoDB gives up to 38 digits, a sign, a point and an exponent."""


class BadDescriptor(ValueError):
    """An attribute is not as DynamoDB describes one; the text says what is wrong with it."""


def value_of(descriptor: Any) -> Any:
    """The plain value: a text, an int, a float, a bool, None, a list or a dict. Raises BadDescriptor.

    Bytes stay Base64. A number with a point or an exponent, or with more than 18 digits, is a float.
    """
    if type(descriptor) is not dict or len(descriptor) != 1:
        raise BadDescriptor('is no object with one type, such as {"S": "text"}')
    ((kind, value),) = descriptor.items()
    read = _READERS.get(kind)
    if read is None:
        raise BadDescriptor(f"has the type {kind[:20]!r}, which DynamoDB does not have")
    return read(value)


def descriptor_of(value: Any) -> Descriptor:
    """The descriptor of a plain value."""
    return _WRITERS[type(value)](value)


class Plain(NamedTuple):
    """An item as plain values, and the descriptors of those attributes that their plain values do not give again."""

    values: dict[str, Any]
    rest: Item


def plain_and_rest(item: Mapping[str, Any]) -> Plain:
    """Raises BadDescriptor, which names the attribute."""
    values: dict[str, Any] = {}
    rest: Item = {}
    for name, descriptor in item.items():
        try:
            value = value_of(descriptor)
        except BadDescriptor as error:
            raise BadDescriptor(f"attribute {name[:40]!r} {error}") from None
        values[name] = value
        if not _same(descriptor_of(value), descriptor):
            rest[name] = descriptor
    return Plain(values, rest)


def item_of(values: Mapping[str, Any], rest: Mapping[str, Descriptor]) -> Item:
    """The item: the inverse of `plain_and_rest`."""
    return {**{name: descriptor_of(value) for name, value in values.items()}, **rest}


def _same(one: Any, other: Any) -> bool:
    """As JSON: 1 is not 1.0, and true is not 1."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise BadDescriptor("has a value of type S that is no text")
    return value


def _number(value: Any) -> int | float:
    if type(value) is not str or len(value) > NUMBER_MAX or not _NUMBER.fullmatch(value):
        raise BadDescriptor("has a value of type N that is no number in quotes")
    return int(value) if _WHOLE.fullmatch(value) else _finite(float(value))


def _finite(value: float) -> float:
    if value in (float("inf"), float("-inf")):
        raise BadDescriptor("has a value of type N that is too large")
    return value


def _bytes(value: Any) -> str:
    try:
        b64decode(_text(value), validate=True)
    except (BadDescriptor, binascii.Error, ValueError):
        raise BadDescriptor("has a value of type B that is not Base64") from None
    return str(value)


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise BadDescriptor("has a value of type BOOL that is neither true nor false")
    return value


def _null(value: Any) -> None:
    if value is not True:
        raise BadDescriptor("has a value of type NULL that is not true")


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise BadDescriptor("has a value of type L that is no list")
    return [value_of(one) for one in value]


def _map(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise BadDescriptor("has a value of type M that is no object")
    return {name: value_of(one) for name, one in value.items()}


def _set(read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def read_set(value: Any) -> list[Any]:
        if type(value) is not list:
            raise BadDescriptor("has a set that is no list")
        return [read(one) for one in value]

    return read_set


_READERS: dict[str, Callable[[Any], Any]] = {
    "S": _text,
    "N": _number,
    "B": _bytes,
    "BOOL": _flag,
    "NULL": _null,
    "L": _list,
    "M": _map,
    "SS": _set(_text),
    "NS": _set(_number),
    "BS": _set(_bytes),
}

_WRITERS: dict[type, Callable[[Any], Descriptor]] = {
    str: lambda value: {"S": value},
    int: lambda value: {"N": str(value)},
    float: lambda value: {"N": repr(value)},
    bool: lambda value: {"BOOL": value},
    type(None): lambda value: {"NULL": True},
    list: lambda value: {"L": [descriptor_of(one) for one in value]},
    dict: lambda value: {"M": {name: descriptor_of(one) for name, one in value.items()}},
}
