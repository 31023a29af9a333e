"""Firebase ID tokens, signed by a key of ours whose certificate a real HTTP server serves, as Google's does."""

from __future__ import annotations

import datetime
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from daemon_process import run_evd, running_daemon

from evd.auth.firebase import FirebaseTokens
from evd.errors import ConfigError, Unauthorized, Unavailable

PROJECT = "evd-test"


class Google:
    """A signing key, and the server of its certificate; `answer` may be replaced."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = 0
        self.hanging = threading.Event()
        self.hang = False
        certificate = json.dumps({"kid-1": self._certificate()}).encode()
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                google.asked += 1
                if google.hang:
                    google.hanging.wait(20)
                self.send_response(200)
                self.send_header("Cache-Control", "public, max-age=3600")
                self.send_header("Content-Length", str(len(certificate)))
                self.end_headers()
                self.wfile.write(certificate)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/certs"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def _certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str | None = "kid-1", **claims: Any) -> str:
        now = int(time.time())
        usual = {
            "iss": f"https://securetoken.google.com/{PROJECT}",
            "aud": PROJECT,
            "sub": "martin",
            "iat": now - 10,
            "exp": now + 3600,
        }
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(payload, key or self.key, algorithm, headers={"kid": kid} if kid else None)

    def close(self) -> None:
        self.hanging.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    one = Google()
    yield one
    one.close()


def tokens(google: Google, **options: Any) -> FirebaseTokens:
    settings: dict[str, Any] = {"certs_url": google.url, "timeout_s": 5, "env_emulator": None}
    return FirebaseTokens(PROJECT, **(settings | options))


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


def test_an_emulators_variable_is_refused(google: Google) -> None:
    with pytest.raises(ConfigError, match="FIREBASE_AUTH_EMULATOR_HOST"):
        tokens(google, env_emulator="localhost:9099")


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
