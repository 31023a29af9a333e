"""The ingest routes: each path's kind of callback, its channel, and the roles that may use it."""

from __future__ import annotations

from typing import NamedTuple

from evd.model.connectivity import SIGFOX, WLAN
from evd.sigfox.kinds.registry import KINDS

ANY = ""
"""Kind of a route that takes all kinds and recognizes them."""

BATCH = "batch"


class Route(NamedTuple):
    """A path below one of PREFIXES: its kind of callback, the channel it stands for, and the roles that may use it."""

    kind: str
    connectivity: int
    roles: frozenset[str]
    methods: frozenset[str]
    vehicle: str = ""
    """The vehicle in the path, as in `/sigfox/uplink/{device}`; a vehicle in the body takes precedence."""


PREFIXES = ("", "/v2", "/v3")
CALLBACK_METHODS = frozenset({"GET", "POST", "PUT"})
"""Methods that Sigfox's callback form offers."""

SENDERS = frozenset({"sigfox", "device", "admin"})
"""Roles whose requests to unknown paths are kept in `rejected`. The app's role is missing: each phone has its key."""

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
    """The route of a path, also of one that ends with a vehicle's id; None if there is none."""
    route = ROUTES.get(path)
    return route if route is not None else _naming_vehicle(path)


def _naming_vehicle(path: str) -> Route | None:
    below, _, vehicle = path.removesuffix("/").rpartition("/")
    route = ROUTES.get(below)
    return route._replace(vehicle=vehicle) if route is not None and vehicle and may_name_vehicle(route) else None


def may_name_vehicle(route: Route) -> bool:
    return route.connectivity == SIGFOX and route.kind != BATCH


def may_be_zipped(path: str) -> bool:
    """Whether a body may be compressed: only vehicles' own posts, which pay for each byte; Sigfox never compresses."""
    route = ROUTES.get(path)
    return route is not None and route.connectivity == WLAN


def is_ingest(method: str, path: str) -> bool:
    route = ROUTES.get(path) or _naming_vehicle(path)
    return route is not None and method in route.methods
