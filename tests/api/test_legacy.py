"""The original's routes as its app and its documentation know them: status codes, bodies, headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

VEHICLE = "386625"
TIME = 1_639_400_000_000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """One vehicle with a status of its own kind at each of three times, owned by martin; the bare header counts."""
    directory = tmp_path_factory.mktemp("api") / "evd"
    with running_daemon(directory, env={"EVD_APP__TRUST_USER_HEADER": "true", "EVD_WEB__ENABLED": "false"}) as one:
        assert run_evd("owner", "add", "martin", "00386625", "--dir", directory).returncode == 0
        assert run_evd("owner", "add", "martin", "SILENT", "--dir", directory).returncode == 0
        for number, fields in enumerate(({"state": 1}, {"state": 7, "indoor_temp": None}, {"state": "3"})):
            document = {"vehicleId": VEHICLE, "timestamp": TIME + number, "encoded": False, **fields}
            answer = httpx.post(f"{one.url}/wlan", json=document, headers={"x-api-key": one.keys["device"]})
            assert answer.status_code == 201
        yield one


def ask(daemon: RunningDaemon, method: str, path: str, *, key: str | None = "app", **request: Any) -> httpx.Response:
    headers = request.pop("headers", {"userId": "martin"})
    if key is not None:
        headers = {"x-api-key": daemon.keys.get(key, key), **headers}
    return httpx.request(method, f"{daemon.url}{path}", headers=headers, **request)


@pytest.mark.parametrize("prefix", ["", "/v2", "/v3"])
def test_every_prefix_serves_the_originals_routes(daemon: RunningDaemon, prefix: str) -> None:
    assert ask(daemon, "GET", f"{prefix}/android/last?vehicleId={VEHICLE}").status_code == 200
    assert ask(daemon, "HEAD", f"{prefix}/online", key=None).status_code == 200
    assert ask(daemon, "POST", f"{prefix}/test").status_code == 200


RANGE = f"/android/range?vehicleId={VEHICLE}"
REGISTER = f"/android/fcm-register?vehicleId={VEHICLE}"
WISH = {"vehicleId": VEHICLE, "fcmToken": "t", "register": True}


@pytest.mark.parametrize(
    ("method", "path", "key", "headers", "body", "status"),
    [
        ("GET", f"/android/last?vehicleId={VEHICLE}", "app", {"userId": "martin"}, None, 200),
        ("GET", "/android/last?vehicleId=00386625", "app", {"USERID": "martin"}, None, 200),
        ("GET", f"/v3/android/last/?vehicleId={VEHICLE}", "app", {"userId": "martin"}, None, 200),
        ("GET", f"/android/range/?vehicleId={VEHICLE}&timeFrom=0&timeTo=9", "app", {"userId": "martin"}, None, 204),
        ("GET", f"/android/last?vehicleId={VEHICLE}", "app", {"userId": "eve"}, None, 403),
        ("GET", f"/android/last?vehicleId={VEHICLE}", "app", {}, None, 401),
        ("GET", f"/android/last?vehicleId={VEHICLE}", None, {"userId": "martin"}, None, 401),
        ("GET", f"/android/last?vehicleId={VEHICLE}", "no-such-key", {"userId": "martin"}, None, 401),
        ("GET", f"/android/last?vehicleId={VEHICLE}", "sigfox", {"userId": "martin"}, None, 403),
        ("GET", f"/android/last?vehicleId={VEHICLE}", "admin", {}, None, 200),
        ("GET", "/android/last", "app", {"userId": "martin"}, None, 400),
        ("GET", "/android/last?vehicleId=SILENT", "app", {"userId": "martin"}, None, 204),
        ("GET", f"{RANGE}&timeFrom=0&timeTo=9999999999999", "app", {"userId": "martin"}, None, 200),
        ("GET", f"{RANGE}&timeFrom=5&timeTo=6", "app", {"userId": "martin"}, None, 204),
        ("GET", f"{RANGE}&timeFrom=5", "app", {"userId": "martin"}, None, 400),
        ("GET", f"{RANGE}&timeFrom=x&timeTo=6", "app", {"userId": "martin"}, None, 400),
        ("GET", f"{RANGE}&timeFrom=5&timeTo=6", "app", {"userId": "eve"}, None, 403),
        ("POST", REGISTER, "app", {"userId": "martin"}, WISH, 200),
        ("POST", REGISTER, "app", {"userId": "martin"}, WISH | {"register": False}, 200),
        ("POST", "/android/fcm-unregister?vehicleId=386625", "app", {"userId": "martin"}, WISH, 200),
        ("POST", REGISTER, "app", {"userId": "eve"}, WISH, 403),
        ("POST", REGISTER, "app", {"userId": "martin"}, {"vehicleId": VEHICLE, "fcmToken": "t"}, 400),
        ("POST", REGISTER, "app", {"userId": "martin"}, WISH | {"fcmToken": ""}, 400),
        ("POST", REGISTER, "app", {"userId": "martin"}, WISH | {"vehicleId": "OTHER"}, 400),
        ("POST", REGISTER, "app", {"userId": "martin"}, [], 400),
        ("POST", "/test", None, {}, None, 401),
        ("POST", "/sigfox/downlink", "sigfox", {}, None, 200),
        ("GET", "/nothing/here", "app", {}, None, 418),
        ("GET", "/sigfox/uplink", "sigfox", {}, None, 400),
        ("DELETE", "/android/last", "app", {}, None, 418),
        ("OPTIONS", "/android/last", None, {"origin": "https://example.org"}, None, 418),
        ("GET", "/", None, {}, None, 418),
    ],
)
def test_who_asks_what_gets_which_answer(
    daemon: RunningDaemon, method: str, path: str, key: str | None, headers: dict[str, str], body: Any, status: int
) -> None:
    request = {} if body is None else {"json": body}
    answer = ask(daemon, method, path, key=key, headers=headers, **request)
    assert answer.status_code == status, answer.text
    assert answer.status_code >= 500 or "server" not in answer.headers
    if "/android/" in path or status == 418:
        assert answer.headers["access-control-allow-origin"] == "*"
    if status in (400, 401, 403):
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"Error", "detail"}


@pytest.mark.parametrize("start", ["//", "///", "/%2F"])
def test_a_path_with_more_than_one_slash_first_is_no_other_name_of_it(daemon: RunningDaemon, start: str) -> None:
    """A proxy's rule for `/api/` lets `//api/` pass."""
    address = httpx.URL(daemon.url, raw_path=f"{start}api/v1/keys".encode())
    assert httpx.get(address, headers={"x-api-key": daemon.keys["admin"]}).status_code == 418


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/coffee", None),
        ("GET", "/healthz", None),
        ("POST", "/sigfox/uplink", None),
        ("POST", "/sigfox/uplink", "sigfox"),
        ("GET", "/api/v1/keys", None),
        ("GET", "/api/v1/keys", "admin"),
        ("POST", "/" + "x" * 20_000, None),
    ],
)
def test_no_answer_is_to_be_taken_for_what_its_type_does_not_say(
    daemon: RunningDaemon, method: str, path: str, key: str | None
) -> None:
    answer = ask(daemon, method, path, key=key)
    assert answer.content
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_teapot_says_what_the_originals_says(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "GET", "/coffee")
    assert (answer.status_code, answer.text) == (418, "I'm a teapot!")
    assert answer.headers["content-type"] == "text/plain"


def test_online_has_no_body_and_any_origin(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "HEAD", "/online", key=None)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"


def test_range_includes_both_ends_and_is_oldest_first(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "GET", f"{RANGE}&timeFrom={TIME}&timeTo={TIME + 1}")
    assert [status["timestamp"] for status in answer.json()] == [TIME, TIME + 1]


def test_the_app_is_given_states_its_enum_knows_and_no_nulls(daemon: RunningDaemon) -> None:
    everything = ask(daemon, "GET", f"{RANGE}&timeFrom=0&timeTo=9999999999999").json()
    assert [status["state"] for status in everything] == [1, 2, 3]
    assert all("indoor_temperature" not in status for status in everything)
    assert {status["connectivity"] for status in everything} == {2}


def test_the_vehicle_is_spelled_as_the_asker_spells_it(daemon: RunningDaemon) -> None:
    assert ask(daemon, "GET", "/android/last?vehicleId=00386625").json()["vehicleId"] == "00386625"


def test_an_ingest_request_gets_the_same_answer_through_quart(daemon: RunningDaemon) -> None:
    """The second request of a connection that was handed over is served by quart, not by the edge."""
    document = {"vehicleId": "D00R", "timestamp": TIME, "state": 1}
    headers = {"x-api-key": daemon.keys["device"]}
    with httpx.Client() as client:
        assert client.head(f"{daemon.url}/online").status_code == 200
        for body, expected in ((document, 201), ({"state": 1}, 400)):
            handed = client.post(f"{daemon.url}/wlan", json=body, headers=headers)
            edge = httpx.post(f"{daemon.url}/wlan", json=body, headers=headers)
            assert (handed.status_code, handed.content) == (edge.status_code, edge.content)
            assert handed.headers.get("x-status-id") == edge.headers.get("x-status-id")
            assert handed.status_code == expected


def test_health_and_readiness_need_no_key(daemon: RunningDaemon) -> None:
    assert ask(daemon, "GET", "/healthz", key=None).json()["status"] == "ok"
    ready = ask(daemon, "GET", "/readyz", key=None)
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["push"]["enabled"] is False


@pytest.mark.parametrize("path", ["/keys", "/owners", "/stats"])
@pytest.mark.parametrize(
    ("key", "status"), [("admin", 200), ("app", 403), ("sigfox", 403), ("device", 403), (None, 401)]
)
def test_administration_is_for_admins(daemon: RunningDaemon, path: str, key: str | None, status: int) -> None:
    answer = ask(daemon, "GET", f"/api/v1{path}", key=key)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers
    expected = "application/json" if status == 200 else "application/problem+json"
    assert answer.headers["content-type"] == expected


def test_lists_of_keys_hold_no_secret(daemon: RunningDaemon) -> None:
    listed = ask(daemon, "GET", "/api/v1/keys", key="admin").text
    assert all(key not in listed and key.split("_")[3] not in listed for key in daemon.keys.values())


def test_unknown_paths_of_the_new_api_are_problems_not_teapots(daemon: RunningDaemon) -> None:
    answer = ask(daemon, "GET", "/api/v1/nothing", key="admin")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_without_the_switch_the_bare_header_is_nobody(tmp_path: Path) -> None:
    with running_daemon(tmp_path / "evd") as one:
        assert run_evd("owner", "add", "martin", VEHICLE, "--dir", one.directory).returncode == 0
        assert ask(one, "GET", f"/android/last?vehicleId={VEHICLE}").status_code == 401
