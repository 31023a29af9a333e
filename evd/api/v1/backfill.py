"""`POST /api/v1/backfill`: takes in documents of callbacks that never arrived."""

from __future__ import annotations

from typing import TypedDict

import msgspec
import orjson
from quart import Blueprint, Response

from evd.api.context import here, request_body
from evd.api.described import described
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest
from evd.sigfox.message import refuse_deep
from evd.sigfox_api.backfill.mapping import ITEMS_MAX, TAKEN, Item
from evd.sigfox_api.backfill.runner import take_in

routes = Blueprint("backfill", __name__, url_prefix=V1)


class Verdicts(TypedDict):
    verdicts: list[str]


@routes.post("/backfill")
@described(
    body=list[Item],
    body_example=[
        {"kind": "uplink", "document": {"device": "386625", "time": 1764277200, "data": "0102", "seqNumber": 7}}
    ],
    answer=Verdicts,
    example={"verdicts": ["newest"]},
)
async def take() -> Response:
    """The body is a list of `{"kind", "document"}`; the answer has a verdict for each, in its order.

    A verdict is the ingest's (`newest`, `late`, `duplicate`, `too old`, `rejected`, …), or `again` if evd was too busy
    for that document.
    """
    items = _items(await request_body())
    return v1_json({"verdicts": await take_in(here().ingest.accept_document, items)})


def _items(body: bytes) -> list[Item]:
    try:
        documents = orjson.loads(body)
        refuse_deep(documents, body)
        items = msgspec.convert(documents, list[Item])
    except (orjson.JSONDecodeError, msgspec.ValidationError) as error:
        raise BadRequest(f"the body is invalid: {error}") from None
    if len(items) > ITEMS_MAX:
        raise BadRequest(f"{len(items)} documents are too many: send at most {ITEMS_MAX} at a time")
    unknown = next((item.kind for item in items if item.kind not in TAKEN), None)
    if unknown is not None:
        known = ", ".join(sorted(filter(None, TAKEN)))
        raise BadRequest(f'there is no kind {unknown[:40]!r}: use one of {known}, or "" to recognize it')
    return items
