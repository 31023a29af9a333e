"""Rate limits: who waits, whom each counts as, and the headers that say what is left."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from daemon_process import RunningDaemon, running_daemon

from evd.api.rates import rate_headers
from evd.auth.rate_limit import Quota, QuotaUse

AT_ONCE = 4
SETTINGS = f"""
[app]
trust_user_header = true
user_requests_at_once = {AT_ONCE}
user_requests_per_s = 0.02
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("answers") / "evd", settings=SETTINGS) as one:
        yield one


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
