"""Personal access tokens over HTTP: what one may ask, who makes and revokes it."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd
from signed_in import FOREIGN, VEHICLE, Admin, bearer, sign_in


def test_a_token_asks_in_its_user_s_name_within_its_scopes(local_users: Admin, browser: httpx.Client) -> None:
    made = local_users.token("anna", "read", name="sheet", expires_days=90)
    assert made["scopes"] == ["read"] and made["expires"] > time.time() * 1000 + 89 * 86_400_000
    for headers in (bearer(made), {"x-api-key": made["token"]}):
        shown = browser.get("/session", headers=headers).json()
        assert (shown["uid"], shown["means"], shown["admin"]) == ("anna", "token", False)
        assert browser.get("/preferences", headers=headers).status_code == 200
        assert browser.put("/preferences", json={}, headers=headers).status_code == 403
        assert browser.get(f"/vehicles/{VEHICLE}/events", headers=headers).status_code == 200
        assert browser.get(f"/vehicles/{FOREIGN}/events", headers=headers).status_code == 404
        assert browser.get("/stats", headers=headers).status_code == 403
    writes = local_users.token("anna", "read", "write")
    assert browser.put("/preferences", json={}, headers=bearer(writes)).status_code == 200, "no CSRF token is needed"


def test_a_token_makes_no_tokens_and_ends_no_sessions(local_users: Admin, browser: httpx.Client) -> None:
    headers = bearer(local_users.token("anna", "read", "write"))
    for method, path in (("POST", "/tokens"), ("GET", "/tokens"), ("DELETE", "/sessions"), ("GET", "/sessions")):
        assert browser.request(method, path, json={"scopes": ["read"]}, headers=headers).status_code == 403, path


def test_a_token_for_one_vehicle_is_good_for_no_other(local_users: Admin, browser: httpx.Client) -> None:
    local_users.own("anna", "A2")
    headers = bearer(local_users.token("anna", "read", vehicles=["00a1"]))
    asked = [browser.get(f"/vehicles/{one}/events", headers=headers).status_code for one in (VEHICLE, "A2", FOREIGN)]
    assert asked == [200, 404, 404]
    assert browser.get("/preferences", headers=headers).status_code == 403
    tagged = bearer(local_users.token("anna", "read", tags=["vans"]))
    assert browser.get(f"/vehicles/{VEHICLE}/events", headers=tagged).status_code == 404


def test_a_session_makes_lists_and_revokes_own_tokens(local_users: Admin, browser: httpx.Client) -> None:
    sign_in(browser)
    made = browser.post("/tokens", json={"scopes": ["read"], "name": "mine"})
    assert made.status_code == 201 and made.json()["token"].startswith("evd_token_")
    foreign = local_users.token("zoe", "read")
    assert browser.get("/session", headers=bearer(made.json())).status_code == 200
    listed = {row["id"]: row for row in browser.get("/tokens").json()}
    assert made.json()["id"] in listed and foreign["id"] not in listed
    assert made.json()["token"] not in json.dumps(list(listed.values()))
    assert browser.delete(f"/tokens/{foreign['id']}").status_code == 404
    assert browser.delete(f"/tokens/{made.json()['id']}").status_code == 200
    assert browser.post("/tokens", json={"scopes": ["read"], "uid": "zoe"}).status_code == 400
    browser.cookies.clear()
    assert browser.get("/session", headers=bearer(made.json())).status_code == 401


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"scopes": ["admin"]}, "no scope 'admin'"),
        ({"scopes": []}, "has no scope"),
        ({"scopes": ["ingest"]}, "names its vehicles"),
        ({"scopes": ["ingest"], "vehicles": [FOREIGN]}, "does not own vehicle B1"),
        ({"scopes": ["ingest"], "vehicles": [VEHICLE], "tags": ["t"]}, "no tags"),
        ({"scopes": ["read"], "expires_days": 0}, "expires_days"),
        ({"scopes": ["read"], "tags": [""]}, "a tag has"),
    ],
)
def test_a_token_that_cannot_be_is_refused_with_a_sentence(local_users: Admin, wish: dict[str, Any], why: str) -> None:
    assert why in local_users.ask("POST", "/tokens", 400, uid="anna", **wish)["detail"]


def test_a_token_posts_over_wlan_for_its_vehicles_while_its_user_owns_them(
    daemon: RunningDaemon, local_users: Admin
) -> None:
    made = local_users.token("anna", "ingest", vehicles=[VEHICLE])

    def post(vehicle: str, path: str = "/wlan", **document: Any) -> int:
        body = {"vehicleId": vehicle, "timestamp": int(time.time()), "state": 1, **document}
        return httpx.post(f"{daemon.url}{path}", json=body, headers={"x-api-key": made["token"]}).status_code

    assert [post(one) for one in (VEHICLE, FOREIGN, "NEW")] == [201, 403, 403]
    assert post(VEHICLE, "/sigfox/uplink") == 403
    assert httpx.get(f"{daemon.url}/api/v1/preferences", headers=bearer(made)).status_code == 403
    reads = local_users.token("anna", "read", "write")
    assert httpx.post(f"{daemon.url}/wlan", json={}, headers=bearer(reads)).status_code == 403
    local_users.own("anna", VEHICLE, "DELETE")
    assert post(VEHICLE) == 403
    local_users.own("anna", VEHICLE)
    assert post(VEHICLE) == 201
    local_users.ask("DELETE", f"/tokens/{made['id']}")
    assert post(VEHICLE) == 401


def test_tokens_are_made_listed_and_revoked_by_command(daemon: RunningDaemon, browser: httpx.Client) -> None:
    place = ("--dir", daemon.directory)
    options = ("--user", "zoe", "--scope", "read,ingest", "--vehicle", FOREIGN, "--expires", "12h", "--name", "cron")
    text = run_evd("token", "create", *options, *place).stdout.strip()
    assert browser.get(f"/vehicles/{FOREIGN}/events", headers={"x-api-key": text}).status_code == 200
    table = run_evd("token", "list", "--user", "zoe", *place).stdout
    assert "ingest read" in table and FOREIGN in table and "cron" in table and text not in table
    revoked = run_evd("token", "revoke", text.split("_")[2], "--yes", *place)
    assert revoked.returncode == 0 and browser.get("/session", headers={"x-api-key": text}).status_code == 401
    refused = run_evd("token", "create", "--user", "zoe", "--scope", "read", "--expires", "soon", *place)
    assert refused.returncode == 2 and "not a duration" in refused.stderr


def test_the_last_use_of_a_token_is_listed(local_users: Admin, browser: httpx.Client) -> None:
    made = local_users.token("zoe", "read")
    browser.get("/session", headers=bearer(made))
    deadline, used = time.monotonic() + 10, None
    while used is None and time.monotonic() < deadline:
        (used,) = (row["used"] for row in local_users.ask("GET", "/tokens?uid=zoe") if row["id"] == made["id"])
    assert used is not None and abs(used - time.time() * 1000) < 60_000
