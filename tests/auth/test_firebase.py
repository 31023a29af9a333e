"""Firebase ID tokens, signed by a key of ours whose certificate a real HTTP server serves, as Google's does."""

from __future__ import annotations

import hmac
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from daemon_process import init, run_evd, running_daemon
from google_identity import PROJECT, Google

from evd.auth.firebase import FirebaseProject, FirebaseTokens
from evd.errors import Unauthorized, Unavailable


def tokens(google: Google, **options: Any) -> FirebaseTokens:
    return FirebaseTokens(FirebaseProject(PROJECT, google.url)._replace(**options))


async def test_a_right_token_gives_its_user(google: Google) -> None:
    assert await tokens(google).uid(google.token()) == "martin"


async def test_a_token_is_checked_once_a_minute_and_its_certificate_fetched_once(google: Google) -> None:
    checker, token, before = tokens(google), google.token(), google.asked
    for _ in range(5):
        assert await checker.uid(token) == "martin"
    assert await checker.uid(google.token(sub="eva")) == "eva"
    assert google.asked - before == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another-project"},
        {"iss": "https://securetoken.google.com/another-project"},
        {"iss": "https://example.org"},
        {"sub": ""},
        {"sub": None},
        {"sub": "x" * 129},
        {"exp": 1_000_000_000},
        {"iat": 4_000_000_000},
        *({name: value} for name in ("exp", "iat") for value in ("soon", "9999999999", [1], {"a": 1}, 1e400)),
        {"exp": False},
        *({name: value} for name in ("sub", "aud") for value in (7, ["martin"], {"a": 1})),
        {"kid": None},
        {"kid": "unknown"},
        {"key": "a" * 32, "algorithm": "HS256"},
        {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
    ],
    ids=lambda wrong: ",".join(f"{name}={str(value)[:20]}" for name, value in wrong.items()),
)
async def test_a_wrong_token_is_nobody(google: Google, wrong: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        await tokens(google).uid(google.token(**wrong))


@pytest.mark.parametrize("rubbish", ["a.b.c", "..", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXJ0aW4ifQ."])
async def test_rubbish_and_unsigned_tokens_are_nobody(google: Google, rubbish: str) -> None:
    with pytest.raises(Unauthorized):
        await tokens(google).uid(rubbish)


def unsigned(google: Google, **claims: Any) -> str:
    """As the emulator of Firebase makes them."""
    _, payload, _ = google.token(**claims).split(".")
    return f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."


async def test_a_token_of_the_emulator_is_nobody(google: Google) -> None:
    with pytest.raises(Unauthorized):
        await tokens(google).uid(unsigned(google))


async def test_a_token_that_was_signed_with_the_public_key_as_a_secret_is_nobody(google: Google) -> None:
    """PyJWT refuses to make it, so it is made by hand."""
    public = google.pem.encode()
    head = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"kid-1"}').decode()
    signed = f"{head}.{google.token().split('.')[1]}"
    signature = jwt.utils.base64url_encode(hmac.digest(public, signed.encode(), "sha256")).decode()
    with pytest.raises(Unauthorized):
        await tokens(google).uid(f"{signed}.{signature}")


@pytest.mark.parametrize(
    ("known", "refused"),
    [
        ({"validSince": "1"}, None),
        ({}, None),
        ({"validSince": "4000000000"}, Unauthorized),
        ({"disabled": True}, Unauthorized),
        (None, Unauthorized),
        ("fails", Unavailable),
    ],
)
async def test_a_revoked_token_is_refused_where_it_matters(
    google: Google, tmp_path: Path, known: Any, refused: Any
) -> None:
    google.users = {} if known in (None, "fails") else {"martin": known}
    checker = tokens(google, users_url=f"{google.base}/v1", service_account=google.service_account(tmp_path))
    token = google.token()
    assert await checker.uid(token) == "martin", "elsewhere nobody asks"
    google.fails = known == "fails"
    try:
        if refused is None:
            assert await checker.uid(token, unrevoked=True) == "martin"
        else:
            with pytest.raises(refused):
                await checker.uid(token, unrevoked=True)
    finally:
        google.fails = False


async def test_without_a_service_account_nobody_is_asked_about_revocation(google: Google) -> None:
    assert await tokens(google).uid(google.token(), unrevoked=True) == "martin"


async def test_where_certificates_cannot_be_had_the_app_is_asked_to_come_back(google: Google) -> None:
    with pytest.raises(Unavailable):
        await tokens(google, certs_url="http://127.0.0.1:9/certs").uid(google.token())


async def test_a_certificate_server_that_hangs_costs_no_more_than_the_deadline(google: Google) -> None:
    google.hang = True
    try:
        start = time.monotonic()
        with pytest.raises(Unavailable):
            await tokens(google, timeout_s=0.2).uid(google.token())
        assert time.monotonic() - start < 15
    finally:
        google.hang = False
        google.hanging.set()


def test_evd_does_not_start_beside_an_emulator(tmp_path: Path) -> None:
    init(tmp_path / "evd")
    refused = run_evd("serve", "--dir", tmp_path / "evd", env={"FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099"})
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1 and "FIREBASE_AUTH_EMULATOR_HOST is set" in refused.stderr


def test_evd_takes_an_emulator_s_tokens_for_development_and_says_so(google: Google, tmp_path: Path) -> None:
    env = {"FIREBASE_AUTH_EMULATOR_HOST": "localhost:9099", "EVD_APP__FIREBASE_PROJECT": PROJECT}
    with running_daemon(tmp_path / "evd", env=env, flags=["--dev"]) as daemon:
        headers = {"x-api-key": daemon.keys["app"], "authorization": f"Bearer {unsigned(google)}"}
        assert httpx.get(f"{daemon.url}/api/v1/preferences", headers=headers).status_code == 200
        assert "unsigned" in daemon.event("this evd is insecure")["reason"]


def test_the_owner_behind_a_token_asks_for_their_vehicle_and_nobody_elses(google: Google, tmp_path: Path) -> None:
    """Over real sockets; the bare header counts for nothing beside a token, nor without one."""
    env = {"EVD_APP__FIREBASE_PROJECT": PROJECT, "EVD_APP__ID_TOKEN_CERTS": google.url}
    with running_daemon(tmp_path / "evd", env=env) as daemon:
        assert run_evd("owner", "add", "martin", "386625", "--dir", daemon.directory).returncode == 0
        document = {"device": "386625", "time": 1639400000, "data": "130a4c0f594e427e4bb45088", "seqNumber": 118}
        sent = httpx.post(f"{daemon.url}/sigfox/uplink", json=document, headers={"x-api-key": daemon.keys["sigfox"]})
        assert sent.status_code == 201

        def asked(**headers: str) -> int:
            key = {"x-api-key": daemon.keys["app"]}
            return httpx.get(f"{daemon.url}/v3/android/last?vehicleId=386625", headers=key | headers).status_code

        assert asked(authorization=f"Bearer {google.token()}") == 200
        assert asked(authorization=f"Bearer {google.token(sub='eve')}", userId="martin") == 403
        assert asked(authorization=f"Bearer {google.token(aud='another')}", userId="martin") == 401
        assert asked(userId="martin") == 401

        with httpx.Client(base_url=f"{daemon.url}/api/v1") as browser:
            refused = browser.post("/session", headers={"authorization": f"Bearer {google.token(exp=1)}"})
            assert refused.status_code == 401 and not browser.cookies
            begun = browser.post("/session", headers={"authorization": f"Bearer {google.token()}"})
            assert begun.json()["uid"] == "martin" and begun.json()["admin"] is False
            assert browser.get("/vehicles/386625/events").status_code == 200, "the cookie suffices"
            headers = {"x-api-key": daemon.keys["app"], "authorization": f"Bearer {google.token()}"}
            assert browser.post("/tokens", headers=headers, json={"scopes": ["read"]}).status_code == 201
