"""The JSON body of a request to `/api/v1`, as a struct."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import orjson

from evd.api.context import request_body
from evd.errors import BadRequest

F = TypeVar("F", bound=msgspec.Struct)


async def read_form(form: type[F]) -> F:
    """The request's body. Raises BadRequest."""
    try:
        return msgspec.convert(orjson.loads(await request_body()), form)
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise BadRequest(f"the body is invalid: {error}") from None
