"""Signatures of webhooks in the form of Standard Webhooks (standardwebhooks.com): HMAC-SHA256 with a shared secret."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from evd.errors import ConfigError

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
"""Lengths of a secret that Standard Webhooks allows."""

NEW_KEY_BYTES = 32


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_KEY_BYTES)).decode()


class Signer:
    """Signs with the secret of a setting, which `setting` names. Raises ConfigError, without the secret."""

    def __init__(self, secret: str, *, setting: str) -> None:
        try:
            self._key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            self._key = b""
        if len(self._key) not in KEY_BYTES:
            raise ConfigError(
                f"{setting} is no secret: write whsec_ and 24 to 64 bytes in base64, as `evd webhook secret` makes them"
            )

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """The value of `webhook-signature`; `timestamp` is epoch s and is the value of `webhook-timestamp`."""
        digest = hmac.digest(self._key, b"%b.%d.%b" % (message_id.encode(), timestamp, body), hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}"
