"""Firebase ID tokens, which identify the app's user. firebase-admin checks them, in threads, because it blocks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import firebase_admin
import google.auth.credentials
import trio
from firebase_admin import auth, credentials, exceptions
from google.auth import transport

from evd.auth.certificates import Certificates
from evd.clock import Clock, now_ms
from evd.errors import Unauthorized, Unavailable
from evd.log.logger import log

CLOCK_SKEW_S = 5
THREADS_MAX = 4
"""A check takes 0.3 ms; only the question whether a token was revoked waits for Google."""

_apps = count()  # firebase-admin requires a distinct name for each app
REMEMBERED_MAX = 4096
REMEMBERED_MS = 60_000
"""How long a valid token is cached (at most until it expires): an app sends several requests at once."""


class FirebaseProject(NamedTuple):
    """What ID tokens are checked against. Empty addresses are Google's."""

    project: str
    certs_url: str = ""
    users_url: str = ""
    """Base URL of the question whether a token was revoked."""
    service_account: Path | None = None
    """Who asks it; None: nobody, so it is not asked."""
    timeout_s: float = 5.0
    emulator: str | None = None
    """FIREBASE_AUTH_EMULATOR_HOST of the environment, for development only: firebase-admin checks no signature then."""


class FirebaseTokens:
    """Checks ID tokens of one project: RS256, audience, issuer, subject, expiry; if asked, that it was not revoked."""

    def __init__(self, given: FirebaseProject, *, clock: Clock = now_ms) -> None:
        app = firebase_admin.initialize_app(
            _credential(given.service_account),
            {"projectId": given.project, "httpTimeout": given.timeout_s},
            name=f"evd-tokens-{next(_apps)}",
        )
        self._client = auth.Client(app)
        if given.users_url:
            self._client._user_manager.base_url = f"{given.users_url.rstrip('/')}/projects/{given.project}"
        self._may_ask = given.service_account is not None or given.emulator is not None
        self._certificates = None if given.emulator else Certificates(given.certs_url, given.timeout_s)
        self._timeout_s = given.timeout_s
        self._clock = clock
        self._threads = trio.CapacityLimiter(THREADS_MAX)
        self._remembered: OrderedDict[str, tuple[str, int]] = OrderedDict()

    async def run(self) -> None:
        """Keep the certificates fresh, until cancelled."""
        if self._certificates is not None:
            await self._certificates.run()

    async def uid(self, token: str, *, unrevoked: bool = False) -> str:
        """The verified user id; with `unrevoked`, Firebase is asked whether the token was revoked or its user disabled.

        Raises Unauthorized, or Unavailable if Google does not answer in time.
        """
        asks = unrevoked and self._may_ask
        known = self._remembered.get(token)
        if known is not None and known[1] > self._clock() and not asks:
            return known[0]
        with trio.move_on_after(self._timeout_s):
            certificates = await self._certificates.current() if self._certificates is not None else b"{}"
            uid, expires = await trio.to_thread.run_sync(
                self._verify, token, certificates, asks, abandon_on_cancel=True, limiter=self._threads
            )
            self._remember(token, uid, expires)
            return uid
        raise Unavailable("Google does not answer: send the request again later", retry_after_s=5)

    def _verify(self, token: str, certificates: bytes, asks: bool) -> tuple[str, int]:
        try:
            verifier = self._client._token_verifier.id_token_verifier
            claims = verifier.verify(token, _Fetched(certificates), CLOCK_SKEW_S)
            if asks:
                self._require_unrevoked(claims)
            return str(claims["uid"]), int(claims["exp"]) * 1000
        # The other errors come from signed claims of the wrong type, which the libraries do not check.
        except (exceptions.FirebaseError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise Unauthorized(f"the ID token is refused ({type(error).__name__}): sign in again") from None

    def _require_unrevoked(self, claims: dict[str, Any]) -> None:
        """Raise Unauthorized if the token was revoked, or if its user is disabled or gone; Unavailable."""
        try:
            self._client._check_jwt_revoked_or_disabled(claims, auth.RevokedIdTokenError, "ID token")
        except (auth.RevokedIdTokenError, auth.UserDisabledError, auth.UserNotFoundError) as error:
            raise Unauthorized(f"the ID token is refused ({type(error).__name__}): sign in again") from None
        except (exceptions.FirebaseError, google.auth.exceptions.GoogleAuthError) as error:
            log.warning("Firebase does not say whether an ID token was revoked", error=type(error).__name__)
            raise Unavailable("Firebase cannot be asked whether the token was revoked: try again later") from None

    def _remember(self, token: str, uid: str, expires: int) -> None:
        self._remembered[token] = uid, min(expires, self._clock() + REMEMBERED_MS)
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _credential(service_account: Path | None) -> Any:
    if service_account is None:
        return google.auth.credentials.AnonymousCredentials()  # type: ignore[no-untyped-call]
    return credentials.Certificate(str(service_account))


class _Fetched(transport.Request):
    """What google-auth asks for certificates: those that were fetched before."""

    def __init__(self, certificates: bytes) -> None:
        self._response = _Response(certificates)

    def __call__(self, url: str, *_: Any, **__: Any) -> Any:
        return self._response


class _Response(transport.Response):
    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def status(self) -> int:
        return 200

    @property
    def headers(self) -> dict[str, str]:
        return {}

    @property
    def data(self) -> bytes:
        return self._data
