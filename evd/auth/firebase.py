"""Firebase ID tokens, which identify the app's user. firebase-admin checks them, in threads, because it blocks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count

import firebase_admin
import google.auth.credentials
import trio
from firebase_admin import auth, exceptions

from evd.clock import Clock, now_ms
from evd.errors import ConfigError, Unauthorized, Unavailable

CLOCK_SKEW_S = 5
THREADS_MAX = 4  # a check takes 0.3 ms with the certificates cached; fetching them must not occupy every thread
_apps = count()  # firebase-admin requires a distinct name for each app
_NO_CERTIFICATES = "Google's certificates cannot be fetched: send the request again later"
REMEMBERED_MAX = 4096
REMEMBERED_MS = 60_000
"""How long a valid token is cached (at most until it expires): an app sends several requests at once."""


class FirebaseTokens:
    """Checks ID tokens of one project: RS256, audience, issuer, subject, expiry.

    `certs_url`, if not empty, replaces Google's address of the certificates. Raises ConfigError if the emulator's
    environment variable is set, with which the SDK would skip the signature check.
    """

    def __init__(
        self, project: str, *, certs_url: str, timeout_s: float, env_emulator: str | None, clock: Clock = now_ms
    ):
        if env_emulator:
            raise ConfigError(
                "FIREBASE_AUTH_EMULATOR_HOST is set: unsigned tokens would be accepted; remove it from the environment"
            )
        app = firebase_admin.initialize_app(
            google.auth.credentials.AnonymousCredentials(),  # type: ignore[no-untyped-call]
            {"projectId": project, "httpTimeout": timeout_s},
            name=f"evd-tokens-{next(_apps)}",
        )
        self._client = auth.Client(app)
        if certs_url:
            self._client._token_verifier.id_token_verifier.cert_url = certs_url
        self._timeout_s = timeout_s
        self._clock = clock
        self._threads = trio.CapacityLimiter(THREADS_MAX)
        self._remembered: OrderedDict[str, tuple[str, int]] = OrderedDict()

    async def uid(self, token: str) -> str:
        """The verified user id. Raises Unauthorized, or Unavailable if the certificates cannot be fetched in time."""
        known = self._remembered.get(token)
        if known is not None and known[1] > self._clock():
            return known[0]
        with trio.move_on_after(self._timeout_s):
            uid, expires = await trio.to_thread.run_sync(
                self._verify, token, abandon_on_cancel=True, limiter=self._threads
            )
            self._remember(token, uid, expires)
            return uid
        raise Unavailable(_NO_CERTIFICATES, retry_after_s=5)

    def _verify(self, token: str) -> tuple[str, int]:
        try:
            claims = self._client.verify_id_token(token, clock_skew_seconds=CLOCK_SKEW_S)
            return str(claims["uid"]), int(claims["exp"]) * 1000
        except auth.CertificateFetchError:
            raise Unavailable(_NO_CERTIFICATES, retry_after_s=5) from None
        # The other errors come from signed claims of the wrong type, which the libraries do not check.
        except (exceptions.FirebaseError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise Unauthorized(f"the ID token is refused ({type(error).__name__}): sign in again") from None

    def _remember(self, token: str, uid: str, expires: int) -> None:
        self._remembered[token] = uid, min(expires, self._clock() + REMEMBERED_MS)
        while len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
