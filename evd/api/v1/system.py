"""The machine room, `/api/v1/system`: versions, what evd measured of itself, and the settings that hold."""

from __future__ import annotations

import platform
from typing import Annotated, Any, TypedDict

import msgspec
from quart import Blueprint, Response

from evd import VERSION
from evd.api.context import here
from evd.api.described import described, read_query
from evd.api.replies import V1, v1_json
from evd.config.in_force import ShownSetting
from evd.model.units import DAY_S, HOUR_S
from evd.payload.codec import IMPLEMENTATION
from evd.store.engines import DEFAULT, ENGINES

SPAN_MAX_S = 7 * DAY_S
"""As much as `web.history_hours` may keep."""

routes = Blueprint("system", __name__, url_prefix=f"{V1}/system")


class Versions(TypedDict):
    evd: str
    codec: str
    """`cython`, or `python` where it is not compiled."""
    python: str
    database: str
    """The engine and its library's version."""
    system: str


class System(TypedDict):
    versions: Versions
    history_hours: float
    """How much history is kept at most."""


class HistoryQuery(msgspec.Struct):
    span_s: Annotated[int, msgspec.Meta(ge=10, le=SPAN_MAX_S)] = HOUR_S
    """How much of the history. Up to an hour it has steps of 10 s, beyond that of a minute."""


class History(TypedDict):
    step_s: int
    times: list[int]
    """The ends of the steps, epoch ms."""
    measures: dict[str, list[float | None]]
    """Name → its value in each step; null: unknown."""


@routes.get("")
@described(
    answer=System,
    example={
        "versions": {
            "evd": VERSION,
            "codec": "cython",
            "python": "3.11.7",
            "database": "sqlite 3.51.3",
            "system": "Linux 6.1",
        },
        "history_hours": 24,
    },
)
async def system() -> Response:
    """What runs here."""
    versions: Versions = {
        "evd": VERSION,
        "codec": IMPLEMENTATION,
        "python": platform.python_version(),
        "database": f"{DEFAULT} {'.'.join(map(str, ENGINES[DEFAULT].library[0]))}",
        "system": f"{platform.system()} {platform.release()}",
    }
    return v1_json({"versions": versions, "history_hours": here().config.web.history_hours})


@routes.get("/history")
@described(
    query=HistoryQuery,
    answer=History,
    example={"step_s": 10, "times": [1764277200000], "measures": {"callbacks_per_s": [1.2], "commit_ms": [2.1]}},
)
async def history() -> Response:
    """What evd measured of itself since its start: callbacks, commits, pushes, queue, files, memory."""
    found = here().history.span(read_query(HistoryQuery).span_s)
    return v1_json(found._asdict())


@routes.get("/settings")
@described(
    answer=list[dict[str, Any]],
    example=[
        {
            "path": "log.level",
            "value": "info",
            "default": "info",
            "unit": "",
            "meaning": "The least severity that is logged.",
            "origin": "built-in",
            "at": "built-in",
            "live": True,
        }
    ],
)
async def settings() -> Response:
    """Every setting that holds, with its origin; secrets are not shown."""
    shown: list[ShownSetting] = here().in_force.shown()
    return v1_json(shown)
