"""Rate limits of /api/v1, and the headers that say what is left (draft-ietf-httpapi-ratelimit-headers-10).

A user is counted as a user, whatever proves who it is: the app's key, which every phone has, is not. A key without a
user, as an administrator's, is counted as a key. The control socket is not counted, nor are the original's routes. The
console's page counts where it has the fleet in it.
"""

from __future__ import annotations

from typing import Any

from quart import Quart, Response, current_app, g, request

from evd.api.replies import V1
from evd.auth.caller import Caller
from evd.auth.rate_limit import Quota, QuotaUse, RateLimit
from evd.clock import Clock
from evd.config.settings import AppSettings
from evd.errors import TooManyRequests

_LIMIT = "evd.rates"


def attach_rates(app: Quart, clock: Clock) -> None:
    """`clock` gives ms of a monotonic clock."""
    app.extensions[_LIMIT] = RateLimit(clock)
    app.after_request(_show)


def count_request(asking: Caller, settings: AppSettings) -> None:
    """Raises TooManyRequests."""
    if asking.means == "local" or not (request.path == "/" or request.path.startswith(V1)):
        return
    name, who, quota = _counted(asking, settings)
    limit: RateLimit = current_app.extensions[_LIMIT]
    standing = limit.take(f"{name} {who}", quota)
    g.standing = (name, standing)
    if standing.wait_s:
        raise TooManyRequests(
            f"this {name} sends too many requests: {quota.at_once} may come at once, and {quota.per_s:g} a second",
            retry_after_s=standing.wait_s,
        )


def _counted(asking: Caller, settings: AppSettings) -> tuple[str, str, Quota]:
    if asking.uid is not None:
        return "user", asking.uid, Quota(settings.user_requests_at_once, settings.user_requests_per_s)
    key_id = asking.key.key_id if asking.key else ""
    return "key", key_id, Quota(settings.key_requests_at_once, settings.key_requests_per_s)


async def _show(response: Response) -> Response:
    known: Any = g.get("standing")
    if known is not None:
        name, standing = known
        response.headers.update(rate_headers(name, standing))
    return response


def rate_headers(name: str, standing: QuotaUse) -> dict[str, str]:
    """`q`: requests at once; `w`: seconds in which they all become free again; `r`: those left; `t`: until all are."""
    quota = standing.quota
    return {
        "RateLimit-Policy": f'"{name}";q={quota.at_once};w={quota.window_s}',
        "RateLimit": f'"{name}";r={standing.remaining};t={standing.full_in_s}',
    }
