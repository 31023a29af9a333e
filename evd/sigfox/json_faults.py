"""Why a body is not JSON if its template is to blame: variables without quotes.

Sigfox replaces `{customData#lat}` by the payload's value, and a float may be NaN, which JSON cannot express (RFC 8259,
section 6). In quotes it is a text, which evd reads as no value.
"""

from __future__ import annotations

import re

import orjson

_LOOKED_AT = 64
"""Characters examined before and after the fault."""

_BEFORE = ',:["\n\r\t '
"""Characters that no unquoted value contains; the value begins after one of them."""

_QUOTE = "write its variable in quotes in the template"

#: Unquoted text → its description in the error sentence. The first pattern that matches counts.
_FAULTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?(?:nan|inf(?:inity)?)\b", re.IGNORECASE), "which is no number in JSON"),
    (re.compile(r"\{[A-Za-z_]\w{0,40}(?:#[\w-]{1,40})?\}", re.ASCII), "which Sigfox did not replace"),
    (re.compile(r"(?:null|-?[0-9]{1,20})(?:[.,;:/|](?:null|[0-9]{1,20}))+", re.ASCII), "which is glued from variables"),
)
_nothing = re.compile(r"\s*[,}\]]")


def fault(error: orjson.JSONDecodeError) -> str:
    """The error sentence for a body that orjson refuses."""
    text, at = error.doc, error.pos
    start = at
    while start > max(at - _LOOKED_AT, 0) and text[start - 1] not in _BEFORE:
        start -= 1
    value = text[start : at + _LOOKED_AT]
    for pattern, why in _FAULTS:
        if match := pattern.match(value):
            return f"the body is no JSON: {match[0][:40]} stands at character {start + 1}, {why}: {_QUOTE}"
    if text[:start].rstrip().endswith(":") and _nothing.match(value):
        return f"the body is no JSON: at character {start + 1} no value stands behind the colon: {_QUOTE}"
    return f"the body is no JSON: {error}"
