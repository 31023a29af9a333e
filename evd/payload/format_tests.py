"""The tests beside a format: payloads, and what it must make of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from evd.config.settings import FormatSettings
from evd.errors import CodecError
from evd.model.measures import field_name
from evd.payload.formats import compile_format

RELATIVE = 1e-6
"""A float of 32 bits has seven digits; a person writes fewer."""


class Tried(NamedTuple):
    """One payload. `wrong` has the fields that differ: what was expected, and what the format gives."""

    format: str
    payload: str
    wrong: Mapping[str, tuple[Any, Any]]
    refused: str = ""
    """Why the text is no payload."""

    @property
    def is_right(self) -> bool:
        return not self.wrong and not self.refused


def tried(name: str, settings: FormatSettings) -> Iterator[Tried]:
    """Each of the format's tests. Fields that a test does not name may be anything. Raises FormatError."""
    decoder = compile_format(name, settings).decoder
    for payload, expected in settings.tests.items():
        try:
            found = orjson.loads(decoder.json_hex(payload))
        except CodecError as error:
            yield Tried(name, payload, {}, str(error))
            continue
        wrong = {
            field: (value, found.get(field_name(field)))
            for field, value in expected.items()
            if field_name(field) not in found or not _is_same(value, found[field_name(field)])
        }
        yield Tried(name, payload, wrong)


def _is_same(expected: Any, found: Any) -> bool:
    """TOML has no null: `"null"` stands for it, where the format gives none."""
    if found is None:
        return bool(expected == "null")
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return math.isclose(expected, found, rel_tol=RELATIVE)
    return bool(expected == found)
