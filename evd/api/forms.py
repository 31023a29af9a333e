"""What a request to `/api/v1` gives: its JSON body as a struct, numbers of its query."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import orjson
from quart import request

from evd.api.context import request_body
from evd.errors import BadRequest

F = TypeVar("F", bound=msgspec.Struct)

LISTED = 1000
"""Entries of a list, unless more are asked for."""

LISTED_MAX = 10_000


async def read_form(form: type[F]) -> F:
    """The request's body. Raises BadRequest."""
    try:
        return msgspec.convert(orjson.loads(await request_body()), form)
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise BadRequest(f"the body is refused: {error}") from None


def asked_limit(usual: int = LISTED) -> int:
    """How many entries the query asks for (`limit`). Raises BadRequest."""
    text = request.args.get("limit", str(usual))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= LISTED_MAX):
        raise BadRequest(f"limit is {text[:40]!r}: it must be a number from 1 to {LISTED_MAX}")
    return int(text)
