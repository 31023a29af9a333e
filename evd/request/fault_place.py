"""Where in a refused body its fault is, so that a reader finds it at once.

The reason names a value (`time is "x": a number is needed`), or the text is no JSON. What is missing has no place.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypedDict

from evd.sigfox.message import PAYLOAD_NAMES, SEQ_NAMES, TIME_NAMES, VEHICLE_NAMES

_value_named = re.compile(r"(\w[\w.-]*) is ")
_SUBJECTS = (("the payload ", PAYLOAD_NAMES), ("the vehicle's id ", VEHICLE_NAMES))
"""What reasons call a value that has several names."""

_SYNONYMS = {"time": TIME_NAMES, "seqNumber": SEQ_NAMES}
_said_at = re.compile(r"the body is no JSON: (?:(?P<value>.{1,40}) stands )?at character (?P<at>\d+)", re.DOTALL)
"""As evd.sigfox.json_faults says it; characters count from 1."""

_constant = re.compile(r"-?\b(?:NaN|Infinity)\b")
_token = re.compile(r"[^\s,\[\]{}\"]+|.", re.DOTALL)


class FaultPlace(TypedDict):
    """Characters of the body, from `start` up to and without `end`."""

    start: int
    end: int


def fault_place(body: str, detail: str) -> FaultPlace | None:
    """The place in a JSON or form body that the reason `detail` is about; None: it has no place."""
    place = _as_said(body, detail) or _of_value(body, _names_in(detail))
    if place is None and body.lstrip()[:1] in ("{", "["):
        place = _of_syntax(body)
    return None if place is None else {"start": place[0], "end": place[1]}


def _as_said(body: str, detail: str) -> tuple[int, int] | None:
    """The place that a reason names itself, if the body is long enough for it."""
    said = _said_at.match(detail)
    start = int(said["at"]) - 1 if said is not None else len(body)
    if said is None or not 0 <= start < len(body):
        return None
    value = said["value"]
    if value is not None and body.startswith(value, start):
        return start, start + len(value)
    return _token_at(body, start)


def _names_in(detail: str) -> tuple[str, ...]:
    """The names that the value of this reason may stand under."""
    for subject, names in _SUBJECTS:
        if detail.startswith(subject):
            return names
    named = _value_named.match(detail)
    return () if named is None else _SYNONYMS.get(named[1], (named[1],))


def _of_value(body: str, names: tuple[str, ...]) -> tuple[int, int] | None:
    for name in names:
        in_json = re.search(rf'(?<!\\)"{re.escape(name)}"\s*:\s*', body)
        if in_json is not None:
            return in_json.end(), _end_of_json(body, in_json.end())
        in_form = re.search(rf"(?:^|&){re.escape(name)}=([^&\r\n]*)", body)
        if in_form is not None:
            return in_form.span(1) if in_form[1] else in_form.span()
    return None


def _end_of_json(body: str, start: int) -> int:
    try:
        return json.JSONDecoder().raw_decode(body, start)[1]
    except (ValueError, RecursionError):
        return _token_at(body, start)[1]


def _of_syntax(body: str) -> tuple[int, int] | None:
    try:
        json.loads(body, parse_constant=_refused)
    except json.JSONDecodeError as error:
        return _token_at(body, error.pos)
    except (ValueError, RecursionError):
        found = _constant.search(body)
        return None if found is None else found.span()
    return None


def _refused(constant: str) -> Any:
    """JSON has no NaN and no infinity, though Python reads them."""
    raise ValueError(constant)


def _token_at(body: str, start: int) -> tuple[int, int]:
    """The word at `start`; at the end of the body its last character."""
    found = _token.match(body, start)
    return found.span() if found is not None else (max(0, len(body) - 1), len(body))
