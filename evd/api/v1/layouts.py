"""How the payload of one status is read, `/api/v1`: the fields of its format with their bits and values."""

from __future__ import annotations

from typing import Any, TypedDict

from quart import Blueprint, Response

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.replies import V1, v1_json
from evd.api.shown_places import is_coarse
from evd.errors import CodecError, ConfigError, NotFound
from evd.ingest.redecode import read_kept
from evd.model.kept_status import KeptStatus
from evd.payload.formats import Format
from evd.payload.layout import layout
from evd.sigfox.message import PAYLOAD_MAX_BYTES
from evd.store.records import PageLimit, TimeSpan

SAME_TIME_MAX = PageLimit(100, 1 << 20)
"""Statuses of one time among which one is looked for."""

routes = Blueprint("layouts", __name__, url_prefix=V1)


class PayloadLayout(TypedDict):
    """By the format that decodes this vehicle's messages today."""

    vehicle: str
    id: str
    payload: str
    """Hex digits."""
    format: str
    """Its name, or its grammar."""
    fields: list[dict[str, Any]]
    """As the layout of a format has them, under the names of `values`."""
    values: dict[str, Any]
    """By the format alone; null for a field that is not wholly in the payload."""


FIELD: dict[str, Any] = {
    "name": "charge",
    "type": "uint",
    "bits": 8,
    "byte": 0,
    "offset": 7,
    "first_bit": 0,
    "last_bit": 7,
    "endianness": "big-endian",
}
"""An example of a field's layout."""

_LAYOUT = {
    "vehicle": "386625",
    "id": "349fb66a4d26df19",
    "payload": "4c",
    "format": "van-2",
    "fields": [
        FIELD | {"options": {"unit": "%"}},
    ],
    "values": {"charge": 76},
}


@routes.get("/vehicles/<given>/statuses/<status_id>/layout")
@described(answer=PayloadLayout, example=_LAYOUT)
async def layout_of_status(given: str, status_id: str) -> Response:
    """Which bits of a status's payload each field has, and what they say. 404 also where its payload is not shown."""
    vehicle = vehicle_named(given)
    kept = await _kept(vehicle, status_id[:64])
    if kept is None or kept.payload is None or await is_coarse(vehicle):
        raise NotFound(f"vehicle {vehicle} has no status {status_id[:40]!r} whose payload can be shown")
    message, context = read_kept(kept), here()
    assigned = context.directory.format_for(vehicle, None if message is None else message.device_type)
    try:
        found = context.formats.default if assigned is None else context.formats.find(assigned)
    except ConfigError:
        found = context.formats.default
    try:
        values = found.decoder.decode(kept.payload)
    except CodecError:
        values = {}
    shown: PayloadLayout = {
        "vehicle": vehicle,
        "id": kept.status_id,
        "payload": kept.payload.hex(),
        "format": found.name,
        "fields": _fields(found),
        "values": values,
    }
    return v1_json(shown)


async def _kept(vehicle: str, status_id: str) -> KeptStatus | None:
    traced = await here().queries.traced_status(vehicle, status_id)
    if traced is None:
        return None
    span = TimeSpan(vehicle, traced["time"], traced["time"])
    rows, _ = await here().queries.kept(span, None, SAME_TIME_MAX)
    return next((row for row in rows if row.status_id == status_id), None)


def _fields(found: Format) -> list[dict[str, Any]]:
    laid = layout(found.plan, carried=PAYLOAD_MAX_BYTES)["fields"]
    return [{**field, "name": step.name} for field, step in zip(laid, found.plan.steps, strict=True)]
