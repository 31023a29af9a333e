"""Why a body is no JSON, where a template is to blame: variables that stand in it without quotes.

Sigfox replaces `{customData#lat}` by what the payload says, and a float without a value says NaN (reference sigfox.md
A4); JSON has no word for that. In quotes each of these is a text, which evd takes for no value.
"""

from __future__ import annotations

import re

import orjson

_LOOKED_AT = 64
"""Characters before and behind the fault."""

_BEFORE = ',:["\n\r\t '
"""None of these stands in an unquoted value; behind one of them it begins."""

_QUOTE = "write its variable in quotes in the template"

#: What stands unquoted → what is said of it. The first pattern that matches counts.
_FAULTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?(?:nan|inf(?:inity)?)\b", re.IGNORECASE), "which is no number in JSON"),
    (re.compile(r"\{[A-Za-z_]\w{0,40}(?:#[\w-]{1,40})?\}", re.ASCII), "which Sigfox did not replace"),
    (re.compile(r"(?:null|-?[0-9]{1,20})(?:[.,;:/|](?:null|[0-9]{1,20}))+", re.ASCII), "which is glued from variables"),
)
_nothing = re.compile(r"\s*[,}\]]")


def fault(error: orjson.JSONDecodeError) -> str:
    """The sentence of a body that orjson refuses."""
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
