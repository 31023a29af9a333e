"""Signing in by a one-time link, and what the console's first steps ask."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("links") / "evd") as one:
        yield one


@pytest.fixture(scope="module")
def admin(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{daemon.url}/api/v1", headers={"x-api-key": daemon.keys["admin"]}) as one:
        assert httpx.get(f"{daemon.url}/api/v1/console").json() == {
            "first_run": True,
            "session": None,
            "demo": False,
            "tiles": None,
        }
        for uid in ("root", "anna"):
            body = {"uid": uid, "password": PASSWORD, "admin": uid == "root"}
            assert one.post("/users", json=body).status_code == 201
        yield one


def test_a_link_signs_in_once(daemon: RunningDaemon, admin: httpx.Client) -> None:
    made = run_evd("user", "link", "root", "--url", "https://evd.example.org/", "--dir", daemon.directory)
    address, _, code = made.stdout.strip().partition("#/signin?code=")
    assert address == "https://evd.example.org/" and code.startswith("evd_link_")
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as browser:
        signed = browser.post("/session/link", json={"code": code})
        assert signed.status_code == 201 and signed.json()["admin"] is True
        assert browser.get("/session").json()["uid"] == "root"
        start = browser.get("/console").json()
        assert (start["first_run"], start["demo"], start["session"]["uid"]) == (False, False, "root")
        assert start["session"]["csrf_token"] == browser.get("/session").json()["csrf_token"]
        again = httpx.post(f"{daemon.url}/api/v1/session/link", json={"code": code})
        assert again.status_code == 401 and "good no more" in again.json()["detail"]


def test_a_link_of_a_removed_user_is_good_no_more(daemon: RunningDaemon, admin: httpx.Client) -> None:
    code = admin.post("/users/anna/link").json()["code"]
    assert admin.delete("/users/anna").status_code == 200
    assert httpx.post(f"{daemon.url}/api/v1/session/link", json={"code": code}).status_code == 401
    assert admin.post("/users/nobody/link").status_code == 404


def test_a_page_of_another_site_signs_nobody_in(daemon: RunningDaemon, admin: httpx.Client) -> None:
    code = admin.post("/users/root/link").json()["code"]
    headers = {"origin": "https://evil.example"}
    refused = httpx.post(f"{daemon.url}/api/v1/session/link", json={"code": code}, headers=headers)
    assert refused.status_code == 403
    assert httpx.post(f"{daemon.url}/api/v1/session/link", json={"code": code}).status_code == 201


def test_the_callbacks_are_those_that_the_command_prints(daemon: RunningDaemon, admin: httpx.Client) -> None:
    found = admin.get("/callbacks", params={"url": "https://evd.example.org"}).json()
    assert (found[0]["url"], found[0]["subtype"]) == ("https://evd.example.org/sigfox/uplink", "UPLINK")
    assert found[0]["headers"] == {"x-api-key": "<key>"}
    assert admin.get("/callbacks", params={"url": "ftp://x"}).status_code == 400
    assert admin.get("/callbacks").status_code == 400
