"""Vehicles' logs, `/api/v1`: what Sigfox reported of them beside their messages."""

from __future__ import annotations

from quart import Blueprint, Response

from evd.api.context import here, require_admin
from evd.api.forms import asked_limit
from evd.api.replies import V1, v1_json
from evd.status import vehicle_id

notes = Blueprint("notes", __name__, url_prefix=V1)


@notes.before_request
async def only_admins() -> None:
    require_admin()


@notes.get("/vehicles/<given>/log")
async def log_of_vehicle(given: str) -> Response:
    """The newest first; empty for a vehicle nothing was reported of, known or not."""
    return v1_json(await here().queries.log(vehicle_id(given), asked_limit()))


@notes.get("/log")
async def log_of_all() -> Response:
    """Of all vehicles, groups and device types; those first that came last."""
    return v1_json(await here().queries.logs(asked_limit()))
