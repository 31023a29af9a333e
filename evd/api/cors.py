"""Which web pages may use /api/v1 from a browser: those of the origins in `server.cors_origins`, with credentials.

The original's routes answer any origin, without credentials (evd.api.replies.ANY_ORIGIN).
"""

from __future__ import annotations

from collections.abc import Collection

from quart import Quart, Response, request
from werkzeug.exceptions import MethodNotAllowed

from evd.api.replies import V1

REQUEST_HEADERS = "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-API-Key, X-CSRF-Token"
RESPONSE_HEADERS = "Allow, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After"
PREFLIGHT_S = 600
"""How long a browser may keep the answer to a preflight: a change of the setting shows then."""


def attach_cors(app: Quart, origins: Collection[str]) -> None:
    """With no origins nothing is attached: no CORS header is ever sent."""
    if not origins:
        return
    named = frozenset(origins)

    async def preflight() -> Response | None:
        error = request.routing_exception
        if not (
            request.method == "OPTIONS"
            and request.path.startswith(V1)
            and request.headers.get("Origin") in named
            and "Access-Control-Request-Method" in request.headers
            and isinstance(error, MethodNotAllowed)
        ):
            return None
        allowed = {
            "Access-Control-Allow-Methods": ", ".join(sorted(error.valid_methods or ())),
            "Access-Control-Allow-Headers": REQUEST_HEADERS,
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        }
        return Response(b"", 204, allowed)

    async def name_origin(response: Response) -> Response:
        if request.path.startswith(V1):
            response.headers.add("Vary", "Origin")
            origin = request.headers.get("Origin", "")
            if origin in named:
                response.headers["Access-Control-Allow-Origin"] = origin
                response.headers["Access-Control-Allow-Credentials"] = "true"
                response.headers["Access-Control-Expose-Headers"] = RESPONSE_HEADERS
        return response

    app.before_request(preflight)
    app.after_request(name_origin)
