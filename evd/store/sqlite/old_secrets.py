"""SQL functions for an upgrade that mask, by today's rules, what older versions kept of refused requests."""

from __future__ import annotations

from typing import Any

import orjson

from evd.redaction.requests import refused
from evd.request.http import Request
from evd.request.redacted import is_utf8, kept_body, kept_headers, kept_route

_RULE = refused()


def add_functions(connection: Any) -> None:
    """Add `kept_route(route)`, `kept_headers(headers)`, `kept_body(headers, body)` and `is_text(body)`."""
    connection.create_function("kept_route", 1, _route, deterministic=True)
    connection.create_function("kept_headers", 1, _headers, deterministic=True)
    connection.create_function("kept_body", 2, _body, deterministic=True)
    connection.create_function("is_text", 1, is_utf8, deterministic=True)


def _route(route: str) -> str:
    method, _, target = route.partition(" ")
    path, _, query = target.partition("?")
    return kept_route(Request(method, path, query.encode("latin-1", "replace"), {}, b"", ""), _RULE)


def _headers(headers: str) -> str:
    return kept_headers(_read(headers), _RULE).decode()


def _body(headers: str, body: bytes) -> bytes:
    return kept_body(Request("", "", b"", _read(headers), body, ""), _RULE)


def _read(headers: str) -> dict[bytes, bytes]:
    """Headers as they were written: names and values in latin-1."""
    try:
        document = orjson.loads(headers)
    except orjson.JSONDecodeError:
        return {}
    return {
        name.encode("latin-1", "replace"): str(value).encode("latin-1", "replace") for name, value in document.items()
    }
