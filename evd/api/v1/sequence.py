"""A vehicle's frames received and lost, by day, `/api/v1`."""

from __future__ import annotations

from quart import Blueprint, Response

from evd.api.context import here, vehicle_named
from evd.api.described import described
from evd.api.pages import asked_page, page
from evd.api.replies import V1
from evd.errors import NotFound
from evd.store.records import LISTED_MAX, DayRow

routes = Blueprint("sequence", __name__, url_prefix=V1)


class DayOfFrames(DayRow):
    of: int
    """Frames that Sigfox allows a day."""


@routes.get("/vehicles/<given>/days")
@described(
    answer=list[DayOfFrames],
    listed=LISTED_MAX,
    example=[
        {
            "vehicle": "386625",
            "day": "2026-11-27",
            "received": 96,
            "lost": 4,
            "resets": 0,
            "share": 96.0,
            "used": 100,
            "of": 140,
        }
    ],
)
async def days(given: str) -> Response:
    """The vehicle's days (UTC), oldest first: frames received and lost, % received, and `used` of the budget `of`."""
    context, vehicle = here(), vehicle_named(given)
    counted = await context.queries.days(vehicle, *await asked_page(("",), LISTED_MAX))
    if not counted.rows and not (await context.queries.event_settings_of(vehicle))[0]:
        raise NotFound(f"vehicle {vehicle} is unknown: it has sent no status and was not set up")
    return page(counted, [{**day, "of": context.config.sigfox.daily_budget} for day in counted.rows])
