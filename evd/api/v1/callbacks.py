"""What to enter into Sigfox's callback form, `/api/v1/callbacks`: as `evd sigfox config` prints it."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from evd.api.described import described, read_query
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, ConfigError
from evd.net.client.base_url import parse_base_url
from evd.sigfox.callback_form import CallbackDefinition, definitions

routes = Blueprint("callbacks", __name__, url_prefix=V1)


class CallbacksQuery(msgspec.Struct):
    url: str
    """evd's public address."""


@routes.get("/callbacks")
@described(
    query=CallbacksQuery,
    answer=list[CallbackDefinition],
    example=[msgspec.to_builtins(definitions("https://evd.example.org")[0])],
)
async def list_callbacks() -> Response:
    """The callbacks as Sigfox's form shows them, DATA first; `<key>` stands for a key of the role sigfox."""
    try:
        base = parse_base_url(read_query(CallbacksQuery).url)
    except ConfigError as error:
        raise BadRequest(str(error)) from None
    return v1_json(msgspec.to_builtins(definitions(base.url)))
