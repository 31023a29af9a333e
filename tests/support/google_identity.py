"""Google as Firebase tokens need it: it signs, serves its certificate, and knows of users."""

from __future__ import annotations

import datetime
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

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
