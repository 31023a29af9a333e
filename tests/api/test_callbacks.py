"""What the ingest routes take and give, as /openapi.json says it: one description for each route of the table."""

from __future__ import annotations

from typing import Any

import pytest
from quart import Response

from evd.api.callbacks import BatchBody, CallbackBody, described_callback
from evd.api.described import Described, description_of
from evd.model.connectivity import WLAN
from evd.sigfox.routes import ANY, BATCH, ROUTES, Route


async def view(**arguments: str) -> Response:
    return Response(repr(sorted(arguments.items())).encode(), 200)


def about(route: Route, *, named: bool = False) -> tuple[str, Described]:
    one = described_callback(view, route, named=named)
    found = description_of(one)
    assert found is not None
    return one.__doc__ or "", found


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_says_what_it_takes_with_an_example(path: str) -> None:
    route = ROUTES[path]
    doc, found = about(route)
    assert doc.endswith(".") and found.body_example and found.original
    assert about(route, named=True)[0] == f"{doc.removesuffix('.')}; the vehicle stands in the path."
    several = route.kind == BATCH or route.connectivity == WLAN
    assert (207 in found.answers) is several, "some of several may be refused"
    assert (found.body is BatchBody) is (route.kind == BATCH) is ("X-Status-Id" not in found.headers)
    asks = route.kind in (ANY, "bidir")
    assert (204 in found.also) is asks and (200 in found.answers) is (asks or route.kind == BATCH)
    assert found.body in (BatchBody, CallbackBody)


async def test_the_described_view_is_the_view_and_the_view_itself_stays_undescribed() -> None:
    route: Any = next(iter(ROUTES.values()))
    answer = await described_callback(view, route, named=True)(vehicle="1A")
    assert await answer.get_data() == b"[('vehicle', '1A')]"
    assert description_of(view) is None
