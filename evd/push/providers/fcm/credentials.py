"""A Google service account: its file, validated, and the access tokens made from it.

google-auth signs the assertion, which takes 1 ms once an hour; evd's HTTP client requests the token.
"""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import google.auth.jwt
import trio
from firebase_admin import credentials

from evd.errors import ConfigError, HttpBroken, HttpError, HttpTimeout, Pause, Unreachable
from evd.model.plain_text import excerpt
from evd.net.client.base_url import origin_of
from evd.net.client.http import HttpClient
from evd.redaction.requests import masked

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

AUDIENCE = "https://oauth2.googleapis.com/token"
"""Google: always this, whatever the file's token_uri says."""

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"

ASSERTION_LIFE_S = 3600
"""Google takes none that is valid for longer."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

ATTEMPTS = 3
RETRY_S = 1.0
"""Before the second attempt, twice as long before the third."""

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of an endpoint that is in trouble, and may not be in a moment."""

ANSWER_MAX = 65_536
"""Bytes; Google's have 1,200."""

# Google's files have 2,400 bytes.
FILE_MAX = 65_536

# Google's tokens are valid for 3,600 s. A new one is fetched this long before the old one expires, so that a token
# endpoint that is down for minutes has no effect.
AHEAD_S = 300.0

# Pause after a failed renewal while the old token is still valid.
FAILURE_HELD_S = 10.0

# Pause of the dispatcher when there is no token at all.
PAUSE_S = 60.0

# Google's tokens have about 1,000 characters; a token is part of every request's head.
TOKEN_MAX = 8_192

# Characters of the token endpoint's text that are examined.
SAID_MAX = 4_096


class ServiceAccount:
    """A service account's key; fetches access tokens that may only send messages. No text contains its secrets."""

    def __init__(self, certificate: credentials.Certificate, token_uri: str) -> None:
        self.project_id: str = certificate.project_id
        self.token_uri = token_uri
        self._certificate = certificate

    async def fetch_token(self, http: HttpClient) -> tuple[str, float]:
        """Return an access token and its lifetime in seconds (RFC 7523, section 2.1).

        Makes up to ATTEMPTS requests. Raises HttpError if there is no answer, or a redirect, which is not followed:
        the signed assertion is sent to the file's token_uri only. Any other exception means that there is no token.
        """
        for attempt in range(ATTEMPTS):
            await trio.sleep(attempt * RETRY_S)
            answer = await http.request("POST", self.token_uri, FORM, self._token_request())
            if answer.status not in RETRIED:
                break
        if 300 <= answer.status < 400:
            raise HttpBroken(f"{origin_of(self.token_uri)} answered with a redirect.")
        if answer.status != 200:
            raise ValueError(refusal_in(answer.body[:SAID_MAX]))
        return read_token(answer.body)

    def _token_request(self) -> bytes:
        now = int(time.time())
        claims = {
            "iss": self._certificate.service_account_email,
            "scope": SCOPE,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
        }
        assertion = google.auth.jwt.encode(self._certificate.signer, claims).decode()  # type: ignore[no-untyped-call]
        return urlencode({"grant_type": GRANT_TYPE, "assertion": assertion}).encode()


def refusal_in(body: bytes) -> str:
    """What an answer says of itself: error and description where it is OAuth's (RFC 6749 §5.2), else all of it."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
        return f"{document['error']}: {document['error_description']}"
    except (ValueError, RecursionError, LookupError, TypeError):
        return text


def read_token(body: bytes) -> tuple[str, float]:
    """The access token in the endpoint's answer, and its life in seconds. Raises ValueError, TypeError and the like."""
    document = json.loads(body)
    token, life = document.get("access_token"), document.get("expires_in")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or len(token) > TOKEN_MAX:
        raise ValueError("its answer holds no usable access token")
    lifetime_s = AHEAD_S if life is None else float(int(life))
    if not token or lifetime_s < 1:
        raise ValueError("its access token is empty or has already expired")
    return token, lifetime_s


def load_service_account(path: Path) -> ServiceAccount:
    """Read and validate a service account's JSON file; the key signs once, so that a broken one is found at the start.

    Raises ConfigError, whose text and traceback contain nothing of the file.
    """

    def wrong(what: str) -> ConfigError:
        return ConfigError(
            f"push.credentials: {path} {what}. Give the JSON file of a service account, as the Firebase console makes "
            "it (Project settings, Service accounts, Generate new private key)."
        )

    try:
        with path.open("rb") as file:
            text = file.read(FILE_MAX + 1)
    except OSError as error:
        raise ConfigError(f"push.credentials: cannot read {path}: {error.strerror}.") from None
    if len(text) > FILE_MAX:
        raise wrong(f"is larger than {FILE_MAX} bytes")
    try:
        info: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise wrong("is not JSON") from None
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise wrong("is not a service account")
    for name in ("project_id", "client_email", "token_uri", "private_key"):
        if not isinstance(info.get(name), str) or not info[name]:
            raise wrong(f"has no {name}")
    if urlsplit(info["token_uri"]).scheme not in ("http", "https"):
        raise wrong("has a token_uri that is no http:// or https:// address")
    try:
        certificate = credentials.Certificate(info)
        certificate.signer.sign(b"evd")
    except Exception:
        # cryptography and google-auth raise many types, and some of their texts quote the key.
        raise wrong("has a private_key that is no RSA key in PEM form") from None
    return ServiceAccount(certificate, info["token_uri"])


class AccessTokens:
    """The current access token, fetched before its predecessor expires, once for all callers.

    While the old token is valid no caller waits: a task of the loop (a trio system task) fetches the new one and ends
    at its deadline, or with the loop. A fetch may take `timeout_s`, all its attempts together.
    """

    def __init__(self, account: ServiceAccount, *, timeout_s: float) -> None:
        self._account = account
        self._timeout_s = timeout_s
        self._http = HttpClient(connections_max=1, timeout_s=timeout_s, body_max=ANSWER_MAX)
        self._lock = trio.Lock()
        self.renewing = False
        """Whether a new token is being fetched while the old one is valid."""
        self._token = ""
        self._refresh_at = -math.inf
        self._expires_at = -math.inf
        self._failure: tuple[type[Pause | Unreachable], str] = Unreachable, "No access token was asked for yet."
        self._failure_until = -math.inf

    async def get(self) -> str:
        """The access token. Raises Pause if it is refused, Unreachable if the endpoint does not answer."""
        now = trio.current_time()
        if now < self._refresh_at:
            return self._token
        if now < self._expires_at:
            if not self.renewing and now >= self._failure_until:
                self.renewing = True
                trio.lowlevel.spawn_system_task(self._renew)
            return self._token
        async with self._lock:
            now = trio.current_time()
            if now < self._refresh_at:
                return self._token
            if now >= self._failure_until:
                await self._refresh()
            if trio.current_time() < self._expires_at:
                return self._token
        refusal, said = self._failure
        raise refusal(said, PAUSE_S)

    async def aclose(self) -> None:
        """Close the connection; no token can be fetched any more."""
        await self._http.aclose()

    async def _renew(self) -> None:
        try:
            async with self._lock:
                await self._refresh()
        finally:
            self.renewing = False

    def forget(self, token: str) -> None:
        """Drop `token`, which FCM refused although it had not expired. A token fetched meanwhile stays."""
        if token == self._token:
            self._refresh_at = self._expires_at = -math.inf

    async def _refresh(self) -> None:
        try:
            with trio.fail_after(self._timeout_s):
                token, lifetime_s = await self._account.fetch_token(self._http)
        except Exception as error:  # including TypeErrors for answers of an unexpected shape
            away = isinstance(error, trio.TooSlowError | HttpError)
            self._failure = (
                Unreachable if away else Pause,
                f"No access token from {self._account.token_uri}: {_reason(error)}. "
                "Check push.credentials, this machine's clock and the way to that address.",
            )
            self._failure_until = trio.current_time() + FAILURE_HELD_S
            return
        now = trio.current_time()
        self._token = token
        self._expires_at = now + lifetime_s
        self._refresh_at = now + lifetime_s - min(AHEAD_S, lifetime_s / 2)


def _reason(error: Exception) -> str:
    """A short, printable reason: part of it may be the token endpoint's text."""
    if isinstance(error, trio.TooSlowError | HttpTimeout):
        return "it did not answer in time"
    if isinstance(error, HttpError):
        return "it cannot be reached, or answered with a redirect"
    said = str(error.args[0])[:SAID_MAX] if error.args else ""
    return excerpt(masked(said), 200).rstrip(". ") or type(error).__name__
