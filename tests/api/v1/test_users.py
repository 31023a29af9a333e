"""Local users over HTTP: who is added, gets another password, is removed."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import httpx
from daemon_process import RunningDaemon
from signed_in import PASSWORD, VEHICLE, Admin, sign_in


def test_a_new_password_ends_sessions_and_a_removed_user_is_nobody(local_users: Admin, browser: httpx.Client) -> None:
    local_users.add("ben")
    sign_in(browser, "ben")
    token = browser.post("/tokens", json={"scopes": ["read"]}).json()["token"]
    assert local_users.ask("PUT", "/users/ben/password", password="another long one")["sessions_ended"] == 1
    assert browser.get("/session").status_code == 401
    assert [sign_in(browser, "ben", one).status_code for one in (PASSWORD, "another long one")] == [401, 201]
    local_users.ask("DELETE", "/users/ben")
    assert browser.get("/session").status_code == 401 and sign_in(browser, "ben", "another long one").status_code == 401
    assert browser.get("/preferences", headers={"authorization": f"Bearer {token}"}).status_code == 401
    local_users.ask("DELETE", "/users/ben", 404)


def test_no_session_of_a_removed_user_begins_however_many_sign_in_meanwhile(
    daemon: RunningDaemon, local_users: Admin
) -> None:
    local_users.add("eve")

    def one() -> httpx.Response:
        return httpx.post(f"{daemon.url}/api/v1/session", json={"user": "eve", "password": PASSWORD}, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        wait(answers := [pool.submit(one) for _ in range(8)], return_when=FIRST_COMPLETED)
        local_users.ask("DELETE", "/users/eve")
    cookies = [cookie for each in answers if (cookie := each.result().cookies.get("evd"))]
    asked = [httpx.get(f"{daemon.url}/api/v1/session", headers={"Cookie": f"evd={cookie}"}) for cookie in cookies]
    assert asked and {answer.status_code for answer in asked} == {401}


def test_what_a_removed_user_owns_is_said_and_is_the_next_one_s(local_users: Admin) -> None:
    body = {"uid": "idle", "password": PASSWORD}
    assert local_users.ask("POST", "/users", 201, **body)["vehicles"] == 0
    local_users.own("idle", VEHICLE)
    assert local_users.ask("DELETE", "/users/idle") == {"uid": "idle", "removed": True, "vehicles": 1}
    assert local_users.ask("POST", "/users", 201, **body)["vehicles"] == 1
    local_users.ask("DELETE", "/users/idle/data")
    assert local_users.ask("POST", "/users", 201, **body)["vehicles"] == 0
