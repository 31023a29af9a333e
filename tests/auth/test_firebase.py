"""Firebase ID tokens, signed by a key of ours whose certificate a real HTTP server serves, as Google's does."""

from __future__ import annotations

import datetime
import hmac
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
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from daemon_process import init, run_evd, running_daemon

from evd.auth.certificates import Certificates
from evd.auth.firebase import FirebaseProject, FirebaseTokens
from evd.errors import Unauthorized, Unavailable

PROJECT = "evd-test"


class Google:
    """A signing key, and the server of its certificate and of what Firebase knows of users."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = 0
        self.hanging = threading.Event()
        self.hang = False
        self.fails = False
        self.max_age = 3600
        self.users: dict[str, dict[str, Any]] = {}
        """uid → what Firebase knows of the user."""
        pem = self.pem = self._certificate()
        certificate = json.dumps({"kid-1": pem}).encode()
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                google.asked += 1
                if google.hang:
                    google.hanging.wait(20)
                self.answer(certificate, 503 if google.fails else 200)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/token":
                    self.answer(b'{"access_token":"ya29.test","expires_in":3600,"token_type":"Bearer"}')
                    return
                assert self.headers["Authorization"] == "Bearer ya29.test"
                assert self.path == f"/v1/projects/{PROJECT}/accounts:lookup"
                (uid,) = json.loads(body)["localId"]
                found = [{"localId": uid, **google.users[uid]}] if uid in google.users else []
                self.answer(json.dumps({"users": found}).encode(), 403 if google.fails else 200)

            def answer(self, body: bytes, status: int = 200) -> None:
                self.send_response(status)
                self.send_header("Cache-Control", f"public, max-age={google.max_age}")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.base}/certs"
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

    def service_account(self, folder: Path) -> Path:
        """The file of a service account that may ask for users."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        document = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "evd@example.org",
            "token_uri": f"{self.base}/token",
        }
        (folder / "account.json").write_text(json.dumps(document))
        return folder / "account.json"

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


async def test_certificates_are_there_before_the_first_request_and_renewed_before_they_expire(google: Google) -> None:
    now = 0.0
    certificates = Certificates(google.url, 5, steady=lambda: now)
    before = google.asked
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificates.run)
        with trio.fail_after(10):
            while google.asked == before:
                await trio.sleep(0.01)
        assert json.loads(await certificates.current())
        google.fails = True
        try:
            now = 3599.0
            assert json.loads(await certificates.current()), "an outage is not noticed while they are good"
            now = 3600.0
            with pytest.raises(Unavailable):
                await certificates.current()
        finally:
            google.fails = False
        assert json.loads(await certificates.current())
        nursery.cancel_scope.cancel()


async def test_certificates_that_expire_at_once_are_not_fetched_all_the_time(google: Google) -> None:
    google.max_age = 0
    try:
        now = 0.0
        certificates = Certificates(google.url, 5, steady=lambda: now)
        before = google.asked
        for now in (0.0, 1.0, 59.0):  # noqa: B007  # the clock reads it
            await certificates.current()
        assert google.asked == before + 1
    finally:
        google.max_age = 3600


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
