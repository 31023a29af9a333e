"""A Google service account: its file, validated, and the access tokens made from it.

google-auth signs and requests tokens, in a worker thread; at most one request is in flight.
"""

from __future__ import annotations

import functools
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import google.auth.exceptions
import google.auth.transport.requests
import requests
import trio
from firebase_admin import credentials

from evd.errors import ConfigError, Pause, Unreachable
from evd.model.plain_text import excerpt
from evd.redaction.requests import masked

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"

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
        self._credential = certificate.get_credential().with_scopes([SCOPE])

    def fetch_token(self, timeout_s: float) -> tuple[str, float]:
        """Return an access token and its lifetime in seconds; blocks. Any exception means that there is none.

        `timeout_s` bounds connecting and each wait for bytes; google-auth tries up to three times, within 3 s.
        """
        with requests.Session() as session:
            session.max_redirects = 0  # the signed assertion goes to the file's token_uri and nowhere else
            request = google.auth.transport.requests.Request(session)
            self._credential.refresh(functools.partial(request, timeout=timeout_s))
        token, expiry = self._credential.token, self._credential.expiry
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or len(token) > TOKEN_MAX:
            raise ValueError("its answer holds no usable access token")
        lifetime_s = (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() if expiry else AHEAD_S
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
    at its deadline, or with the loop. A fetch may take `timeout_s`. Its thread cannot be interrupted; it is then
    abandoned, and no second fetch begins before it has ended.
    """

    def __init__(self, account: ServiceAccount, *, timeout_s: float) -> None:
        self._account = account
        self._timeout_s = timeout_s
        self._limiter = trio.CapacityLimiter(1)
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
        fetch = functools.partial(self._account.fetch_token, self._timeout_s)
        try:
            with trio.fail_after(self._timeout_s):
                token, lifetime_s = await trio.to_thread.run_sync(fetch, abandon_on_cancel=True, limiter=self._limiter)
        except Exception as error:
            # google-auth raises its own errors, and TypeError and others for answers of an unexpected shape.
            away = isinstance(error, trio.TooSlowError | google.auth.exceptions.TransportError)
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
    if isinstance(error, trio.TooSlowError):
        return "it did not answer in time"
    if isinstance(error, google.auth.exceptions.TransportError):
        return "it cannot be reached, or answered with a redirect"
    said = str(error.args[0])[:SAID_MAX] if error.args else ""
    return excerpt(masked(said), 200).rstrip(". ") or type(error).__name__
