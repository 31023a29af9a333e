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
"""Who is asked for. `key`: a key with one of the row's roles. `user`: any user, for that user's own things. `viewer`,
`owner`: a user who has this relation to the vehicle that the request names; an owner may do what a viewer may. An
administrator may ask all of it, except where the row says otherwise."""

APP: frozenset[str] = frozenset({"app"})


class AccessRow(NamedTuple):
    """A route, who may use it, and the scope that an access token needs for it."""

    method: str
    rule: str
    relation: Required
    scope: Scope
    roles: frozenset[str] = APP
    """Of keys: administrators' keys not counted."""
    admin: bool = True
    """Whether an administrator may use it."""
    person: bool = False
    """Whether a user must ask in person, by a session or a Firebase ID token: not a program with an access token."""
    unrevoked: bool = False
    """Whether Firebase is asked if an ID token was revoked: where somebody gains something that lasts."""
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


def as_listed(rule: str) -> str:
    """A rule of the original's routes without its prefix and without the slash at its end."""
    if rule.startswith("/api/"):
        return rule
    for prefix in PREFIXES:
        if prefix and rule.startswith(f"{prefix}/"):
            rule = rule.removeprefix(prefix)
    return rule.rstrip("/") or "/"


_ORIGINAL = (
    AccessRow("GET", "/android/last", "viewer", "read"),
    AccessRow("GET", "/android/range", "viewer", "read"),
    # They register a phone of whoever asks, and an administrator's key is nobody's.
    AccessRow("POST", "/android/fcm-register", "viewer", "write", admin=False, unrevoked=True),
    AccessRow("POST", "/android/fcm-unregister", "viewer", "write", admin=False),
    AccessRow("POST", "/sigfox/downlink", "key", "ingest", frozenset({"sigfox"})),
    AccessRow("HEAD", "/online", "everyone", "read"),
    AccessRow("POST", "/test", "key", "read", frozenset({"sigfox", "device", "app"})),
)

_INGEST = tuple(
    AccessRow(method, rule, "key", "ingest", route.roles - {"admin"})
    for path, route in ROUTES.items()
    if path == as_listed(path)
    for rule in ((path, f"{path}/<vehicle>") if may_name_vehicle(route) else (path,))
    for method in sorted(route.methods)
)
"""evd.ingest.service checks these, also at the edge, where no other route is served."""

_V1 = (
    # Keys, owners, vehicles
    AccessRow("GET", "/keys", "admin", "read"),
    AccessRow("POST", "/keys", "admin", "write"),
    AccessRow("DELETE", "/keys/<given>", "admin", "write"),
    AccessRow("POST", "/keys/<given>/revive", "admin", "write"),
    AccessRow("GET", "/owners", "admin", "read"),
    AccessRow("POST", "/owners", "admin", "write"),
    AccessRow("DELETE", "/owners", "admin", "write"),
    AccessRow("GET", "/vehicles", "user", "read", narrows=True),
    AccessRow("GET", "/fleet/settings", "user", "read", narrows=True),
    AccessRow("PUT", "/fleet/settings", "user", "write", narrows=True),
    AccessRow("GET", "/vehicles/<given>", "viewer", "read"),
    AccessRow("PATCH", "/vehicles/<given>", "admin", "write"),
    AccessRow("GET", "/vehicles/<given>/last", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/statuses", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/statuses/<status_id>/layout", "viewer", "read"),
    AccessRow("GET", "/statuses", "user", "read", narrows=True),
    AccessRow("GET", "/vehicles/<given>/profile", "viewer", "read"),
    AccessRow("PATCH", "/vehicles/<given>/profile", "owner", "write"),
    AccessRow("GET", "/vehicles/<given>/image", "owner", "read"),
    AccessRow("PUT", "/vehicles/<given>/image", "owner", "write"),
    AccessRow("DELETE", "/vehicles/<given>/image", "owner", "write"),
    AccessRow("GET", "/vehicles/<given>/days", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/log", "admin", "read"),
    AccessRow("DELETE", "/vehicles/<given>", "admin", "write"),
    AccessRow("POST", "/vehicles/<given>/merge", "admin", "write"),
    AccessRow("PUT", "/vehicles/<given>/ignored", "admin", "write"),
    AccessRow("GET", "/ignored", "admin", "read"),
    AccessRow("DELETE", "/users/<uid>/data", "admin", "write"),
    AccessRow("GET", "/log", "admin", "read"),
    AccessRow("GET", "/stats", "admin", "read"),
    AccessRow("POST", "/reload", "admin", "write"),
    AccessRow("GET", "/system", "admin", "read"),
    AccessRow("GET", "/system/history", "admin", "read"),
    AccessRow("GET", "/system/settings", "admin", "read"),
    # What is derived of its statuses
    AccessRow("GET", "/vehicles/<given>/sessions", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/trips", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/rollups", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/tariff", "viewer", "read"),
    AccessRow("PUT", "/vehicles/<given>/tariff", "owner", "write"),
    AccessRow("DELETE", "/vehicles/<given>/tariff", "owner", "write"),
    # Users, sessions, access tokens
    AccessRow("GET", "/users", "admin", "read"),
    AccessRow("POST", "/users", "admin", "write"),
    AccessRow("PUT", "/users/<uid>/password", "admin", "write"),
    AccessRow("DELETE", "/users/<uid>", "admin", "write"),
    AccessRow("POST", "/users/<uid>/link", "admin", "write"),
    AccessRow("POST", "/session/link", "everyone", "write"),
    AccessRow("POST", "/session", "everyone", "write", unrevoked=True),
    AccessRow("GET", "/session", "user", "read", narrows=True),
    AccessRow("DELETE", "/session", "user", "write", admin=False, person=True),
    AccessRow("POST", "/session/password", "user", "write", admin=False, person=True),
    AccessRow("GET", "/sessions", "user", "read", admin=False, person=True),
    AccessRow("DELETE", "/sessions", "user", "write", admin=False, person=True),
    AccessRow("DELETE", "/sessions/<given>", "user", "write", admin=False, person=True),
    AccessRow("GET", "/tokens", "user", "read", person=True),
    AccessRow("POST", "/tokens", "user", "write", person=True, unrevoked=True),
    AccessRow("DELETE", "/tokens/<given>", "user", "write", person=True),
    AccessRow("GET", "/console", "everyone", "read"),
    # Events, settings, the live stream
    AccessRow("GET", "/events", "user", "read"),
    AccessRow("GET", "/vehicles/<given>/events", "viewer", "read"),
    AccessRow("GET", "/vehicles/<given>/alerts", "viewer", "read"),
    AccessRow("PUT", "/vehicles/<given>/alerts", "owner", "write"),
    AccessRow("GET", "/preferences", "user", "read"),
    AccessRow("PUT", "/preferences", "user", "write"),
    AccessRow("GET", "/stream", "viewer", "read"),
    # Sharing
    AccessRow("GET", "/vehicles/<given>/invitations", "owner", "read"),
    AccessRow("POST", "/vehicles/<given>/invitations", "owner", "write", unrevoked=True),
    AccessRow("DELETE", "/vehicles/<given>/invitations/<name>", "owner", "write"),
    AccessRow("POST", "/invitations/accept", "user", "write", unrevoked=True),
    AccessRow("GET", "/vehicles/<given>/owners", "owner", "read"),
    AccessRow("DELETE", "/vehicles/<given>/owners/<name>", "owner", "write", unrevoked=True),
    AccessRow("POST", "/vehicles/<given>/leave", "viewer", "write"),
    AccessRow("GET", "/vehicles/<given>/tags", "viewer", "read"),
    AccessRow("PATCH", "/vehicles/<given>/tags", "owner", "write"),
    AccessRow("GET", "/tags/<name>", "user", "read", narrows=True),
    # Phones and other targets of pushes
    AccessRow("DELETE", "/registrations/all", "user", "write"),
    AccessRow("GET", "/registrations", "viewer", "read"),
    AccessRow("POST", "/registrations", "viewer", "write", unrevoked=True),
    AccessRow("DELETE", "/registrations", "viewer", "write"),
    AccessRow("POST", "/registrations/import", "admin", "write"),
    AccessRow("GET", "/<target:noun>", "admin", "read"),
    AccessRow("POST", "/<target:noun>", "admin", "write"),
    AccessRow("DELETE", "/<target:noun>", "admin", "write"),
    AccessRow("GET", "/pushes", "admin", "read"),
    AccessRow("GET", "/pushes/trace/<status_id>", "admin", "read"),
    AccessRow("POST", "/pushes/test", "admin", "write"),
    AccessRow("POST", "/pushes/pause", "admin", "write"),
    AccessRow("POST", "/pushes/resume", "admin", "write"),
    # Formats, downlinks, what was rejected
    AccessRow("GET", "/formats", "admin", "read"),
    AccessRow("POST", "/formats", "admin", "write"),
    AccessRow("POST", "/formats/check", "admin", "read"),
    AccessRow("GET", "/formats/<name>", "admin", "read"),
    AccessRow("DELETE", "/formats/<name>", "admin", "write"),
    AccessRow("GET", "/device-types", "admin", "read"),
    AccessRow("PUT", "/device-types/<given>", "admin", "write"),
    AccessRow("POST", "/redecode/preview", "admin", "read"),
    AccessRow("POST", "/redecode", "admin", "write"),
    AccessRow("GET", "/downlinks", "admin", "read"),
    AccessRow("DELETE", "/downlinks/<int:number>", "admin", "write"),
    AccessRow("GET", "/vehicles/<given>/downlinks", "admin", "read"),
    AccessRow("POST", "/vehicles/<given>/downlinks", "admin", "write"),
    AccessRow("GET", "/callbacks", "admin", "read"),
    AccessRow("POST", "/backfill", "admin", "write"),
    AccessRow("POST", "/import/statuses", "admin", "write"),
    AccessRow("POST", "/import/owners", "admin", "write"),
    AccessRow("POST", "/import/registrations", "admin", "write"),
    AccessRow("POST", "/import/profiles", "admin", "write"),
    AccessRow("GET", "/rejections", "admin", "read"),
    AccessRow("GET", "/rejections/<int:number>", "admin", "read"),
    AccessRow("DELETE", "/rejections/<int:number>", "admin", "write"),
    AccessRow("POST", "/rejections/<int:number>/restore", "admin", "write"),
    AccessRow("POST", "/rejections/<int:number>/replay", "admin", "write"),
    AccessRow("POST", "/rejections/replay", "admin", "write"),
)
"""Below /api/v1."""

_HEALTH = (
    AccessRow("GET", "/healthz", "everyone", "read"),
    AccessRow("GET", "/readyz", "everyone", "read"),
    AccessRow("GET", "/openapi.json", "everyone", "read"),
    AccessRow("GET", "/docs", "everyone", "read"),
    AccessRow("GET", "/docs/script", "everyone", "read"),
    AccessRow("GET", "/docs/style", "everyone", "read"),
    AccessRow("GET", "/metrics", "admin", "read"),
    # The console
    AccessRow("GET", "/", "everyone", "read"),
    AccessRow("GET", "/assets/<version>/<path:name>", "everyone", "read"),
)

ACCESS: tuple[AccessRow, ...] = (
    *_ORIGINAL,
    *_INGEST,
    *_HEALTH,
    *(row._replace(rule=f"/api/v1{row.rule}") for row in _V1),
)

_ROWS = {(row.method, row.rule): row for row in ACCESS}
assert len(_ROWS) == len(ACCESS), "a route has two rows in ACCESS"


def row_of(method: str, rule: str) -> AccessRow | None:
    """The row of a route. HEAD, where it has none of its own, is as GET."""
    own = as_listed(rule)
    return _ROWS.get((method, own)) or (_ROWS.get(("GET", own)) if method == "HEAD" else None)


def unlisted(routes: Iterable[tuple[str, str]]) -> list[str]:
    """The routes, as (method, rule), that have no row, and the rows that have no route: as `METHOD rule`."""
    asked = set(routes)
    rows = {row for row in (row_of(*route) for route in asked) if row is not None}
    without = [route for route in asked if row_of(*route) is None]
    return sorted(
        f"{method} {rule}" for method, rule in [*without, *((row.method, row.rule) for row in set(ACCESS) - rows)]
    )
