"""Signing in, sessions and personal access tokens, over HTTP and by command, against one running daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, init, run_evd, running_daemon

from evd.auth.password_guesses import PAIR_AT_ONCE
from evd.model.user_id import UID_MAX

PASSWORD = "correct horse battery"
VEHICLE, FOREIGN = "A1", "B1"
SETTINGS = '[server]\ntrusted_proxies = ["127.0.0.1"]\n[auth]\nsessions_per_user = 8\n'


class Admin:
    """What an administrator does, with a key."""

    def __init__(self, daemon: RunningDaemon) -> None:
        self._base, self._headers = f"{daemon.url}/api/v1", {"x-api-key": daemon.keys["admin"]}

    def ask(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        answer = httpx.request(method, self._base + path, headers=self._headers, json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def add(self, uid: str, *, admin: bool = False) -> None:
        self.ask("POST", "/users", 201, uid=uid, password=PASSWORD, admin=admin)

    def own(self, uid: str, vehicle: str, method: str = "POST") -> None:
        self.ask(method, "/owners", 201 if method == "POST" else 200, uid=uid, vehicle=vehicle)

    def token(self, uid: str, *scopes: str, **given: Any) -> Any:
        return self.ask("POST", "/tokens", 201, uid=uid, scopes=scopes, **given)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """anna owns VEHICLE, root administrates, zoe owns FOREIGN."""
    with running_daemon(tmp_path_factory.mktemp("session") / "evd", settings=SETTINGS) as one:
        admin = Admin(one)
        admin.add("anna")
        admin.add("root", admin=True)
        admin.add("zoe")
        admin.own("anna", VEHICLE)
        admin.own("zoe", FOREIGN)
        yield one


@pytest.fixture
def admin(daemon: RunningDaemon) -> Admin:
    return Admin(daemon)


@pytest.fixture
def browser(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    """A client that keeps cookies, as a browser does."""
    with httpx.Client(base_url=f"{daemon.url}/api/v1") as one:
        yield one


def sign_in(browser: httpx.Client, user: str = "anna", password: str = PASSWORD, **headers: str) -> httpx.Response:
    answer = browser.post("/session", json={"user": user, "password": password}, headers=headers)
    if answer.status_code == 201:
        browser.headers["x-csrf-token"] = answer.json()["csrf_token"]
    return answer


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
    daemon: RunningDaemon, admin: Admin, browser: httpx.Client
) -> None:
    admin.add("olga")
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
    headers = bearer(admin.token("olga", "read", "write"))
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


def test_guesses_at_a_password_are_few(admin: Admin, browser: httpx.Client) -> None:
    """At once, so that they cannot slip through while the first ones are checked."""
    admin.add("guessed")
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


def test_a_new_password_ends_sessions_and_a_removed_user_is_nobody(admin: Admin, browser: httpx.Client) -> None:
    admin.add("ben")
    sign_in(browser, "ben")
    token = browser.post("/tokens", json={"scopes": ["read"]}).json()["token"]
    assert admin.ask("PUT", "/users/ben/password", password="another long one")["sessions_ended"] == 1
    assert browser.get("/session").status_code == 401
    assert [sign_in(browser, "ben", one).status_code for one in (PASSWORD, "another long one")] == [401, 201]
    admin.ask("DELETE", "/users/ben")
    assert browser.get("/session").status_code == 401 and sign_in(browser, "ben", "another long one").status_code == 401
    assert browser.get("/preferences", headers={"authorization": f"Bearer {token}"}).status_code == 401
    admin.ask("DELETE", "/users/ben", 404)


def test_no_session_of_a_removed_user_begins_however_many_sign_in_meanwhile(
    daemon: RunningDaemon, admin: Admin
) -> None:
    admin.add("eve")

    def one() -> httpx.Response:
        return httpx.post(f"{daemon.url}/api/v1/session", json={"user": "eve", "password": PASSWORD}, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        wait(answers := [pool.submit(one) for _ in range(8)], return_when=FIRST_COMPLETED)
        admin.ask("DELETE", "/users/eve")
    cookies = [cookie for each in answers if (cookie := each.result().cookies.get("evd"))]
    asked = [httpx.get(f"{daemon.url}/api/v1/session", headers={"Cookie": f"evd={cookie}"}) for cookie in cookies]
    assert asked and {answer.status_code for answer in asked} == {401}


def test_what_a_removed_user_owns_is_said_and_is_the_next_one_s(admin: Admin) -> None:
    body = {"uid": "idle", "password": PASSWORD}
    assert admin.ask("POST", "/users", 201, **body)["vehicles"] == 0
    admin.own("idle", VEHICLE)
    assert admin.ask("DELETE", "/users/idle") == {"uid": "idle", "removed": True, "vehicles": 1}
    assert admin.ask("POST", "/users", 201, **body)["vehicles"] == 1
    admin.ask("DELETE", "/users/idle/data")
    assert admin.ask("POST", "/users", 201, **body)["vehicles"] == 0


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


def test_a_stream_ends_with_its_session_or_its_token(admin: Admin, browser: httpx.Client) -> None:
    sign_in(browser)
    made = admin.token("anna", "read")
    for headers, path in (({}, "/session"), (bearer(made), f"/tokens/{made['id']}")):
        with (
            httpx.Client(base_url=browser.base_url, headers=headers, cookies=browser.cookies) as follower,
            follower.stream("GET", "/stream", params={"vehicle": VEHICLE}) as stream,
        ):
            lines = stream.iter_lines()
            assert next(lines).startswith("retry:")
            if headers:
                admin.ask("DELETE", path)
            else:
                assert browser.delete(path).status_code == 200
            assert [line for line in lines if line.startswith("event")] == []


# Access tokens


def bearer(made: dict[str, Any]) -> dict[str, str]:
    return {"authorization": f"Bearer {made['token']}"}


def test_a_token_asks_in_its_user_s_name_within_its_scopes(admin: Admin, browser: httpx.Client) -> None:
    made = admin.token("anna", "read", name="sheet", expires_days=90)
    assert made["scopes"] == ["read"] and made["expires"] > time.time() * 1000 + 89 * 86_400_000
    for headers in (bearer(made), {"x-api-key": made["token"]}):
        shown = browser.get("/session", headers=headers).json()
        assert (shown["uid"], shown["means"], shown["admin"]) == ("anna", "token", False)
        assert browser.get("/preferences", headers=headers).status_code == 200
        assert browser.put("/preferences", json={}, headers=headers).status_code == 403
        assert browser.get(f"/vehicles/{VEHICLE}/events", headers=headers).status_code == 200
        assert browser.get(f"/vehicles/{FOREIGN}/events", headers=headers).status_code == 404
        assert browser.get("/stats", headers=headers).status_code == 403
    writes = admin.token("anna", "read", "write")
    assert browser.put("/preferences", json={}, headers=bearer(writes)).status_code == 200, "no CSRF token is needed"


def test_a_token_makes_no_tokens_and_ends_no_sessions(admin: Admin, browser: httpx.Client) -> None:
    headers = bearer(admin.token("anna", "read", "write"))
    for method, path in (("POST", "/tokens"), ("GET", "/tokens"), ("DELETE", "/sessions"), ("GET", "/sessions")):
        assert browser.request(method, path, json={"scopes": ["read"]}, headers=headers).status_code == 403, path


def test_a_token_for_one_vehicle_is_good_for_no_other(admin: Admin, browser: httpx.Client) -> None:
    admin.own("anna", "A2")
    headers = bearer(admin.token("anna", "read", vehicles=["00a1"]))
    asked = [browser.get(f"/vehicles/{one}/events", headers=headers).status_code for one in (VEHICLE, "A2", FOREIGN)]
    assert asked == [200, 404, 404]
    assert browser.get("/preferences", headers=headers).status_code == 403
    tagged = bearer(admin.token("anna", "read", tags=["vans"]))
    assert browser.get(f"/vehicles/{VEHICLE}/events", headers=tagged).status_code == 404


def test_a_session_makes_lists_and_revokes_own_tokens(admin: Admin, browser: httpx.Client) -> None:
    sign_in(browser)
    made = browser.post("/tokens", json={"scopes": ["read"], "name": "mine"})
    assert made.status_code == 201 and made.json()["token"].startswith("evd_token_")
    foreign = admin.token("zoe", "read")
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
def test_a_token_that_cannot_be_is_refused_with_a_sentence(admin: Admin, wish: dict[str, Any], why: str) -> None:
    assert why in admin.ask("POST", "/tokens", 400, uid="anna", **wish)["detail"]


def test_a_token_posts_over_wlan_for_its_vehicles_while_its_user_owns_them(daemon: RunningDaemon, admin: Admin) -> None:
    made = admin.token("anna", "ingest", vehicles=[VEHICLE])

    def post(vehicle: str, path: str = "/wlan", **document: Any) -> int:
        body = {"vehicleId": vehicle, "timestamp": int(time.time()), "state": 1, **document}
        return httpx.post(f"{daemon.url}{path}", json=body, headers={"x-api-key": made["token"]}).status_code

    assert [post(one) for one in (VEHICLE, FOREIGN, "NEW")] == [201, 403, 403]
    assert post(VEHICLE, "/sigfox/uplink") == 403
    assert httpx.get(f"{daemon.url}/api/v1/preferences", headers=bearer(made)).status_code == 403
    reads = admin.token("anna", "read", "write")
    assert httpx.post(f"{daemon.url}/wlan", json={}, headers=bearer(reads)).status_code == 403
    admin.own("anna", VEHICLE, "DELETE")
    assert post(VEHICLE) == 403
    admin.own("anna", VEHICLE)
    assert post(VEHICLE) == 201
    admin.ask("DELETE", f"/tokens/{made['id']}")
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


def test_the_last_use_of_a_token_is_listed(admin: Admin, browser: httpx.Client) -> None:
    made = admin.token("zoe", "read")
    browser.get("/session", headers=bearer(made))
    deadline, used = time.monotonic() + 10, None
    while used is None and time.monotonic() < deadline:
        (used,) = (row["used"] for row in admin.ask("GET", "/tokens?uid=zoe") if row["id"] == made["id"])
    assert used is not None and abs(used - time.time() * 1000) < 60_000


# Commands without a daemon, and what is never shown


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


def test_no_secret_is_in_the_log_or_the_database(daemon: RunningDaemon, admin: Admin, browser: httpx.Client) -> None:
    token = sign_in(browser).json()["csrf_token"]
    cookie = browser.cookies["evd"]
    made = admin.token("anna", "ingest", vehicles=[VEHICLE])
    wrong = {"vehicleId": VEHICLE, "timestamp": "never", "note": f"{cookie} {token} {made['token']}"}
    refused = httpx.post(
        f"{daemon.url}/wlan?c={cookie}",
        json=wrong,
        headers={"x-api-key": made["token"], "x-csrf-token": token, "cookie": f"evd={cookie}"},
    )
    assert refused.status_code == 400
    rejected = json.dumps(admin.ask("GET", "/rejections"))
    kept = b"".join(path.read_bytes() for path in daemon.directory.glob("evd.db*"))
    shown = str(daemon.logs).encode() + rejected.encode()
    for secret in (PASSWORD, cookie.split("_")[3], token.removeprefix("evd_csrf_"), made["token"].split("_")[3]):
        assert secret.encode() not in kept and secret.encode() not in shown
