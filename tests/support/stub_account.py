"""A service account whose tokens a test hands out, and access tokens of it."""

from __future__ import annotations

import trio

from evd.net.client.http import HttpClient
from evd.push.providers.fcm.credentials import AccessTokens


class StubAccount:
    """Hands out tokens of a given life, in order; fails, or waits, when told to."""

    project_id, token_uri = "evd-demo", "http://127.0.0.1:1/token"

    def __init__(self, lifetime_s: float = 3600) -> None:
        self.lifetime_s = lifetime_s
        self.fetched = 0
        self.broken = False
        self.go_on = trio.Event()
        self.go_on.set()

    async def fetch_token(self, http: HttpClient) -> tuple[str, float]:
        self.fetched += 1
        number = self.fetched
        await self.go_on.wait()
        if self.broken:
            raise OSError("down")
        return f"token-{number}", self.lifetime_s


def tokens_of(stub: StubAccount, timeout_s: float = 5) -> AccessTokens:
    return AccessTokens(stub, timeout_s=timeout_s)  # type: ignore[arg-type]
