"""Signing in, sessions and personal access tokens, over HTTP and by command, against one running daemon."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from daemon_process import RunningDaemon, init, run_evd
from signed_in import FOREIGN, PASSWORD, VEHICLE, Admin, bearer, sign_in

from evd.auth.password_guesses import PAIR_AT_ONCE
from evd.model.user_id import UID_MAX


def test_a_session_begins_with_a_password_and_ends_with_the_sign_out(browser: httpx.Client) -> None:
    begun = sign_in(browser)
    assert begun.json().keys() == {"uid", "admin", "csrf_token"} and begun.json()["uid"] == "anna"
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("evd=evd_session_") and "Secure" not in cookie
    assert all(part in cookie for part in ("; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=31536000"))
    shown = browser.get("/session")
    assert shown.json()["uid"] == "anna" and shown.json()["means"] == "session" and not shown.json()["admin"]
    assert shown.json()["csrf_token"] == begun.json()["csrf_token"] and shown.headers["cache-control"] == "no-store"
    assert browser.get("/preferences").status_code == 200
    kept = browser.cookies["evd"]
    ended = browser.delete("/session")
    assert ended.status_code == 200 and "Max-Age=0" in ended.headers["set-cookie"] and "evd" not in browser.cookies
    browser.cookies["evd"] = kept
    assert browser.get("/session").status_code == 401, "the session has ended, not only the cookie"


def test_a_user_changes_the_password_and_other_sessions_end(
    daemon: RunningDaemon, local_users: Admin, browser: httpx.Client
) -> None:
    local_users.add("olga")
    new = "a red wheelbarrow"
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as elsewhere:
        sign_in(elsewhere, "olga")
        sign_in(browser, "olga")
        wrong = browser.post("/session/password", json={"old": "not the password", "new": new})
        assert wrong.status_code == 403 and "old password is wrong" in wrong.json()["detail"]
        assert browser.post("/session/password", json={"old": PASSWORD, "new": "short"}).status_code == 400
        done = browser.post("/session/password", json={"old": PASSWORD, "new": new})
        assert done.json() == {"uid": "olga", "sessions_ended": 1}
        assert [one.get("/session").status_code for one in (browser, elsewhere)] == [200, 401]
        assert [sign_in(elsewhere, "olga", word).status_code for word in (PASSWORD, new)] == [401, 201]
        without = {"x-csrf-token": ""}
        assert browser.post("/session/password", json={"old": new, "new": new}, headers=without).status_code == 403
    headers = bearer(local_users.token("olga", "read", "write"))
    assert (
        httpx.post(f"{daemon.url}/api/v1/session/password", json={"old": new, "new": new}, headers=headers).status_code
        == 403
    )


def test_a_second_sign_in_ends_the_browser_s_first_session(browser: httpx.Client) -> None:
    sign_in(browser)
    first = browser.cookies["evd"]
    sign_in(browser)
    assert first != browser.cookies["evd"] and browser.get("/session").status_code == 200
    browser.cookies.clear()
    assert browser.get("/session", headers={"cookie": f"evd={first}"}).status_code == 401


def test_a_form_signs_in_as_json_does(browser: httpx.Client) -> None:
    assert browser.post("/session", data={"user": "anna", "password": PASSWORD}).status_code == 201
    assert browser.post("/session", data={"user": "anna"}).status_code == 400
    assert browser.post("/session", content=b"{").status_code == 400
    assert browser.post("/session", json={"user": "anna", "password": PASSWORD, "admin": True}).status_code == 400


@pytest.mark.parametrize("headers", [{"x-forwarded-proto": "https"}, {"forwarded": 'for=192.0.2.7;proto="https"'}])
def test_over_tls_the_cookie_is_secure_and_no_other_counts(browser: httpx.Client, headers: dict[str, str]) -> None:
    begun = sign_in(browser, **headers)
    cookie = begun.headers["set-cookie"]
    assert cookie.startswith("__Host-evd=evd_session_") and cookie.endswith("; Secure")
    text = cookie.partition(";")[0].partition("=")[2]
    browser.cookies.clear()
    asked = {
        name: browser.get("/session", headers={**headers, "cookie": f"{name}={text}"}) for name in ("__Host-evd", "evd")
    }
    assert [one.status_code for one in asked.values()] == [200, 401]


@pytest.mark.parametrize(("user", "password"), [("nobody", PASSWORD), ("", ""), ("zoe", "x" * 3000)])
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(
    browser: httpx.Client, user: str, password: str
) -> None:
    refused = sign_in(browser, user, password)
    assert (refused.status_code, refused.json()["detail"]) == (401, "the user or the password is wrong")
    assert "set-cookie" not in refused.headers


def test_guesses_at_a_password_are_few(local_users: Admin, browser: httpx.Client) -> None:
    """At once, so that they cannot slip through while the first ones are checked."""
    local_users.add("guessed")
    peer = {"x-forwarded-for": "203.0.113.9"}
    with ThreadPoolExecutor(8) as pool:
        wrong = [pool.submit(sign_in, browser, "guessed", f"wrong password {number}", **peer) for number in range(24)]
        answers = [one.result() for one in wrong]
    assert sum(one.status_code == 401 for one in answers) == PAIR_AT_ONCE
    waits = [one for one in answers if one.status_code == 429]
    assert len(waits) == 24 - PAIR_AT_ONCE and all(int(one.headers["retry-after"]) >= 1 for one in waits)
    assert sign_in(browser, "guessed", **peer).status_code == 429, "nor is the right one told from the others"
    assert sign_in(browser, "guessed", **{"x-forwarded-for": "203.0.113.10"}).status_code == 201


@pytest.mark.parametrize(
    "headers", [{}, {"x-csrf-token": "evd_csrf_0"}, {"origin": "https://evil.example"}, {"origin": "null"}]
)
def test_what_changes_something_does_not_come_from_another_site(browser: httpx.Client, headers: dict[str, str]) -> None:
    token = sign_in(browser).json()["csrf_token"]
    del browser.headers["x-csrf-token"]
    if "origin" in headers:
        headers = {"x-csrf-token": token, **headers}
    for method, path in (("PUT", "/preferences"), ("DELETE", "/session"), ("DELETE", "/sessions"), ("POST", "/tokens")):
        refused = browser.request(method, path, json={}, headers=headers)
        assert refused.status_code == 403, (method, path, refused.text)
    assert browser.get("/session", headers={"origin": "https://evil.example"}).status_code == 200
    own = {"x-csrf-token": token, "origin": str(browser.base_url).removesuffix("/api/v1/")}
    assert browser.put("/preferences", json={}, headers=own).status_code == 200


def test_another_site_cannot_sign_somebody_in(browser: httpx.Client) -> None:
    assert sign_in(browser, origin="https://evil.example").status_code == 403


def test_a_user_sees_and_ends_own_sessions_and_nobody_else_s(daemon: RunningDaemon, browser: httpx.Client) -> None:
    sign_in(browser)
    with httpx.Client(base_url=browser.base_url) as phone, httpx.Client(base_url=browser.base_url) as zoe:
        sign_in(phone, **{"user-agent": "Pixel"})
        sign_in(zoe, "zoe")
        listed = browser.get("/sessions").json()
        assert listed[-1].keys() == {"id", "client", "address", "created", "seen", "current"}
        (pixel,) = [row["id"] for row in listed if row["client"] == "Pixel"]
        assert [row["id"] for row in listed if row["current"]] == [browser.get("/session").json()["session"]]
        assert zoe.delete(f"/sessions/{pixel}").status_code == 404 and phone.get("/session").status_code == 200
        assert browser.delete(f"/sessions/{pixel}").status_code == 200 and phone.get("/session").status_code == 401
        assert browser.delete("/sessions").json()["ended"] >= 1
        assert browser.get("/session").status_code == 401 and zoe.get("/session").status_code == 200


def test_an_administrator_s_session_administrates_and_a_user_s_does_not(browser: httpx.Client) -> None:
    sign_in(browser)
    assert browser.get("/stats").status_code == 403 and browser.get("/users").status_code == 403
    sign_in(browser, "root")
    assert browser.get("/session").json()["admin"] is True
    assert browser.get("/stats").status_code == 200
    users = browser.get("/users").json()
    assert {"anna", "root"} <= {row["uid"] for row in users} and "argon2" not in json.dumps(users)


def test_a_browser_follows_the_live_stream_by_its_cookie_until_the_session_ends(
    daemon: RunningDaemon, browser: httpx.Client
) -> None:
    """As EventSource, which sends no header of its own. A quiet stream would last an hour."""
    assert sign_in(browser).status_code == 201
    cookie = {"cookie": f"evd={browser.cookies['evd']}"}
    stream = f"{daemon.url}/api/v1/stream?vehicle={VEHICLE}"
    assert httpx.get(f"{daemon.url}/api/v1/stream?vehicle={FOREIGN}", headers=cookie).status_code == 404
    with httpx.stream("GET", stream, headers=cookie, timeout=10) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry:")
        assert browser.delete("/session").status_code == 200
        assert not any(line.startswith("data:") for line in lines), "it ends"
    assert httpx.get(stream, headers=cookie).status_code == 401


def test_a_sign_in_is_counted_as_its_user_s_request(browser: httpx.Client) -> None:
    assert sign_in(browser, "zoe").headers["ratelimit"].startswith('"user";')


def test_the_name_of_a_sign_in_is_bounded(browser: httpx.Client) -> None:
    answer = sign_in(browser, "z" * (UID_MAX + 1))
    assert answer.status_code == 401 and answer.json()["detail"] == sign_in(browser, "nobody").json()["detail"]


def test_a_stream_is_followed_by_a_session_alone(daemon: RunningDaemon, browser: httpx.Client) -> None:
    """EventSource sends cookies and no header."""
    sign_in(browser)
    with browser.stream("GET", "/stream", params={"vehicle": VEHICLE}) as stream:
        assert stream.status_code == 200 and stream.headers["content-type"].startswith("text/event-stream")
        assert next(stream.iter_lines()).startswith("retry:")
    assert browser.get("/stream", params={"vehicle": FOREIGN}).status_code == 404


def test_a_stream_ends_with_its_session_or_its_token(local_users: Admin, browser: httpx.Client) -> None:
    sign_in(browser)
    made = local_users.token("anna", "read")
    for headers, path in (({}, "/session"), (bearer(made), f"/tokens/{made['id']}")):
        with (
            httpx.Client(base_url=browser.base_url, headers=headers, cookies=browser.cookies) as follower,
            follower.stream("GET", "/stream", params={"vehicle": VEHICLE}) as stream,
        ):
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            if headers:
                local_users.ask("DELETE", path)
            else:
                assert browser.delete(path).status_code == 200
            assert [line for line in lines if line.startswith("event")] == []


def test_users_are_added_where_no_daemon_runs(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    place = ("--dir", tmp_path / "evd")
    added = run_evd("user", "add", "anna", "--password-stdin", *place, stdin=PASSWORD)
    assert (added.returncode, added.stdout) == (0, "anna may sign in\n")
    short = run_evd("user", "add", "ben", "--password-stdin", *place, stdin="too short")
    assert short.returncode == 1 and "at least 10 characters" in short.stderr
    asked = run_evd("user", "add", "ben", *place)
    assert asked.returncode == 2 and "--password-stdin" in asked.stderr
    listed = json.loads(run_evd("user", "list", "--json", *place).stdout)
    assert [(row["uid"], row["admin"]) for row in listed] == [("anna", False)]


def test_no_secret_is_in_the_log_or_the_database(
    daemon: RunningDaemon, local_users: Admin, browser: httpx.Client
) -> None:
    token = sign_in(browser).json()["csrf_token"]
    cookie = browser.cookies["evd"]
    made = local_users.token("anna", "ingest", vehicles=[VEHICLE])
    wrong = {"vehicleId": VEHICLE, "timestamp": "never", "note": f"{cookie} {token} {made['token']}"}
    refused = httpx.post(
        f"{daemon.url}/wlan?c={cookie}",
        json=wrong,
        headers={"x-api-key": made["token"], "x-csrf-token": token, "cookie": f"evd={cookie}"},
    )
    assert refused.status_code == 400
    rejected = json.dumps(local_users.ask("GET", "/rejections"))
    kept = b"".join(path.read_bytes() for path in daemon.directory.glob("evd.db*"))
    shown = str(daemon.logs).encode() + rejected.encode()
    for secret in (PASSWORD, cookie.split("_")[3], token.removeprefix("evd_csrf_"), made["token"].split("_")[3]):
        assert secret.encode() not in kept and secret.encode() not in shown
