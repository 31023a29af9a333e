"""The ingest routes: which paths take callbacks, of which kind, from whom."""

from __future__ import annotations

from typing import NamedTuple

from evd.model.connectivity import SIGFOX, WLAN
from evd.sigfox.kinds.registry import KINDS

ANY = ""
"""Kind of a route that takes all kinds and tells them apart."""

BATCH = "batch"


class Route(NamedTuple):
    """A path below one of PREFIXES: the kind of callback it takes, the channel it stands for, and who may use it."""

    kind: str
    connectivity: int
    roles: frozenset[str]
    methods: frozenset[str]
    vehicle: str = ""
    """The vehicle that the path names, as in `/sigfox/uplink/{device}`; one that the body names counts before it."""


PREFIXES = ("", "/v2", "/v3")
CALLBACK_METHODS = frozenset({"GET", "POST", "PUT"})
"""Those of Sigfox's callback form."""

SENDERS = frozenset({"sigfox", "device", "admin"})
"""Roles whose requests are kept where nobody serves their path. An app's key is on every phone."""

_SIGFOX = (SIGFOX, frozenset({"sigfox", "admin"}), CALLBACK_METHODS)
_WLAN = (WLAN, frozenset({"device", "admin"}), frozenset({"POST"}))
_ROUTES = {
    **{f"/sigfox/{name}": Route(name, *_SIGFOX) for name in KINDS},
    "/sigfox/callback": Route(ANY, *_SIGFOX),
    "/sigfox/batch": Route(BATCH, *_SIGFOX),
    **{path: Route(kind.name, *_WLAN) for kind in KINDS.values() for path in kind.vehicle_routes},
}
ROUTES = {f"{prefix}{path}{end}": route for prefix in PREFIXES for path, route in _ROUTES.items() for end in ("", "/")}


def route_of(path: str) -> Route | None:
    """The route of a path, be it one that names a vehicle."""
    route = ROUTES.get(path)
    return route if route is not None else _naming_vehicle(path)


def _naming_vehicle(path: str) -> Route | None:
    below, _, vehicle = path.removesuffix("/").rpartition("/")
    route = ROUTES.get(below)
    return route._replace(vehicle=vehicle) if route is not None and vehicle and may_name_vehicle(route) else None


def may_name_vehicle(route: Route) -> bool:
    return route.connectivity == SIGFOX and route.kind != BATCH


def may_be_zipped(path: str) -> bool:
    """Whether a body may come compressed: from vehicles, which pay for each byte; Sigfox never does."""
    route = ROUTES.get(path)
    return route is not None and route.connectivity == WLAN


def is_ingest(method: str, path: str) -> bool:
    route = ROUTES.get(path) or _naming_vehicle(path)
    return route is not None and method in route.methods
