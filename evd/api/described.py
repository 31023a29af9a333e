"""What a route takes and gives, said beside its view, for /openapi.json and for reading the query.

`described` is written under the route's decorator; a view without it fails tests/api/test_openapi.py. Its summary is
the first sentence of the view's docstring. Who may use it stands in evd.auth.access, its path in the route itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from quart import request

from evd.errors import BadRequest

V = TypeVar("V", bound=Callable[..., Any])
Q = TypeVar("Q", bound=msgspec.Struct)

JSON = "application/json"
NOTHING: Any = None
"""The type of an answer without a body."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A route's part of the OpenAPI document. An example must match its type: a test checks it."""

    answer: Any = NOTHING
    """The type of a successful answer's body, of which msgspec knows the JSON Schema; `str` for what is no JSON,
    `bytes` for what is no text."""
    status: int = 200
    media: str = JSON
    """Media type of a successful answer."""
    other_media: Sequence[str] = ()
    """Further ones, which the content decides."""
    example: Any = None
    """Of a successful answer's body, as JSON."""
    answers: Mapping[int, tuple[Any, str]] = {}
    """Further statuses that come with a body: status → the body's type, and the meaning."""
    also: Mapping[int, str] = {}
    """Further statuses: status → meaning; below 400 without a body. Errors that any route gives are not named."""
    query: type[msgspec.Struct] | None = None
    """The query's parameters: a struct's fields, which `read_query` reads. Where one is `format`, its choices say in
    which forms the answer comes (evd.api.openapi.FORMATS)."""
    repeated: Sequence[str] = ()
    """Parameters of `query` that may be given several times."""
    listed: int = 0
    """The most entries of a page, if the answer is one of a list: it takes `limit` and `cursor`, and has a Link."""
    headers: Mapping[str, str] = {}
    """Headers of a successful answer: name → meaning."""
    body: Any = None
    """The type of the request's body."""
    body_media: Sequence[str] = (JSON,)
    body_example: Any = None
    body_needed: bool = True
    original: bool = False
    """Whether errors have the original's form (evd.net.server.http1.error_reply)."""


def described(**about: Any) -> Callable[[V], V]:
    """Describe a view; the arguments are the fields of Described."""
    description = Described(**about)

    def describe(view: V) -> V:
        view.__dict__["described"] = description
        return view

    return describe


def description_of(view: Any) -> Described | None:
    found: Described | None = getattr(view, "described", None)
    return found


def read_query(form: type[Q]) -> Q:
    """The query's parameters, of which those that the struct does not have are left out. Raises BadRequest.

    A number is written as in JSON. A parameter that is given several times counts once, the first one.
    """
    given = request.args.to_dict()
    try:
        return msgspec.convert(given, form, strict=False)
    except msgspec.ValidationError as error:
        said, _, name = str(error).rstrip("`").partition(" - at `$.")
        raise BadRequest(
            f"{name} is {given[name][:40]!r}: {said}" if name in given else f"the query: {error}"
        ) from None
