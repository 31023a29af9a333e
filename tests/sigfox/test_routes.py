"""The ingest routes: which paths and methods are theirs, whose vehicle a path names, and which bodies may be zipped."""

from __future__ import annotations

import pytest
from ingest_way import store_options, way

from evd.model.connectivity import SIGFOX, WLAN
from evd.sigfox.routes import ANY, BATCH, ROUTES, is_ingest, may_be_zipped, route_of

__all__ = ["store_options", "way"]


@pytest.mark.parametrize(
    ("method", "path", "ours"),
    [
        ("POST", "/wlan", True),
        ("POST", "/v2/wifi/", True),
        ("GET", "/wlan", False),
        ("GET", "/sigfox/uplink", True),
        ("PUT", "/v3/sigfox/event/", True),
        ("DELETE", "/sigfox/uplink", False),
        ("POST", "/v4/wlan", False),
        ("POST", "/wlan//", False),
        ("POST", "/sigfox/downlink", False),
        ("POST", "/android/last", False),
    ],
)
def test_what_is_an_ingest_request(method: str, path: str, ours: bool) -> None:
    assert is_ingest(method, path) is ours


@pytest.mark.parametrize(
    ("path", "kind", "vehicle"),
    [
        ("/sigfox/uplink", "uplink", ""),
        ("/v3/sigfox/uplink/", "uplink", ""),
        ("/sigfox/uplink/386625", "uplink", "386625"),
        ("/v2/sigfox/callback/386625/", ANY, "386625"),
        ("/sigfox/batch", BATCH, ""),
    ],
)
def test_a_path_says_its_kind_and_may_end_with_the_vehicle(path: str, kind: str, vehicle: str) -> None:
    route = route_of(path)
    assert route is not None
    assert (route.kind, route.vehicle, route.connectivity) == (kind, vehicle, SIGFOX)
    assert is_ingest("POST", path)


@pytest.mark.parametrize(
    "path",
    ["", "/", "/sigfox/batch/386625", "/wlan/386625", "/sigfox/uplink//", "/sigfox/uplink/a/b", "/sigfox/none/386625"],
)
def test_a_batch_a_vehicles_own_post_and_an_unknown_path_name_no_vehicle(path: str) -> None:
    assert route_of(path) is None
    assert not is_ingest("POST", path)


def test_the_original_routes_are_a_vehicles_own_and_theirs_alone_may_be_zipped() -> None:
    assert {path for path, route in ROUTES.items() if may_be_zipped(path)} == {
        path for path, route in ROUTES.items() if "/sigfox/" not in path
    }
    assert may_be_zipped("/wlan") and ROUTES["/wlan"].connectivity == WLAN
    assert not may_be_zipped("/sigfox/uplink/386625") and not may_be_zipped("/nowhere")


@pytest.mark.parametrize(("path", "roles"), [("/wlan", {"device", "admin"}), ("/sigfox/batch", {"sigfox", "admin"})])
def test_the_app_has_no_way_in(path: str, roles: set[str]) -> None:
    assert ROUTES[path].roles == roles
