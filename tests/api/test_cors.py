"""Which pages of other origins may ask from a browser."""

from __future__ import annotations

import httpx
import pytest
from api_site import PAGE

from evd.config.loading import load
from evd.errors import ConfigError


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
