"""Masks the secrets in a request before anything of it is kept, logged or answered.

There are two rules (evd.redaction.text.MaskingRule): `ACCEPTED` for callbacks that are taken and for the daemon's log,
where a vehicle's field must not be lost for its name; `refused` for rejections, where a doubt is enough.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from evd.redaction.names import ALWAYS, ENDINGS, WHOLE, WORDS
from evd.redaction.shapes import MASK, SCHEMES, SHAPES, without_shapes
from evd.redaction.text import ACCEPTED, NOTHING, MaskingRule, is_secret, masked
from evd.sigfox.kinds.registry import VARIABLES_MAX

__all__ = [
    "ACCEPTED",
    "MASK",
    "MaskingRule",
    "line_may_hold_secret",
    "masked",
    "masked_bytes",
    "masked_form",
    "masked_line",
    "masked_path",
    "masked_value",
    "may_hold_secret",
    "refused",
    "unmasked",
]


def refused(known: Container[str] = frozenset()) -> MaskingRule:
    """The rule for a refused request; `known` are names besides Sigfox's, such as the fields of formats."""
    return MaskingRule(strict=True, opaque=True, known=known)


def masked_bytes(data: bytes, rule: MaskingRule = ACCEPTED) -> bytes:
    """As `masked`, for a body; bytes that are not UTF-8 are kept."""
    encoding, errors = _encoding(data)
    text = data.decode(encoding, errors)
    shown = masked(text, rule)
    return data if shown == text else shown.encode(encoding, errors)


def _encoding(data: bytes) -> tuple[str, str]:
    """UTF-8, or UTF-16 if every other byte is zero: no callback is, but a refused request may be."""
    if len(data) % 2 == 0 and data.count(0) * 4 > len(data):
        encoding = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
        try:
            data.decode(encoding, "surrogatepass")
        except UnicodeDecodeError:
            pass
        else:
            return encoding, "surrogatepass"
    return "utf-8", "surrogateescape"


_HARMLESS = b"0123456789abcdefABCDEF;,.:+- \t\r\n"
_harmless_line = re.compile(f"[{_HARMLESS.decode()}]*+".replace("+-", "+\\-"))
"""No secret's name and no shape consists of these characters only; nearly all lines of batches do."""
#: More hex digits than a payload has, or some of them between signs.
_long_run = re.compile(r"[0-9A-Fa-f]{25}|(?=[0-9A-Fa-f+-]{20})[0-9A-Fa-f]{0,19}[+-]")


def _shortest(words: Iterable[str]) -> tuple[str, ...]:
    """Those of the words that do not contain another one."""
    given = {word.lower() for word in words}
    return tuple(sorted(one for one in given if not any(other in one for other in given if other != one)))


#: All that the rule ACCEPTED masks contains one of these.
_HINTS = _shortest((*WORDS, *WHOLE, *ENDINGS, *(shape.hint for shape in SHAPES), *SCHEMES, "\\", "%"))
_BYTE_HINTS = tuple(hint.encode() for hint in _HINTS)
_SEEN_MAX = 4096
_SEEN_BYTES_MAX = 64
_seen: set[bytes] = set()
"""Cached pieces of texts without a hint: the callbacks of a device type differ in their values only."""


def may_hold_secret(data: bytes) -> bool:
    """Whether the rule ACCEPTED might mask anything in it: a cheap test that spares most bodies the scanner.

    Not valid for a text that begins like a JSON object and is none: that is never accepted.
    """
    if not data.translate(None, _HARMLESS):
        return False
    if b"\\" in data:
        return True
    # No hint contains a quote, so each piece between quotes is examined by itself; of JSON only the strings.
    pieces = data.split(b'"')
    return any(map(_piece_may, set(pieces[1::2] if data[:1] == b"{" else pieces) - _seen))


def _piece_may(piece: bytes) -> bool:
    if not piece.translate(None, _HARMLESS):
        return False
    lowered = piece.lower()
    if any(hint in lowered for hint in _BYTE_HINTS):
        return True
    if len(piece) <= _SEEN_BYTES_MAX:
        if len(_seen) >= _SEEN_MAX:
            _seen.clear()
        _seen.add(piece)
    return False


def masked_line(line: str, rule: MaskingRule) -> str:
    """As `masked`, for a line of a batch: nearly all need no scan."""
    if _harmless_line.fullmatch(line) and not _long_run.search(line):
        return line
    return masked(line, rule)


def line_may_hold_secret(line: str) -> bool:
    """As `may_hold_secret`, for a line of a batch."""
    if _harmless_line.fullmatch(line):
        return False
    lowered = line.lower()
    return any(hint in lowered for hint in _HINTS)


PATH_PARTS_MAX = 16
"""Parts of a path that are examined one by one; what follows them is masked."""

_measure = re.compile(r"[-+]?[0-9]{1,8}(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,3})?")
_template = re.compile(r"\{[\w#.-]{1,64}\}")
_simple_name = re.compile(r"[\w.#-]{1,32}")


def masked_form(encoded: str, rule: MaskingRule = ACCEPTED) -> str:
    """A form or a query, variable by variable.

    With a strict rule the values of all names without a meaning in a callback are masked, unless they are numbers:
    these are what vehicles measure, and what a replay needs. What follows VARIABLES_MAX is refused, so it is masked.
    """
    parts = encoded.split("&", VARIABLES_MAX)
    rest = parts[VARIABLES_MAX:]
    shown = [_masked_variable(part, rule) for part in parts[:VARIABLES_MAX]]
    return "&".join((*shown, *(MASK for _ in rest)))


def _masked_variable(part: str, rule: MaskingRule) -> str:
    name, equals, value = part.partition("=")
    plain_name, plain = (unquote_plus(one, errors="surrogateescape") for one in (name, value))
    if not equals:
        return part if _simple_name.fullmatch(plain_name) else _encoded_again(name, masked_value("", plain_name, rule))
    if without_shapes(plain_name) != plain_name:
        name = MASK
    return f"{name}={_encoded_again(value, _masked_variable_value(plain_name, plain, rule))}"


def _masked_variable_value(name: str, value: str, rule: MaskingRule) -> str:
    if rule.strict and not rule.knows(name) and rule.from_length(name) is None:
        return value if value in NOTHING or _measure.fullmatch(value) or _template.fullmatch(value) else MASK
    return masked_value(name, value, rule)


def _encoded_again(given: str, shown: str) -> str:
    """The text as it was given if nothing is masked, else encoded again."""
    same = unquote_plus(given, errors="surrogateescape") == shown
    return given if same else quote_plus(shown, safe="*", errors="surrogateescape")


def masked_value(name: str, value: str, rule: MaskingRule) -> str:
    """The value of a variable or of a header."""
    threshold = rule.from_length(name)
    if threshold is not None and is_secret(value, threshold):
        return MASK
    return masked(value, rule._replace(opaque=rule.opaque and not rule.knows(name)), depth=1)


def masked_path(path: str, rule: MaskingRule) -> str:
    """Mask in a path what looks like a secret, and what follows a secret's name."""
    parts = path.split("/", PATH_PARTS_MAX)
    for index, part in enumerate(parts):
        named = index > 0 and rule.from_length(parts[index - 1]) == ALWAYS
        beyond = index == PATH_PARTS_MAX
        parts[index] = MASK if part and (named or beyond) else masked_value("", part, rule)
    return "/".join(parts)


def unmasked(document: dict[str, Any]) -> dict[str, Any]:
    """The variables without those that were masked."""
    return {name: value for name, value in document.items() if value != MASK}
