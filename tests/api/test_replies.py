"""Errors as answers: problems on the new routes, the original's form on its own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from daemon_process import RunningDaemon


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
