"""Who may ask what: every row of ACCESS, asked by every kind of caller of a running daemon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, NamedTuple

import httpx
import pytest
from daemon_process import RunningDaemon, run_evd, running_daemon
from folders import ROOT
from quart_trio import QuartTrio

from evd.api import app as application
from evd.auth.access import ACCESS, AccessRow, unlisted
from evd.model.status import vehicle_id
from evd.web.assets import assets

VEHICLE, FOREIGN, ABSENT = "A1", "B1", "NEVER"
PASSWORD = "correct horse battery"
SETTINGS = "[app]\ntrust_user_header = true\n"


class Asking(NamedTuple):
    """A kind of caller: the role of its key, its user, and what the user is to VEHICLE."""

    key: str | None
    user: str | None = None
    relation: str | None = None
    means: Literal["header", "session", "token"] = "header"
    """How the user is shown; a token has the scope read only."""


CALLERS = {
    "an administrator": Asking("admin"),
    "an owner": Asking("app", "olga", "owner"),
    "a viewer": Asking("app", "vera", "viewer"),
    "a stranger": Asking("app", "stan"),
    "the app without a user": Asking("app"),
    "Sigfox": Asking("sigfox"),
    "a device": Asking("device"),
    "an owner's session": Asking(None, "olga", "owner", "session"),
    "an administrator's session": Asking(None, "root", None, "session"),
    "an owner's token": Asking(None, "olga", "owner", "token"),
    "nobody": Asking(None),
    "a revoked key": Asking("revoked", "olga", "owner"),
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """VEHICLE has an owner and a viewer, FOREIGN another owner; one admin's key is revoked."""
    with (
        running_daemon(tmp_path_factory.mktemp("access") / "evd", settings=SETTINGS) as one,
        httpx.Client(base_url=f"{one.url}/api/v1", headers={"x-api-key": one.keys["admin"]}) as admin,
    ):
        for uid in ("olga", "root"):
            body = {"uid": uid, "password": PASSWORD, "admin": uid == "root"}
            assert admin.post("/users", json=body).status_code == 201
        one.keys["token"] = admin.post("/tokens", json={"uid": "olga", "scopes": ["read"]}).json()["token"]
        known = sorted({(one.user, VEHICLE, one.relation) for one in CALLERS.values() if one.relation})
        for uid, vehicle, relation in [*known, ("zoe", FOREIGN, "owner")]:
            body = {"uid": uid, "vehicle": vehicle, "relation": relation}
            assert admin.post("/owners", json=body).json() == body
        made = admin.post("/keys", json={"role": "admin"}).json()
        one.keys["revoked"] = made["key"]
        assert admin.delete(f"/keys/{made['id']}").status_code == 200
        yield one


@pytest.fixture(scope="module")
def client(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=daemon.url) as one:
        yield one


@cache
def session_of(url: str, user: str) -> dict[str, str]:
    begun = httpx.post(f"{url}/api/v1/session", json={"user": user, "password": PASSWORD})
    return {"cookie": begun.headers["set-cookie"].partition(";")[0], "x-csrf-token": begun.json()["csrf_token"]}


def headers(daemon: RunningDaemon, asking: Asking) -> dict[str, str]:
    if asking.means == "token":
        return {"authorization": f"Bearer {daemon.keys['token']}"}
    if asking.means == "session":
        return session_of(daemon.url, str(asking.user))
    key = {} if asking.key is None else {"x-api-key": daemon.keys[asking.key]}
    return key if asking.user is None else {**key, "userId": asking.user}


def request_of(row: AccessRow, vehicle: str = VEHICLE) -> tuple[str, dict[str, Any]]:
    """The path and the rest of a request that names the vehicle wherever a route may look for it."""
    path = row.rule.replace("<target:noun>", "webhooks").replace("<int:number>", "999")
    for argument in ("<given>", "<vehicle>"):
        path = path.replace(argument, vehicle)
    path = (
        path.replace("<name>", "none")
        .replace("<path:name>", "app.js")
        .replace("<version>", assets().version)
        .replace("<status_id>", "none")
    )
    if row.rule == "/api/v1/registrations":
        body = {"vehicle": vehicle, "token": "t"}
    elif row.rule.startswith("/api/"):
        body = {"of_no_form": True}  # refused where a body is read, once the caller is let in
    else:
        body = {"vehicleId": vehicle, "fcmToken": "t", "register": True}
    query = {"vehicle": vehicle, "vehicleId": vehicle, "timeFrom": "0", "timeTo": "9"}
    return path, {"params": query, **({} if row.method in ("GET", "HEAD") else {"json": body})}


def expected(row: AccessRow, asking: Asking) -> int | None:
    """The status of the refusal; None: the caller is let in."""
    if row.relation == "everyone":
        return None
    if asking.means != "header":
        return expected_of_user(row, asking)
    if asking.key in (None, "revoked"):
        return 401
    if asking.key == "admin":
        return None if row.admin else 403
    if asking.key not in row.key_roles:
        return 403
    if row.relation == "key":
        return None
    if asking.user is None:
        return 401
    return 403 if row.person else related(row, asking)


def expected_of_user(row: AccessRow, asking: Asking) -> int | None:
    """The same, of a session or an access token, which needs no key."""
    if asking.means == "token":
        if row.scope != "read" or row.person or row.relation == "admin":
            return 403
        return related(row, asking)
    if row.relation == "key":
        return 401
    if asking.user == "root" and (row.admin or row.relation == "user"):
        return None
    return 403 if row.relation == "admin" else related(row, asking)


def related(row: AccessRow, asking: Asking) -> int | None:
    """The same, of a user who is known."""
    if row.relation in ("user", "key"):
        return None
    if asking.relation is None:
        return 404 if row.rule.startswith("/api/") else 403
    return 403 if (row.relation, asking.relation) == ("owner", "viewer") else None


def answered(client: httpx.Client, method: str, path: str, request: dict[str, Any]) -> tuple[int, bytes]:
    """The status, and the body unless it is a stream."""
    with client.stream(method, path, **request) as answer:
        streams = answer.headers.get("content-type", "").startswith("text/event-stream")
        assert "server" not in answer.headers
        assert "content-type" not in answer.headers or answer.headers["x-content-type-options"] == "nosniff"
        return answer.status_code, b"" if streams else answer.read()


@pytest.mark.parametrize("row", ACCESS, ids=lambda row: f"{row.method} {row.rule}")
def test_a_row_lets_in_whom_it_says(daemon: RunningDaemon, client: httpx.Client, row: AccessRow) -> None:
    path, request = request_of(row)
    for name, asking in CALLERS.items():
        status, body = answered(client, row.method, path, {**request, "headers": headers(daemon, asking)})
        if row.method == "DELETE" and "/session" in row.rule:
            session_of.cache_clear()  # it has ended
        refusal = expected(row, asking)
        if refusal is None:
            assert status not in (401, 403, 418, 405, 500), (name, body)
            assert b"you own no" not in body, name
        else:
            assert status == refusal, (name, body)


@pytest.mark.parametrize(
    "row", [row for row in ACCESS if row.relation in ("viewer", "owner")], ids=lambda row: f"{row.method} {row.rule}"
)
def test_a_foreign_vehicle_is_answered_as_an_absent_one(
    daemon: RunningDaemon, client: httpx.Client, row: AccessRow
) -> None:
    answers = set()
    for vehicle in (FOREIGN, ABSENT):
        path, request = request_of(row, vehicle)
        status, body = answered(client, row.method, path, {**request, "headers": headers(daemon, CALLERS["an owner"])})
        answers.add((status, body.replace(vehicle_id(vehicle).encode(), b"it")))
    assert len(answers) == 1
    assert answers.pop()[0] == (404 if row.rule.startswith("/api/") else 403)


def test_a_key_in_the_url_opens_nothing(daemon: RunningDaemon, client: httpx.Client) -> None:
    """Nor does a user's name there: URLs stand in the logs of every proxy."""
    for row in ACCESS:
        if row.relation == "everyone":
            continue
        path, request = request_of(row)
        secrets = dict.fromkeys(("key", "x-api-key", "apikey", "token", "access_token"), daemon.keys["admin"])
        params = {**request["params"], **secrets, "userId": "olga", "uid": "olga"}
        assert answered(client, row.method, path, {**request, "params": params})[0] == 401, row


def test_no_page_of_another_site_may_ask(client: httpx.Client) -> None:
    for row in ACCESS:
        path, _ = request_of(row)
        if path.startswith("/api/"):
            asked = {"origin": "https://evil.example", "access-control-request-method": row.method}
            answer = client.options(path, headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-")], row


READ_NO_BODY = {"/api/v1/reload", "/api/v1/pushes/pause", "/api/v1/pushes/resume"}


def test_a_member_that_no_form_has_is_refused(daemon: RunningDaemon, client: httpx.Client) -> None:
    """And so changes nothing: whoever sends `owner`, `role` or `id` where they are none learns of it."""
    for row in ACCESS:
        path, request = request_of(row)
        if row.method not in ("POST", "PUT", "PATCH") or not path.startswith("/api/") or not row.admin:
            continue
        status, body = answered(client, row.method, path, {**request, "headers": {"x-api-key": daemon.keys["admin"]}})
        assert status in (400, 404) or row.rule in READ_NO_BODY, (row, status, body)


def test_what_is_insecure_is_said(daemon: RunningDaemon, client: httpx.Client) -> None:
    reason = daemon.event("this evd is insecure")["reason"]
    assert reason.startswith("app.trust_user_header")
    stats = client.get("/api/v1/stats", headers=headers(daemon, CALLERS["an administrator"])).json()
    assert stats["insecure"] == [reason]


def test_a_bare_header_names_nobody_who_cannot_be(daemon: RunningDaemon, client: httpx.Client) -> None:
    asked = client.get("/api/v1/session", headers={"x-api-key": daemon.keys["app"], "userId": "u" * 129})
    assert asked.status_code == 401 and "at most 128 characters" in asked.json()["detail"]


def test_every_route_has_its_row_and_every_row_its_route() -> None:
    app = QuartTrio("evd", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    application.add_routes(app)
    routes = [(method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()]
    assert unlisted(routes) == []
    assert unlisted([*routes, ("PUT", "/api/v1/keys")]) == ["PUT /api/v1/keys"]
    assert unlisted([route for route in routes if route[1] != "/api/v1/stats"]) == ["GET /api/v1/stats"]


def test_evd_does_not_start_with_a_route_that_has_no_row() -> None:
    app = QuartTrio("evd", static_folder=None)

    @app.get("/api/v1/secret")
    async def secret() -> str:
        raise AssertionError

    with pytest.raises(LookupError, match="GET /api/v1/secret"):
        application.add_routes(app)


def test_the_documentation_has_the_table_as_it_is() -> None:
    checked = subprocess.run(
        [sys.executable, "docs/access_table.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_a_viewer_is_made_by_command(daemon: RunningDaemon, client: httpx.Client) -> None:
    done = run_evd("owner", "add", "ivy", "C1", "--viewer", "--dir", daemon.directory)
    assert (done.returncode, done.stdout) == (0, "ivy may look at C1\n")
    listed = client.get("/api/v1/owners", headers=headers(daemon, CALLERS["an administrator"])).json()
    assert [row["relation"] for row in listed if row["uid"] == "ivy"] == ["viewer"]
