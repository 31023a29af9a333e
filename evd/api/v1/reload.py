"""The reload, `/api/v1/reload`: renewed certificates, and the settings that may change in a running evd."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from evd.api.context import here
from evd.api.described import described
from evd.api.replies import V1, v1_json
from evd.errors import BadRequest, EvdError
from evd.model.daemon_state import Reloaded

routes = Blueprint("reload", __name__, url_prefix=V1)


@routes.post("/reload")
@described(
    answer=Reloaded,
    example={
        "changed": ["log.level: info → debug"],
        "needs_restart": ["ingest.queue_rows_max: 16384 → 32768"],
        "certificate_renewed": True,
        "certificate_ends_s": 1803456000.0,
    },
)
async def reload() -> Response:
    """Read certificates and settings again; no connection is closed. If something cannot be used, nothing changes."""
    try:
        return v1_json(msgspec.to_builtins(await here().reload()))
    except EvdError as error:
        raise BadRequest(str(error)) from None
