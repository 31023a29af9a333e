"""What all of /api/v1 has in common: problems, methods, origins, rates, times and ETags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon
from hypothesis import given
from hypothesis import strategies as st
from quart import Quart

from evd.api.conditional import unless_known
from evd.api.rates import rate_headers
from evd.api.times import read_time, rfc3339, shown_time
from evd.auth.rate_limit import Quota, QuotaUse
from evd.config.loading import load
from evd.errors import BadRequest, ConfigError
from evd.model.status import TIME_MAX_MS

PAGE = "https://cars.example.org"
AT_ONCE = 4
SETTINGS = f"""
[server]
cors_origins = ["{PAGE}"]
[app]
trust_user_header = true
user_requests_at_once = {AT_ONCE}
user_requests_per_s = 0.02
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("answers") / "evd", settings=SETTINGS) as one:
        yield one


@pytest.fixture(scope="module")
def client(daemon: RunningDaemon) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=daemon.url) as one:
        yield one


@pytest.fixture
def admin(daemon: RunningDaemon) -> dict[str, str]:
    return {"x-api-key": daemon.keys["admin"]}


# Problems


def test_a_body_that_is_too_long_is_refused_with_a_problem(client: httpx.Client, admin: dict[str, str]) -> None:
    for path, media in (("/api/v1/owners", "application/problem+json"), ("/android/nothing", "application/json")):
        answer = client.post(path, content=b" " * (64 * 1024 + 1), headers=admin)
        assert (answer.status_code, answer.headers["content-type"]) == (413, media), path
    document = client.post("/api/v1/owners", content=b" " * (64 * 1024 + 1), headers=admin).json()
    assert "65536" in document.pop("detail")
    assert document == {
        "type": "urn:evd:problem:content-too-large",
        "title": "Content too large",
        "status": 413,
        "instance": "/api/v1/owners",
    }


TWO_TARGETS = {"vehicle": "A", "token": "t", "fid": "f"}


@pytest.mark.parametrize(
    ("method", "path", "key", "body", "problem"),
    [
        ("GET", "/keys", None, None, (401, "unauthorized", "Unauthorized")),
        ("GET", "/keys", "sigfox", None, (403, "forbidden", "Forbidden")),
        ("GET", "/nothing?secret=1", "admin", None, (404, "not-found", "Not found")),
        ("GET", "/vehicles/NEVER", "admin", None, (404, "not-found", "Not found")),
        ("GET", "/vehicles?limit=x", "admin", None, (400, "bad-request", "Bad request")),
        ("PATCH", "/keys", "admin", None, (405, "method-not-allowed", "Method not allowed")),
        ("POST", "/registrations", "admin", TWO_TARGETS, (400, "bad-request", "Bad request")),
    ],
)
def test_an_error_is_a_problem_with_all_its_members(
    daemon: RunningDaemon, client: httpx.Client, method: str, path: str, key: str | None, body: Any, problem: Any
) -> None:
    headers = {"x-api-key": daemon.keys[key]} if key else {}
    answer = client.request(method, f"/api/v1{path}", headers=headers, json=body)
    status, kind, title = problem
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.pop("detail")
    assert document == {
        "type": f"urn:evd:problem:{kind}",
        "title": title,
        "status": status,
        "instance": f"/api/v1{path.partition('?')[0]}",
    }
    assert answer.headers.get("www-authenticate") == ('Bearer realm="evd"' if status == 401 else None)
    assert answer.headers.get("allow") == ("GET, HEAD, POST" if status == 405 else None)


def test_a_method_that_is_not_there_is_told_which_are(client: httpx.Client, admin: dict[str, str]) -> None:
    answer = client.put("/api/v1/vehicles/A/alerts/", headers=admin)
    assert answer.status_code == 404, "a slash at the end is another path"
    for method in ("DELETE", "OPTIONS"):
        answer = client.request(method, "/api/v1/vehicles/A/alerts", headers=admin)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


# Origins


def test_a_page_of_a_named_origin_may_ask(client: httpx.Client, admin: dict[str, str]) -> None:
    for path in ("/api/v1/keys", "/api/v1/nothing"):
        answer = client.get(path, headers={**admin, "Origin": PAGE})
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in answer.headers["vary"]
        assert "RateLimit" in answer.headers["access-control-expose-headers"]


def test_its_browser_may_ask_before(client: httpx.Client) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-csrf-token"}
    answer = client.options("/api/v1/vehicles/A/alerts", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, PUT"
    assert "X-CSRF-Token" in answer.headers["access-control-allow-headers"]
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("origin", ["https://evil.example", "https://cars.example.org.evil.example", "null", ""])
def test_another_page_may_not(client: httpx.Client, admin: dict[str, str], origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    for answer in (
        client.get("/api/v1/keys", headers={**admin, "Origin": origin}),
        client.options("/api/v1/keys", headers=asked),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" in answer.headers["vary"], "a cache must not give it to the named one"


def test_the_originals_routes_answer_any_origin_without_credentials(client: httpx.Client) -> None:
    answer = client.head("/online", headers={"Origin": PAGE})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["*", "null", "cars.example.org", "https://cars.example.org/", "https://*.example.org"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="no origin"):
        load(None, {}, {"server.cors_origins": [origin]})


# Rates


def test_a_user_who_asks_too_much_waits_and_the_others_do_not(daemon: RunningDaemon, client: httpx.Client) -> None:
    def ask(user: str, path: str = "/api/v1/preferences") -> httpx.Response:
        return client.get(path, headers={"x-api-key": daemon.keys["app"], "userId": user})

    answers = [ask("anna") for _ in range(AT_ONCE + 1)]
    assert [one.status_code for one in answers] == [200] * AT_ONCE + [429]
    assert [one.headers["ratelimit"].split(";")[1] for one in answers] == ["r=3", "r=2", "r=1", "r=0", "r=0"]
    assert {one.headers["ratelimit-policy"] for one in answers} == {f'"user";q={AT_ONCE};w=200'}
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 50
    assert answers[-1].json()["title"] == "Too many requests"
    assert ask("ben").status_code == 200
    legacy = [ask("anna", "/android/last?vehicleId=A") for _ in range(2)]
    assert [one.status_code for one in legacy] == [403, 403], "the original's routes are not limited"
    assert all("ratelimit" not in one.headers for one in legacy)


def test_a_key_without_a_user_has_its_own_limit(client: httpx.Client, admin: dict[str, str]) -> None:
    answer = client.get("/api/v1/keys", headers=admin)
    assert answer.headers["ratelimit-policy"] == '"key";q=5000;w=25'
    assert "ratelimit" not in client.get("/api/v1/keys").headers, "no key, no quota"


def test_the_headers_are_those_of_the_draft() -> None:
    standing = QuotaUse(Quota(100, 10), remaining=42, full_in_s=6, wait_s=0)
    assert rate_headers("user", standing) == {
        "RateLimit-Policy": '"user";q=100;w=10',
        "RateLimit": '"user";r=42;t=6',
    }


# Times


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("1639400000123", 1_639_400_000_123),
        ("1970-01-01T00:00:00Z", 0),
        ("2021-12-13T12:53:20.123Z", 1_639_400_000_123),
        ("2021-12-13t12:53:20.123456789z", 1_639_400_000_123),
        ("2021-12-13T13:53:20+01:00", 1_639_400_000_000),
        ("2021-12-13T13:53:20 01:00", 1_639_400_000_000),
    ],
)
def test_a_time_is_read_in_either_form(text: str, ms: int) -> None:
    assert read_time(text, "from") == ms


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "-1", "1e3", "1" * 21, str(TIME_MAX_MS + 1), "1969-12-31T23:59:59Z", "2021-12-13"),
        *("2021-12-13T12:53:20", "2021-13-01T00:00:00Z", "2021-12-13T12:53Z", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"from is .* no time"):
        read_time(text, "from")


@given(st.integers(0, TIME_MAX_MS))
def test_a_time_that_is_shown_is_read_as_it_was(ms: int) -> None:
    assert read_time(rfc3339(ms), "from") == ms
    assert shown_time("sent", ms) == {"sent": rfc3339(ms), "sent_ms": ms}


def test_no_time_is_null_twice() -> None:
    assert shown_time("sent", None) == {"sent": None, "sent_ms": None}


# ETags


async def test_what_the_client_has_is_not_sent_again() -> None:
    app, document = Quart(__name__), {"charge": 76}
    async with app.test_request_context("/"):
        first = await unless_known(document)
    assert (first.status_code, await first.get_json()) == (200, document)
    etag = first.headers["ETag"]
    assert etag.startswith('"'), "strong"
    for known, status in ((etag, 304), (f'"x", W/{etag}', 304), ("*", 304), ('"x"', 200)):
        async with app.test_request_context("/", headers={"If-None-Match": known}):
            answer = await unless_known(document)
        assert (answer.status_code, answer.headers["ETag"]) == (status, etag)
        assert bool(await answer.get_data()) == (status == 200)
        assert answer.headers["Cache-Control"] == "private, no-cache"
    async with app.test_request_context("/", headers={"If-None-Match": etag}):
        assert (await unless_known({"charge": 77})).status_code == 200
