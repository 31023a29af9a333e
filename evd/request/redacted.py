"""The parts of a request that may be kept: route, headers and body without their secrets (evd.redaction.requests)."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from urllib.parse import quote_plus, unquote_plus, unquote_to_bytes

import msgspec
import orjson

from evd.redaction.requests import (
    ACCEPTED,
    MASK,
    MaskingRule,
    masked_bytes,
    masked_form,
    masked_path,
    masked_value,
    may_hold_secret,
)
from evd.request.body import is_form, is_text
from evd.request.http import Request
from evd.request.line_pattern import LinePattern
from evd.sigfox.kinds.registry import VARIABLES_MAX

HEADERS_MAX = 4096
"""Bytes of headers kept with a rejection; a callback has about 500, and a batch may have one row per bad line."""

PLAIN_HEADERS = frozenset(
    {"accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection", "content-length"}
    | {"content-type", "connectivitymethod", "date", "expect", "forwarded", "host", "keep-alive", "origin", "te"}
    | {"traceparent", "transfer-encoding", "user-agent", "via", "x-amzn-trace-id", "x-correlation-id"}
    | {"x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip", "x-request-id"}
)
"""Headers whose values are not secrets although they may look random; recognizable secrets are masked anyway."""

PRIVATE_KEY = b"PRIVATE KEY-----"
"""Part of the first line of a private key; its other lines look like any text."""

#: A form, whatever its Content-Type: a variable and its value, without a blank.
_form = re.compile(rb"[\w.%#-]{1,64}=[^\s\"{}]*+")


def without_secrets(request: Request, pattern: LinePattern | None) -> Request:
    """The request with its secrets masked, so that they have no value; `pattern` is the line pattern of a text body."""
    query, body = request.query, request.body
    if may_hold_secret(query):
        query = _as_form(query, ACCEPTED)
    if may_hold_secret(body):
        body = _as_form(body, ACCEPTED) if is_form(request.headers, body) else masked_bytes(body, ACCEPTED)
    request = _changed(request, query, body)
    return request if pattern is None else _without_secrets_of(request, pattern)


def batch_without_secrets(request: Request, pattern: LinePattern) -> Request:
    """A batch without the secrets that span lines; each line is searched when it is read: there may be thousands."""
    if PRIVATE_KEY in request.body:
        request = _changed(request, request.query, masked_bytes(request.body, ACCEPTED))
    return _without_secrets_of(request, pattern)


def _without_secrets_of(request: Request, pattern: LinePattern) -> Request:
    """The request without the values that the pattern marks as secrets."""
    if not pattern.secrets or not is_text(request.headers, request.body):
        return request
    lines = request.body.decode("utf-8", "surrogateescape")
    return _changed(request, request.query, pattern.masked(lines).encode("utf-8", "surrogateescape"))


def _changed(request: Request, query: bytes, body: bytes) -> Request:
    if query == request.query and body == request.body:
        return request
    return msgspec.structs.replace(request, query=query, body=body)


def kept_route(request: Request, rule: MaskingRule) -> str:
    """`METHOD PATH?QUERY`."""
    query = _as_form(request.query, rule).decode("latin-1")
    return f"{request.method} {masked_path(request.path, rule)}{'?' if query else ''}{query}"


def kept_body(request: Request, rule: MaskingRule) -> bytes:
    body = request.body
    if is_form(request.headers, body) or (b"&" in body and _form.fullmatch(body)):
        return _as_form(body, rule)
    return masked_bytes(body, rule)


def kept_in_steps(request: Request, rule: MaskingRule) -> Generator[None, None, bytes]:
    """As `kept_body`, for a long body; pauses every few lines.

    Only a private key spans lines, and `batch_without_secrets` has masked it before.
    """
    body = request.body
    if 0 in body:  # possibly UTF-16, which has other line ends
        return kept_body(request, rule)
    if not is_form(request.headers, body):
        kept = []
        for piece in _pieces(body):
            yield
            kept.append(masked_bytes(piece, rule))
        return b"".join(kept)
    variables = []
    for variable in body.split(b"&", VARIABLES_MAX):
        name, equals, value = variable.partition(b"=")
        if len(value) <= PIECE_BYTES:
            variables.append(_as_form(variable, rule))
            continue
        if rule.strict and not rule.knows(unquote_plus(name.decode("latin-1"))):
            variables.append(name + equals + MASK.encode())
            continue
        shown = []
        for piece in _pieces(unquote_to_bytes(value.replace(b"+", b" "))):
            yield
            shown.append(quote_plus(masked_bytes(piece, rule), safe="*;").encode())
        variables.append(name + equals + b"".join(shown))
    return b"&".join(variables)


PIECE_BYTES = 4096
"""Bytes of a body that are searched between two pauses: 2 ms."""

LINE_BYTES_MAX = 65_536
"""Bytes kept of one line of a long body: as many as a short body may have."""


def _pieces(text: bytes) -> Iterator[bytes]:
    """Whole lines with their ends, about PIECE_BYTES at a time."""
    piece: list[bytes] = []
    size = 0
    for line in text.splitlines(keepends=True):
        piece.append(line if len(line) <= LINE_BYTES_MAX else line[:LINE_BYTES_MAX] + MASK.encode())
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
    yield b"".join(piece)


def kept_headers(headers: Mapping[bytes, bytes], rule: MaskingRule, *, of_line: bool = False) -> bytes:
    """The headers as a JSON object of up to HEADERS_MAX bytes; the longest values are left out first.

    With `of_line` the Content-Type is text/plain, because the rejection holds one line, whatever its batch's type was.
    """
    shown: dict[str, str] = {}
    left = HEADERS_MAX
    of_headers = rule._replace(known=PLAIN_HEADERS)
    for name, value in sorted(headers.items(), key=lambda header: len(header[1])):
        left -= len(name) + len(value)
        if left < 0:
            break
        text = name.decode("latin-1")
        shown[text] = masked_value(text, value.decode("latin-1"), of_headers)
    if of_line:
        shown["content-type"] = "text/plain; charset=utf-8"
    return orjson.dumps(shown)


def _as_form(encoded: bytes, rule: MaskingRule) -> bytes:
    return masked_form(encoded.decode("utf-8", "surrogateescape"), rule).encode("utf-8", "surrogateescape")


def is_utf8(body: bytes) -> bool:
    """Whether the body is valid UTF-8, so that it can be read as text."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
