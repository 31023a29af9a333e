"""Read a request's variables from JSON, form, text or URL, with one callback in the body or one on each line.

Sigfox sends all of these shapes (support.sigfox.com/docs/callback-medium). Names and values are the same in each, but
numbers that were not written in JSON are still texts, which `evd.sigfox.message` and `evd.sigfox.network_reports`
convert.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_plus, unquote_to_bytes

import orjson

from evd.errors import BadRequest
from evd.redaction.requests import line_may_hold_secret, masked
from evd.request.line_pattern import LinePattern
from evd.sigfox.kinds.registry import VARIABLES, VARIABLES_MAX
from evd.sigfox.message import PAYLOAD_NAMES, read_any_json, read_json, refuse_deep

__all__ = ["BatchLine", "LinePattern", "form_key", "is_form", "is_text", "read_batch", "read_document", "read_list"]

KEY = "key"
"""The form field that may hold the caller's key; it is neither a variable nor kept."""

BATCH_NAMES = ("batch", "data", "var")
"""Variables that usually hold a batch: evd's own name, then those of Sigfox's examples."""

LINE_MAX = 8192
"""Characters of a line; a callback has a few hundred, and one that lists all its base stations about 2,000."""

_FORM = "application/x-www-form-urlencoded"
_TEXT = "text/plain"
_BAD_BODY = "Body parsing error"
_BAD_LINE = "Line parsing error"
_line_end = re.compile("\r\n|\r|\n")
_lone_byte = re.compile("[\udc80-\udcff]")


class BatchLine(NamedTuple):
    """One line of a batch: its number, counted from 1; its text; and its variables, or the reason why it has none."""

    number: int
    text: str
    variables: dict[str, Any] | BadRequest


def read_document(
    *, method: str, headers: Mapping[bytes, bytes], query: bytes, body: bytes, pattern: LinePattern | None
) -> dict[str, Any]:
    """The variables of a request with one callback; `pattern` is that of a text/plain body. Raises BadRequest.

    Variables in the URL count if the body lacks them: Sigfox itself moves the URL's variables into a form's body
    (github.com/Iotnet/Callback). If a name is given twice, the last value counts.
    """
    if method == "GET" or (query and not body.strip()):
        document = _variables(query)
    elif _is_json(_content_type(headers), body):
        document = {**_known(query), **read_json(body)} if query else read_json(body)
    else:
        document = _variables(query) | _of_text(_content_type(headers), body, pattern)
    document.pop(KEY, None)
    return document


def read_batch(
    *, headers: Mapping[bytes, bytes], query: bytes, body: bytes, pattern: LinePattern, lines_max: int
) -> Iterator[BatchLine]:
    """The lines of a request with one callback on each line; blank lines are counted and left out.

    A line is read when the iterator reaches it, because its variables take many times its length. Raises BadRequest at
    once if the request has no batch, or one of more than `lines_max` lines. A line that cannot be read is returned with
    its BadRequest and does not affect the others.
    """
    batch = _batch_text(headers, query, body)
    lines = _line_end.split(batch)
    filled = [(number, line) for number, line in enumerate(lines, 1) if line and not line.isspace()]
    if len(filled) > lines_max:
        raise BadRequest(
            f"the batch has {len(filled)} lines, at most {lines_max} are allowed: raise sigfox.batch_lines_max",
            error=_BAD_BODY,
        )
    filled = [(number, _shortened(line)) for number, line in filled] if len(batch) > LINE_MAX else filled
    read = _line if _lone_byte.search(batch) is None else _line_of_bytes
    return (read(number, _readable(text, pattern), pattern) for number, text in filled)


def is_list(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Whether a body, on a route that takes lists, is a JSON list."""
    return body.lstrip()[:1] == b"[" and _content_type(headers) not in (_FORM, _TEXT)


def read_list(body: bytes) -> list[Any]:
    """Read the body as a JSON list. Raises BadRequest."""
    items = read_any_json(body)
    if type(items) is not list or not items:
        raise BadRequest("the body must be a status, or a list of some, as JSON", error=_BAD_BODY)
    return items


def form_key(headers: Mapping[bytes, bytes], body: bytes) -> str | None:
    """The form's field `key`, for callers that cannot set headers; a key in the URL is ignored."""
    if not is_form(headers, body) or body.count(b"&") >= VARIABLES_MAX:
        return None
    values = [part.partition(b"=")[2] for part in body.split(b"&") if _is_key(part)]
    try:
        return unquote_plus(values[-1].decode(), errors="strict") or None if values else None
    except UnicodeDecodeError:
        return None


def says_form(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the Content-Type is that of a form."""
    return _content_type(headers) == _FORM


def is_form(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Whether a body is read as a form."""
    return says_form(headers) and not _looks_like_json(body)


def is_text(headers: Mapping[bytes, bytes], body: bytes) -> bool:
    """Whether a body, of any type, is read by its route's line pattern if the route has one."""
    return not _looks_like_json(body) and not is_form(headers, body)


_KEY_LENGTH_MAX = 3 * len(KEY)  # each character may be percent-encoded


def _is_key(part: bytes) -> bool:
    name, equals, _ = part.partition(b"=")
    return bool(equals) and len(name) <= _KEY_LENGTH_MAX and unquote_to_bytes(name) == KEY.encode()


def _content_type(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")


def _looks_like_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"


def _is_json(content_type: str, body: bytes) -> bool:
    """Many clients send JSON under the type of a form or of plain text, and the original system read it as JSON."""
    return content_type not in (_FORM, _TEXT) or _looks_like_json(body)


def _known(query: bytes) -> dict[str, Any]:
    """Sigfox's variables in the URL of a JSON callback; other parameters of the URL are ignored."""
    try:
        return {name: value for name, value in _variables(query).items() if name in VARIABLES}
    except BadRequest:
        return {}


def _of_text(content_type: str, body: bytes, pattern: LinePattern | None) -> dict[str, Any]:
    if content_type == _FORM:
        return _variables(body)
    if pattern is None:
        raise BadRequest(
            "the body is text/plain: set its pattern in sigfox.text_patterns, or send application/json",
            error=_BAD_BODY,
        )
    return _unfold(pattern.read(_utf8(body)).items())


def _variables(encoded: bytes) -> dict[str, Any]:
    """The variables of a query or a form."""
    return _unfold(_pairs(_utf8(encoded), "strict")) if encoded else {}


def _pairs(text: str, errors: str) -> list[tuple[str, str]]:
    if text.count("&") >= VARIABLES_MAX:
        raise BadRequest(f"the form or query has more than {VARIABLES_MAX} variables", error=_BAD_BODY)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors=errors)
    except UnicodeDecodeError:
        raise BadRequest("the percent-decoded form or query is not UTF-8 text", error=_BAD_BODY) from None
    return [(name, value) for name, value in pairs if name]


def _utf8(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"the body or query is not UTF-8 text: see its byte {error.start}", error=_BAD_BODY) from None


def _unfold(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Variables, with Sigfox's objects (duplicates, computedLocation) parsed if their texts are JSON."""
    return {name: _object(value) if value[:1] in ("{", "[") else value for name, value in pairs}


def _object(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    refuse_deep(value, text.encode())
    return value


def _shortened(line: str) -> str:
    """The line, cut to LINE_MAX characters: a longer one is no callback, and only its beginning is kept."""
    return line if len(line) <= LINE_MAX else f"{line[:LINE_MAX]}…"


def _readable(line: str, pattern: LinePattern) -> str:
    """The line with its secrets masked."""
    line = pattern.masked(line)
    return masked(line) if line_may_hold_secret(line) else line


def _line_of_bytes(number: int, text: str, pattern: LinePattern) -> BatchLine:
    """A line of a batch that is not valid UTF-8."""
    if _lone_byte.search(text) is None:
        return _line(number, text, pattern)
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return BatchLine(number, shown, BadRequest("the line is not UTF-8 text", error=_BAD_LINE))


def _line(number: int, text: str, pattern: LinePattern) -> BatchLine:
    if len(text) > LINE_MAX:
        return BatchLine(number, text, BadRequest(f"the line has more than {LINE_MAX} characters", error=_BAD_LINE))
    try:
        values = pattern.read(text)
    except BadRequest as refusal:
        return BatchLine(number, text, refusal)
    if "" in values.values():
        # Every line has all names of the pattern, so only names with a value show what a line is about.
        values = {name: value for name, value in values.items() if value or name in PAYLOAD_NAMES}
    variables: dict[str, Any] = _unfold(values.items()) if "{" in text or "[" in text else {**values}
    variables.pop(KEY, None)
    return BatchLine(number, text, variables)


def _batch_text(headers: Mapping[bytes, bytes], query: bytes, body: bytes) -> str:
    """The rendered {batch} in body or query; bytes that are not UTF-8 become lone surrogates."""
    content_type = _content_type(headers)
    text = body.decode("utf-8", "surrogateescape")
    if not body.strip():
        return _choose(_pairs(query.decode("utf-8", "surrogateescape"), "surrogateescape"))
    if content_type == "application/json" or (content_type != _TEXT and body.lstrip()[:1] in (b"{", b'"')):
        return _batch_of_json(body)
    if content_type == _FORM and "=" in text:
        return _choose(_pairs(text, "surrogateescape"))
    return _without_name(text)


def _batch_of_json(body: bytes) -> str:
    if body.lstrip()[:1] != b'"':
        return _choose([(name, value) for name, value in read_json(body).items() if type(value) is str])
    try:
        return str(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}", error=_BAD_BODY) from None


def _choose(pairs: Iterable[tuple[str, str]]) -> str:
    """The batch among the variables of a request. Raises BadRequest if there is none."""
    values = dict(pairs)
    values.pop(KEY, None)
    for name in BATCH_NAMES:
        if name in values:
            return values[name]
    if len(values) == 1:
        return next(iter(values.values()))
    raise BadRequest("the request has no batch: send the lines as text/plain, or as batch={batch}", error=_BAD_BODY)


def _without_name(text: str) -> str:
    """A plain text without a form's name (`var={batch}`), which would become part of the first line's device."""
    for name in BATCH_NAMES:
        if text.startswith(f"{name}="):
            return text.removeprefix(f"{name}=")
    return text
