"""The quart-trio application: all routes, and every error as an answer."""

from __future__ import annotations

import msgspec
from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from evd.api import console, documentation, health, legacy, metrics, request_permits, v1
from evd.api.context import Context, admitted, asked_row, attach, caller, client_address, here, vehicle_named
from evd.api.cors import attach_cors
from evd.api.rates import attach_rates, count_request
from evd.api.replies import V1, from_error, problem, teapot
from evd.auth.access import unlisted
from evd.clock import steady_ms
from evd.config.settings import Config
from evd.errors import NotFound, RequestError, StoreError, Unavailable
from evd.log.logger import log


def make_app(context: Context) -> QuartTrio:
    app = QuartTrio("evd", static_folder=None)
    app.asgi_http_class = request_permits.HoldingConnection
    # The guard bounds each body by its head; quart has one bound for all.
    ingest = context.config.ingest
    app.config["MAX_CONTENT_LENGTH"] = max(
        ingest.body_max_bytes, ingest.batch_body_max_bytes, context.config.images.body_max_bytes
    )
    use_settings(app, context, context.config)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # otherwise werkzeug redirects to the request's Host
    app.before_request(_no_other_root)
    app.before_request(_admit)
    app.after_request(_said_as_it_is)
    attach_cors(app, context.config.server.cors_origins)
    attach_rates(app, steady_ms)
    add_routes(app)
    app.register_error_handler(RequestError, from_error)
    app.register_error_handler(StoreError, _store_failed)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    return app


def use_settings(app: QuartTrio, context: Context, config: Config) -> None:
    """Answer requests from now on by `config`; those in hand end as they began."""
    attach(app, msgspec.structs.replace(context, config=config))
    # The guard's timeout comes first, with a sentence.
    app.config["BODY_TIMEOUT"] = config.server.body_timeout_s + 1


def add_routes(app: QuartTrio) -> None:
    """All routes. Raises LookupError if one has no row in ACCESS, or a row no route."""
    legacy.add_routes(app)
    for routes in (*v1.blueprints(), health.routes, metrics.routes, documentation.routes, console.routes):
        app.register_blueprint(routes)
    served = [(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()]
    if without := unlisted(served):
        raise LookupError(f"each route needs its row in evd.auth.access.ACCESS, and each row its route: {without}")


async def _admit() -> None:
    """Check the request against its route's row, before its body is read. Raises RequestError."""
    if request.url_rule is None:
        return  # an unknown path or method
    row = asked_row()
    if row.relation == "everyone" or (request.endpoint or "").startswith(legacy.INGEST):
        return
    count_request(await caller(), here().config.app)
    if row.vehicle_argument is not None:
        await admitted(vehicle_named((request.view_args or {})[row.vehicle_argument]))


async def _no_other_root() -> Response | None:
    """Refuse `//path`, which werkzeug reads as `/path`, but a proxy's rule for `/api` does not.

    The original's routes accept it: clients have a slash at the end of their base URL and one before the path.
    """
    assert request.scope is not None
    if not request.scope["path"].startswith("//") or (request.endpoint or "").startswith(legacy.ENDPOINTS):
        return None
    return teapot()


async def _said_as_it_is(response: Response) -> Response:
    """A browser must not interpret an answer otherwise than its Content-Type says."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


async def _http_error(error: HTTPException) -> Response:
    """The answer to an unknown path or method: the original's teapot, or a problem on the new routes."""
    status = error.code or 500
    if request.path.startswith(V1) or status not in (404, 405):
        return _problem(error, status)
    return await legacy.unserved()


def _problem(error: HTTPException, status: int) -> Response:
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        detail = f"{request.path} takes no {request.method}: use one of {allowed}"
        return problem(status, "Method not allowed", detail, {"Allow": allowed})
    if status == NotFound.status:
        return problem(status, NotFound.error, f"{V1} has no {request.path}: docs/access.md lists the paths")
    return problem(status, error.name.capitalize(), error.description or error.name)


async def _store_failed(error: StoreError) -> Response:
    return from_error(Unavailable(str(error)))


async def _unexpected(error: Exception) -> Response:
    log.error(
        "a request failed",
        method=request.method,
        path=request.path,
        client=client_address(),
        error=type(error).__name__,
        exc_info=error,
    )
    return problem(500, "Internal server error", "evd failed to process this request: its log says why")
