"""The ingest routes: which paths take callbacks, of which kind, from whom."""

from __future__ import annotations

from typing import NamedTuple

from evd.status import SIGFOX, WLAN

ANY = ""
"""Kind of a route that takes all kinds and tells them apart."""

BATCH = "batch"


class Route(NamedTuple):
    """A path below one of PREFIXES: the kind of callback it takes, the channel it stands for, and who may use it."""

    kind: str
    connectivity: int
    roles: frozenset[str]
    methods: frozenset[str]


PREFIXES = ("", "/v2", "/v3")
_SIGFOX = (SIGFOX, frozenset({"sigfox", "admin"}), frozenset({"GET", "POST", "PUT"}))
_WLAN = (WLAN, frozenset({"device", "admin"}), frozenset({"POST"}))
_ROUTES = {
    "/sigfox/uplink": Route("uplink", *_SIGFOX),
    "/sigfox/bidir": Route("bidir", *_SIGFOX),
    "/sigfox/status": Route("status", *_SIGFOX),
    "/sigfox/advanced": Route("advanced", *_SIGFOX),
    "/sigfox/acknowledge": Route("acknowledge", *_SIGFOX),
    "/sigfox/repeater": Route("repeater", *_SIGFOX),
    "/sigfox/geoloc": Route("geoloc", *_SIGFOX),
    "/sigfox/error": Route("error", *_SIGFOX),
    "/sigfox/event": Route("event", *_SIGFOX),
    "/sigfox/callback": Route(ANY, *_SIGFOX),
    "/sigfox/batch": Route(BATCH, *_SIGFOX),
    "/wlan": Route("uplink", *_WLAN),
    "/wifi": Route("uplink", *_WLAN),
}
ROUTES = {f"{prefix}{path}{end}": route for prefix in PREFIXES for path, route in _ROUTES.items() for end in ("", "/")}


def is_ingest(method: str, path: str) -> bool:
    route = ROUTES.get(path)
    return route is not None and method in route.methods
