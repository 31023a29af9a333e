"""Answers of the API, and errors as answers: the original's form on its routes, problem+json on new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from quart import Response, request

from evd.errors import RequestError, TooManyRequests, Unauthorized, Unavailable
from evd.net.server.http1 import error_reply
from evd.request.http import Reply

ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
"""On the original's routes; new ones send no CORS headers."""

V1 = "/api/v1"

PROBLEM_MEDIA = "application/problem+json"
PROBLEM_TYPE = "urn:evd:problem:"
"""Before an error's title, in small letters with hyphens: as in urn:evd:problem:not-found."""

NO_HEADERS: Mapping[str, str] = {}


def legacy_json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, {"Content-Type": "application/json", **ANY_ORIGIN})


def legacy_empty(status: int) -> Response:
    """An answer without a body; its header names JSON, as the original's does."""
    return Response(b"", status, {"Content-Type": "application/json", **ANY_ORIGIN})


def teapot() -> Response:
    """The original's answer to every unknown request."""
    return Response("I'm a teapot!", 418, {"Content-Type": "text/plain", **ANY_ORIGIN})


def v1_json(document: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, {"Content-Type": "application/json"})


def from_reply(reply: Reply) -> Response:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in reply.headers}
    return _typed(Response(reply.body, reply.status, headers), headers.get("content-type"))


def bare(status: int) -> Response:
    """An answer without a body, for the original's clients."""
    return _typed(Response(b"", status, ANY_ORIGIN), None)


def _typed(response: Response, content_type: str | None) -> Response:
    """Set the content type, or remove it: quart's default is text/html."""
    if content_type is None:
        response.headers.pop("content-type", None)
    return response


def from_error(error: RequestError) -> Response:
    if not request.path.startswith(V1):
        return from_reply(error_reply(error))
    headers = {}
    if isinstance(error, Unavailable | TooManyRequests):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="evd"'  # no Basic: a browser would ask for a password
    return problem(error.status, type(error).error, error.detail, headers)


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """An error by RFC 9457. `type` names the kind of error; `instance` is the path, without a query."""
    document = _problem_json(status, title, detail, request.path)
    return Response(document, status, {"Content-Type": PROBLEM_MEDIA, **headers})


def refusal(error: RequestError, path: str) -> Reply:
    """The answer to a request that does not reach the application: too long, too late, malformed after its head."""
    if not path.startswith(V1):
        return error_reply(error)
    document = _problem_json(error.status, error.error, error.detail, path)
    headers: tuple[tuple[bytes, bytes], ...] = ((b"Content-Type", PROBLEM_MEDIA.encode()),)
    if isinstance(error, Unavailable | TooManyRequests):
        headers += ((b"Retry-After", b"%d" % error.retry_after_s),)
    return Reply(error.status, document, headers)


def _problem_json(status: int, title: str, detail: str, path: str) -> bytes:
    return orjson.dumps(
        {
            "type": PROBLEM_TYPE + title.lower().replace(" ", "-"),
            "title": title,
            "status": status,
            "detail": detail,
            "instance": quote(path),
        }
    )
