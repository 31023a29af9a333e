"""Who may ask what: a row for each route. A route without a row keeps evd from starting.

The check of each request, OpenAPI's security, docs/access.md and tests/api/test_access.py all come of ACCESS. A path of
the original's stands here once, for all its PREFIXES, with and without a slash at its end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from evd.auth.caller import Scope
from evd.sigfox.routes import PREFIXES, ROUTES, may_name_vehicle

Required = Literal["everyone", "key", "user", "viewer", "owner", "admin"]
"""Who is asked for, from anybody to administrators. `key`: a key with one of the row's roles. `user`: any user, who gets
at what is that user's own. `viewer`, `owner`: a user who has this relation to the vehicle that the request names; an
owner may do what a viewer may. An administrator may ask all of it, except where the row says otherwise."""

APP: frozenset[str] = frozenset({"app"})


class Row(NamedTuple):
    """A route, who may use it, and the scope that an access token needs for it."""

    method: str
    rule: str
    relation: Required
    scope: Scope
    roles: frozenset[str] = APP
    """Of keys: administrators' keys not counted."""
    admin: bool = True
    """Whether an administrator may use it."""
    narrows: bool = False
    """Whether the route leaves out vehicles that the caller's access token is not good for. A `user` row without it is
    refused to such a token."""

    @property
    def key_roles(self) -> frozenset[str]:
        """Roles of keys that the route takes."""
        roles = frozenset() if self.relation == "admin" else self.roles
        return roles | {"admin"} if self.admin else roles

    @property
    def vehicle_argument(self) -> str | None:
        """The name of the path's argument that is a vehicle, if the relation is to that one."""
        if self.relation not in ("viewer", "owner"):
            return None
        found = re.search(r"/vehicles/<(\w+)>", self.rule)
        return found[1] if found else None


def _as_listed(rule: str) -> str:
    """Without the prefix and without the slash at the end."""
    for prefix in PREFIXES:
        if prefix and rule.startswith(f"{prefix}/"):
            rule = rule.removeprefix(prefix)
    return rule.rstrip("/")


_ORIGINAL = (
    Row("GET", "/android/last", "viewer", "read"),
    Row("GET", "/android/range", "viewer", "read"),
    # They register a phone of whoever asks, and an administrator's key is nobody's.
    Row("POST", "/android/fcm-register", "viewer", "write", admin=False),
    Row("POST", "/android/fcm-unregister", "viewer", "write", admin=False),
    Row("POST", "/sigfox/downlink", "key", "ingest", frozenset({"sigfox"})),
    Row("HEAD", "/online", "everyone", "read"),
    Row("POST", "/test", "key", "read", frozenset({"sigfox", "device", "app"})),
)

_INGEST = tuple(
    Row(method, rule, "key", "ingest", route.roles - {"admin"})
    for path, route in ROUTES.items()
    if path == _as_listed(path)
    for rule in ((path, f"{path}/<vehicle>") if may_name_vehicle(route) else (path,))
    for method in sorted(route.methods)
)
"""evd.ingest.service checks these, also at the edge, where no other route is served."""

_V1 = (
    # Keys, owners, vehicles
    Row("GET", "/keys", "admin", "read"),
    Row("POST", "/keys", "admin", "write"),
    Row("DELETE", "/keys/<given>", "admin", "write"),
    Row("GET", "/owners", "admin", "read"),
    Row("POST", "/owners", "admin", "write"),
    Row("DELETE", "/owners", "admin", "write"),
    Row("GET", "/vehicles", "admin", "read"),
    Row("GET", "/vehicles/<given>", "admin", "read"),
    Row("PATCH", "/vehicles/<given>", "admin", "write"),
    Row("GET", "/vehicles/<given>/days", "admin", "read"),
    Row("GET", "/vehicles/<given>/log", "admin", "read"),
    Row("GET", "/log", "admin", "read"),
    Row("GET", "/stats", "admin", "read"),
    # Events, settings, the live stream
    Row("GET", "/events", "user", "read"),
    Row("GET", "/vehicles/<given>/events", "viewer", "read"),
    Row("GET", "/vehicles/<given>/alerts", "viewer", "read"),
    Row("PUT", "/vehicles/<given>/alerts", "owner", "write"),
    Row("GET", "/preferences", "user", "read"),
    Row("PUT", "/preferences", "user", "write"),
    Row("GET", "/stream", "viewer", "read"),
    # Phones and other targets of pushes
    Row("GET", "/registrations", "viewer", "read"),
    Row("POST", "/registrations", "viewer", "write"),
    Row("DELETE", "/registrations", "viewer", "write"),
    Row("POST", "/registrations/import", "admin", "write"),
    Row("GET", "/<target:noun>", "admin", "read"),
    Row("POST", "/<target:noun>", "admin", "write"),
    Row("DELETE", "/<target:noun>", "admin", "write"),
    Row("GET", "/pushes", "admin", "read"),
    Row("GET", "/pushes/trace/<status_id>", "admin", "read"),
    Row("POST", "/pushes/test", "admin", "write"),
    Row("POST", "/pushes/pause", "admin", "write"),
    Row("POST", "/pushes/resume", "admin", "write"),
    # Formats, downlinks, what was rejected
    Row("GET", "/formats", "admin", "read"),
    Row("POST", "/formats", "admin", "write"),
    Row("GET", "/formats/<name>", "admin", "read"),
    Row("DELETE", "/formats/<name>", "admin", "write"),
    Row("GET", "/device-types", "admin", "read"),
    Row("PUT", "/device-types/<given>", "admin", "write"),
    Row("POST", "/redecode/preview", "admin", "read"),
    Row("POST", "/redecode", "admin", "write"),
    Row("GET", "/downlinks", "admin", "read"),
    Row("DELETE", "/downlinks/<int:number>", "admin", "write"),
    Row("GET", "/vehicles/<given>/downlinks", "admin", "read"),
    Row("POST", "/vehicles/<given>/downlinks", "admin", "write"),
    Row("POST", "/backfill", "admin", "write"),
    Row("GET", "/rejected", "admin", "read"),
    Row("GET", "/rejected/<int:number>", "admin", "read"),
    Row("DELETE", "/rejected/<int:number>", "admin", "write"),
    Row("POST", "/rejected/<int:number>/replay", "admin", "write"),
    Row("POST", "/rejected/replay", "admin", "write"),
)
"""Below /api/v1."""

_HEALTH = (
    Row("GET", "/healthz", "everyone", "read"),
    Row("GET", "/readyz", "everyone", "read"),
    Row("GET", "/metrics", "admin", "read"),
)

ACCESS: tuple[Row, ...] = (
    *_ORIGINAL,
    *_INGEST,
    *_HEALTH,
    *(row._replace(rule=f"/api/v1{row.rule}") for row in _V1),
)

_ROWS = {(row.method, row.rule): row for row in ACCESS}
assert len(_ROWS) == len(ACCESS), "a route has two rows in ACCESS"


def row_of(method: str, rule: str) -> Row | None:
    """The row of a route. HEAD, where it has none of its own, is as GET."""
    own = rule if rule.startswith("/api/") else _as_listed(rule)
    return _ROWS.get((method, own)) or (_ROWS.get(("GET", own)) if method == "HEAD" else None)


def unlisted(routes: Iterable[tuple[str, str]]) -> list[str]:
    """The routes, as (method, rule), that have no row, and the rows that have no route: as `METHOD rule`."""
    asked = set(routes)
    rows = {row for row in (row_of(*route) for route in asked) if row is not None}
    without = [route for route in asked if row_of(*route) is None]
    return sorted(f"{method} {rule}" for method, rule in [*without, *((row.method, row.rule) for row in set(ACCESS) - rows)])
