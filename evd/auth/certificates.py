"""The certificates of Firebase's ID tokens: fetched before they are needed, and again before they expire.

So a request waits for Google only if it comes before the first fetch, or while Google has not answered for hours.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import trio

from evd.errors import HttpError, Unavailable
from evd.log.logger import log
from evd.net.client.http import HttpClient

GOOGLE = "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"

ANSWER_MAX = 256 * 1024
"""Bytes; Google's have 8 KiB."""

RENEWED_AT = 0.75
"""Of their lifetime: Google's are good for some six hours, so an outage of an hour and a half is not noticed."""

LIFE_MIN_S, LIFE_MAX_S = 60.0, 86_400.0
"""However short or long the answer says: it must neither be fetched all the time, nor be trusted for ever."""

RETRY_S = 10.0
"""After a fetch that failed; twice as long after each further one."""

RETRY_MAX_S = 300.0

_max_age = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,9})")


class Certificates:
    """`steady` gives seconds of a monotonic clock."""

    def __init__(self, url: str, timeout_s: float, *, steady: Callable[[], float] = trio.current_time) -> None:
        self._url = url or GOOGLE
        self._http = HttpClient(connections_max=1, timeout_s=timeout_s, body_max=ANSWER_MAX)
        self._steady = steady
        self._body = b""
        self._renewed_at = self._ends_at = -math.inf
        self._fetching = trio.Lock()

    async def run(self) -> None:
        """Keep them fresh, until cancelled; then none can be fetched any more."""
        try:
            await self._keep_fresh()
        finally:
            with trio.CancelScope(shield=True):
                await self._http.aclose()

    async def _keep_fresh(self) -> None:
        failed = 0
        while True:
            try:
                async with self._fetching:
                    await self._fetch()
                failed = 0
                await trio.sleep(max(self._renewed_at - self._steady(), 1.0))
            except Unavailable as error:
                if not failed:
                    log.warning("the certificates of ID tokens cannot be fetched", reason=str(error))
                await trio.sleep(min(RETRY_S * 2**failed, RETRY_MAX_S))
                failed = min(failed + 1, 10)

    async def current(self) -> bytes:
        """The certificates, as Google's JSON object: key id → PEM. Raises Unavailable."""
        if self._steady() < self._ends_at:
            return self._body
        async with self._fetching:  # those who wait share one fetch
            if self._steady() >= self._ends_at:
                await self._fetch()
        return self._body

    async def _fetch(self) -> None:
        try:
            answer = await self._http.request("GET", self._url)
            if answer.status != 200 or not isinstance(json.loads(answer.body), dict):
                raise ValueError(f"status {answer.status}")
        except (HttpError, ValueError) as error:
            raise Unavailable(
                f"Google's certificates cannot be fetched ({error}): try again", retry_after_s=5
            ) from None
        found = _max_age.search(answer.headers.get("cache-control", ""))
        life_s = min(max(float(found[1]) if found else LIFE_MIN_S, LIFE_MIN_S), LIFE_MAX_S)
        now = self._steady()
        self._body, self._renewed_at, self._ends_at = answer.body, now + RENEWED_AT * life_s, now + life_s
