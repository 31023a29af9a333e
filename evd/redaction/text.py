"""Masks the secrets in a text of any kind: JSON, whole or broken, lists, JSON within JSON, pairs, headers, prose.

What is not masked keeps every byte, and JSON stays JSON. The time is linear in the text, and no input raises: each
pattern passes over the text once and never back, and nested texts are decoded UNFOLDED_MAX times at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import NamedTuple
from urllib.parse import quote, unquote

from evd.redaction.names import ALWAYS, SIGFOX, UNFOLDED_MAX, from_length, is_suspect
from evd.redaction.shapes import MASK, OPAQUE_MIN, is_opaque, without_opaque, without_shapes


class MaskingRule(NamedTuple):
    """How secrets are distinguished from values.

    With `strict` a suspicious name is enough, unless it is one of `known`; with `opaque` a text that looks like a token
    is masked under any name.
    """

    strict: bool = False
    opaque: bool = False
    known: Container[str] = frozenset()

    def from_length(self, name: str) -> int | None:
        """From how many characters on a text under this name is masked (ALWAYS: any value); None: never."""
        certain = from_length(name)
        if not self.strict or certain == ALWAYS:
            return certain
        return ALWAYS if is_suspect(name) and not self.knows(name) else None

    def knows(self, name: str) -> bool:
        """Whether it is the name of a value that is no secret."""
        return name in SIGFOX or (name in self.known and from_length(name) != ALWAYS)


ACCEPTED = MaskingRule()


def masked(text: str, rule: MaskingRule = ACCEPTED, depth: int = 0) -> str:
    """The text without its secrets. `depth` counts the encodings that were removed."""
    if "\\" in text:
        text = _string.sub(lambda found: _masked_string(found[0], rule, depth), text)
    if "%" in text:
        text = _run.sub(lambda found: _masked_run(found[0], rule, depth), text)
    return _masked_members(without_shapes(text), rule)


# ---- texts within texts ----

_CONTENT = r'[^"\\]*+(?:\\.[^"\\]*+)*'
"""What is between the quotes of a string; a backslash, and what it escapes, belong together."""

_string = re.compile(rf'(?<!\\)"{_CONTENT}(?:"|\\?\Z)', re.DOTALL)
_run = re.compile(r"[^\s\"'<>&=?#;,\\]++")
_encoded = re.compile(r"%[0-9A-Fa-f]{2}")
_json_escape = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _masked_string(text: str, rule: MaskingRule, depth: int) -> str:
    """A JSON string with its quotes; it is examined without its escapes, too."""
    if "\\" not in text:
        return text
    if depth >= UNFOLDED_MAX:
        return f'"{MASK}"'
    plain = _json_escape.sub(_unescaped, text[1:-1] if text[-1] == '"' and len(text) > 1 else text[1:])
    shown = masked(plain, rule, depth + 1)
    return text if shown == plain else json.dumps(shown)


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _CONTROLS.get(escape[2], escape[2])


def _masked_run(text: str, rule: MaskingRule, depth: int) -> str:
    """A piece of text without separators, which may be percent-encoded: a URL within a URL."""
    if not _encoded.search(text):
        return text
    if depth >= UNFOLDED_MAX:
        return MASK
    plain = unquote(text, errors="surrogateescape")
    shown = masked(plain, rule, depth + 1)
    return text if shown == plain else quote(shown, safe="*/:", errors="surrogateescape")


# ---- names and values ----

_BARE_NAME = r"[\w.%#@~$\\-]"
_NAME = rf"""(?:(?<!\\)"(?P<quoted>{_CONTENT})"|(?<!{_BARE_NAME})(?P<bare>{_BARE_NAME}++)(?P<close>["']?))"""
_PART = r'(?<=")(?:;[^\r\n]*+)?(?P<part>\r\n\r\n)'
_member = re.compile(rf"{_NAME}\s*+(?P<op>[:=])", re.DOTALL)
#: Also a list's item before the next one, an XML element, and a part of a multipart form.
_loose_member = re.compile(rf"{_NAME}(?:{_PART}|\s*+(?P<op>[:=,>]))", re.DOTALL)
_quote = re.compile(r"""(\\*+)(["'])""")
_inside = {'"': re.compile(_CONTENT, re.DOTALL), "'": re.compile(r"[^'\r\n]*+")}
_escaped_quote = re.compile(r'(\\*+)"')
_blanks = re.compile(r"[ \t]*+")
_any_blanks = re.compile(r"\s*+")
_bracket = re.compile(rf'"{_CONTENT}"?|[\[\]{{}}]', re.DOTALL)
_escaped_bracket = re.compile(r'(?<!\\)"|[\[\]{}]')
_line = re.compile(r"[^\r\n]*+")
_element = re.compile(r"[^<]*+")
_json_scalar = {True: re.compile(r'[^,}\]\r\n"]*+'), False: re.compile(r"[^\s,}\]\"']*+")}
_assigned = {True: re.compile(r"[^\s&\"'<>]*+"), False: re.compile(r"[^\s&\"'<>,;)}\]]*+")}
_prose_word = re.compile(r"[^\s&\"'<>,;:)}\]]*+")
_plain_value = re.compile(r"\s*+\\*+[\"']?[\w.+~-]*+(?=[\s\"'\\,;&}\]]|\Z)")


class _Value(NamedTuple):
    """The position of a name's value, without its quotes."""

    begin: int
    end: int
    quotes: str = ""
    """The quotes that a mask needs, if the value has none."""
    whole: bool = False
    """A list or an object."""


def _masked_members(text: str, rule: MaskingRule) -> str:
    """Mask the values of secrets' names: `"key": "…"`, `key=…`, `x-api-key: …`."""
    parts: list[str] = []
    done = at = 0
    pattern = _loose_member if rule.strict else _member
    while (found := pattern.search(text, at)) is not None:
        at = found.end()
        shown = _of_member(text, found, rule)
        if shown is None:
            continue
        begin, end, value = shown
        parts += (_rest(text[done:begin], rule), value)
        done = at = end
    return "".join((*parts, _rest(text[done:], rule)))


def _rest(text: str, rule: MaskingRule) -> str:
    return without_opaque(text) if rule.opaque else text


def _of_member(text: str, found: re.Match[str], rule: MaskingRule) -> tuple[int, int, str] | None:
    """A replacement for the text between two positions; None: nothing is decided there."""
    name = found["quoted"] or found["bare"] or ""
    threshold = rule.from_length(name)
    if threshold is not None:
        value = _value_of(text, found, threshold, rule)
        if value is not None and _is_masked(text, value, found, threshold, rule):
            return found.start(), value.end, f"{text[found.start() : value.begin]}{value.quotes}{MASK}{value.quotes}"
    return _protected(text, found, name, rule) if rule.opaque and found["op"] in (":", "=") else None


def _protected(text: str, found: re.Match[str], name: str, rule: MaskingRule) -> tuple[int, int, str] | None:
    """A name, and the value of a known one, are not masked for looking like a token."""
    plain = _plain_value.match(text, found.end()) if rule.knows(name) else None
    if plain is not None:
        return found.start(), plain.end(), text[found.start() : plain.end()]
    if len(name) < OPAQUE_MIN or (not found["quoted"] and "_" not in name and is_opaque(name)):  # base64 ends with =
        return None
    return found.start(), found.end(), found[0]


def _is_masked(text: str, value: _Value, found: re.Match[str], threshold: int, rule: MaskingRule) -> bool:
    content = text[value.begin : value.end]
    if value.whole:
        return content[1:-1].strip() != ""
    if not rule.strict and found["op"] == ":" and not _is_quoted(found):
        # Sentences contain colons, too: "check push.credentials: it holds no key".
        return is_secret(content, max(threshold, CERTAIN_MIN)) and any(map(str.isdecimal, content))
    return is_secret(content, threshold)


CERTAIN_MIN = 16
"""Characters of a secret that a name and a colon announce in prose."""


def is_secret(content: str, threshold: int) -> bool:
    """Whether a value is a secret under a name with this minimum length (evd.redaction.names)."""
    content = content.strip()
    if content in NOTHING or content == MASK:
        return False
    return threshold == ALWAYS or (
        len(content) >= threshold and not _number.fullmatch(content) and not _blank.search(content)
    )


NOTHING = frozenset({"", "null", "true", "false"})
_number = re.compile(r"[-+]?[0-9]{1,15}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?")
_blank = re.compile(r"\s")


def _is_quoted(found: re.Match[str]) -> bool:
    return found["quoted"] is not None or found["close"] != ""


def _value_of(text: str, found: re.Match[str], threshold: int, rule: MaskingRule) -> _Value | None:
    """The value of a member; None: there is nothing to mask."""
    at = found.end()
    if rule.strict and found["part"]:
        return _Value(at, _end(_line, text, at))
    if found["op"] == ",":
        return _next_item(text, found, threshold, rule)
    if found["op"] == ">":
        return _Value(at, _end(_element, text, at)) if text[found.start() - 1 : found.start()] == "<" else None
    return _value_at(text, at, found, threshold, rule)


def _next_item(text: str, found: re.Match[str], threshold: int, rule: MaskingRule) -> _Value | None:
    """The value in `["x-api-key", "…"]`, and in `{"name": "x-api-key", "value": "…"}`."""
    if found["quoted"] is None:
        return None
    value = _value_at(text, found.end(), found, threshold, rule)
    behind = len(text) if value is None else _end(_any_blanks, text, value.end + 1)
    named = text[behind : behind + 1] == ":"
    return _value_at(text, behind + 1, found, threshold, rule) if named else value


def _value_at(text: str, at: int, found: re.Match[str], threshold: int, rule: MaskingRule) -> _Value | None:
    quoted = _is_quoted(found)
    at = _end(_any_blanks if quoted else _blanks, text, at)
    quote = _quote.match(text, at)
    if quote is not None:
        return _Value(quote.end(), _end_of_string(text, quote))
    name = found["bare"] or ""
    escapes = name[len(name.rstrip("\\")) :]
    quotes = f'{escapes}"' if quoted and found["op"] != "=" else ""
    if text[at : at + 1] in ("[", "{"):
        # Only a value that is masked whole is read to its end; others are examined member by member.
        if threshold != ALWAYS:
            return None
        end = _end_of_brackets(text, at, bool(escapes))
        return _Value(at, end if quotes else _end(_assigned[rule.strict], text, end), quotes, whole=True)
    if quotes:
        end = _end(_json_scalar[rule.strict], text, at)
        return _Value(at, at + len(text[at:end].rstrip(" \t\\")), quotes)
    if found["op"] == ":":
        return _Value(at, _end(_line if rule.strict else _prose_word, text, at))
    return _Value(at, _end(_assigned[rule.strict], text, at))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """The end of a match of a pattern that always matches, possibly an empty text."""
    match = pattern.match(text, at)
    return match.end() if match else at


def _end_of_string(text: str, quote: re.Match[str]) -> int:
    escapes, mark = quote[1], quote[2]
    if not escapes:
        return _end(_inside[mark], text, quote.end())
    closing = (one for one in _escaped_quote.finditer(text, quote.end()) if len(one[1]) <= len(escapes))
    return next((one.start() for one in closing), len(text))


def _end_of_brackets(text: str, at: int, escaped: bool) -> int:
    depth = 0
    for mark in (_escaped_bracket if escaped else _bracket).finditer(text, at):
        if escaped and mark[0] == '"':
            return mark.start()
        depth += (mark[0] in "[{") - (mark[0] in "]}")
        if depth == 0:
            return mark.end()
    return len(text)
