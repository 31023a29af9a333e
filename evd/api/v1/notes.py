"""Vehicles' logs, `/api/v1`: what Sigfox reported of them besides messages."""

from __future__ import annotations

from typing import TypedDict

from quart import Blueprint, Response

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.pages import asked_page, page
from evd.api.replies import V1
from evd.store.records import LISTED_MAX, NUMBER_MAX, Listing, NoteRow

SHOWN = ("time", "vehicle", "kind", "severity", "text", "received", "document")

routes = Blueprint("notes", __name__, url_prefix=V1)


class ShownNote(TypedDict):
    """Times are epoch ms."""

    time: int
    vehicle: str
    kind: str
    severity: str
    text: str
    received: int
    document: str
    """What Sigfox sent, as JSON."""


_NOTE = {
    "time": 1764277200000,
    "vehicle": "386625",
    "kind": "status",
    "severity": "info",
    "text": "The modem reports a battery of 3.34 V at 21.4 °C.",
    "received": 1764277201000,
    "document": "{}",
}


@routes.get("/vehicles/<given>/log")
@described(answer=list[ShownNote], listed=LISTED_MAX, example=[_NOTE])
async def log_of_vehicle(given: str) -> Response:
    """The newest first; empty for a vehicle without reports, known or not."""
    after, limit = await asked_page((NUMBER_MAX, NUMBER_MAX))
    return _page(await here().queries.log(vehicle_named(given), after, limit=limit))


@routes.get("/log")
@described(answer=list[ShownNote], listed=LISTED_MAX, example=[_NOTE])
async def log_of_all() -> Response:
    """The entries of all vehicles, groups and device types, in the order of arrival, the last first."""
    after, limit = await asked_page((NUMBER_MAX,))
    return _page(await here().queries.logs(after, limit=limit))


def _page(listing: Listing[NoteRow]) -> Response:
    return page(listing, [{name: value for name, value in row.items() if name in SHOWN} for row in listing.rows])
