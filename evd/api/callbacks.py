"""What the ingest routes take and give, for /openapi.json, from the table of kinds.

evd.sigfox reads them, under many more names and shapes than stand here: docs/sigfox.md has all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NotRequired, TypedDict

from quart import Response

from evd.api.described import JSON, Described
from evd.model.connectivity import WLAN
from evd.sigfox.kinds.kind import EXAMPLE_MESSAGE
from evd.sigfox.kinds.registry import KINDS
from evd.sigfox.routes import ANY, BATCH, Route

FORM = "application/x-www-form-urlencoded"

View = Callable[..., Awaitable[Response]]


class CallbackBody(TypedDict, total=False):
    """Sigfox's variables, or a vehicle's status: the names that evd knows, and any other ones."""

    device: str
    """The vehicle; also `vehicleId`."""
    time: float
    """Seconds since 1970; above 10^11 they are ms. Also `timestamp`."""
    data: str
    """The payload, in hex; also `rawdata`."""
    seqNumber: int


class BatchBody(TypedDict):
    batch: str
    """Callbacks, one a line."""


class DownlinkData(TypedDict):
    downlinkData: NotRequired[str]
    """16 hex digits."""
    noData: NotRequired[bool]


class RefusedLine(TypedDict):
    line: int
    Error: str
    detail: str


class PartlyTaken(TypedDict):
    """Of a batch, or of a list of statuses (with `items`)."""

    stored: int
    rejected: NotRequired[list[RefusedLine]]
    items: NotRequired[list[dict[str, Any]]]


_SEVERAL: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ANY: ("A callback of any kind, which evd recognizes by its variables.", EXAMPLE_MESSAGE),
    BATCH: ("Many callbacks, one a line.", {"batch": "386625;1764277200;130a4c0f594e427e4bb45088;118"}),
}
"""What the routes of several kinds take, and an example."""

_POST = "A vehicle's own post over WLAN: a status, or a list of statuses."
_STATUS = {"vehicleId": "386625", "timestamp": 1764277200000, "current_charge": 76}


def described_callback(view: View, route: Route, *, named: bool) -> View:
    """The view of an ingest route, with its description; `named`: the vehicle stands in the path."""

    async def ingest(**arguments: str) -> Response:
        return await view(**arguments)

    doc, example = _takes(route)
    ingest.__doc__ = f"{doc.removesuffix('.')}; the vehicle stands in the path." if named else doc
    ingest.__dict__.update(described=_about(route, example), serves_several=True)
    return ingest


def _takes(route: Route) -> tuple[str, Mapping[str, Any]]:
    """What a route takes, and an example."""
    if route.connectivity == WLAN:
        return _POST, _STATUS
    if route.kind in _SEVERAL:
        return _SEVERAL[route.kind]
    kind = KINDS[route.kind]
    return kind.summary, kind.example


def _about(route: Route, example: Mapping[str, Any]) -> Described:
    batch, wlan = route.kind == BATCH, route.connectivity == WLAN
    answers: dict[int, tuple[Any, str]] = {}
    if route.kind in (ANY, BATCH, "bidir"):
        answers[200] = (dict[str, DownlinkData], "Taken; the downlink of each device that asked.")
    if batch or wlan:
        answers[207] = (PartlyTaken, "Some are taken; the others are kept in /api/v1/rejections.")
    return Described(
        status=201,
        headers={} if batch else {"X-Status-Id": "The id of the status."},
        answers=answers,
        also={204: "Taken; the device asked for a downlink, and there is none."}
        if route.kind in (ANY, "bidir")
        else {},
        body=BatchBody if batch else CallbackBody,
        body_example=dict(example),
        body_media=(JSON, FORM),
        original=True,
    )
