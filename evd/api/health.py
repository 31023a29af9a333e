"""Whether evd is alive, and whether it can take callbacks."""

from __future__ import annotations

from typing import Any, TypedDict

from quart import Blueprint, Response

from evd import VERSION
from evd.api.context import here
from evd.api.described import described
from evd.api.replies import v1_json
from evd.api.state_document import readiness
from evd.payload.codec import IMPLEMENTATION

routes = Blueprint("health", __name__)


class Alive(TypedDict):
    status: str
    version: str
    codec: str


class Readiness(TypedDict):
    ready: bool
    reason: str
    push: dict[str, Any]
    alarms: list[dict[str, Any]]


@routes.get("/healthz")
@described(answer=Alive, example={"status": "ok", "version": VERSION, "codec": "cython"})
async def alive() -> Response:
    """Whether evd answers."""
    return v1_json({"status": "ok", "version": VERSION, "codec": IMPLEMENTATION})


@routes.get("/readyz")
@described(
    answer=Readiness,
    answers={503: (Readiness, "Callbacks are not taken: `reason` says why.")},
    example={"ready": True, "reason": "", "push": {"enabled": True, "held_since": None, "paused": ""}, "alarms": []},
)
async def ready() -> Response:
    """200 while callbacks are taken; 503 with the reason while the disk is full or evd is stopping.

    `alarms` are those that stand (evd.alarms.state). Trouble with pushes is reported, but does not make evd unready.
    """
    state = here().state()
    return v1_json(readiness(state), 200 if state.ready else 503)
