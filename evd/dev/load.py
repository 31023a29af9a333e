"""Sends traffic to an evd over a pool of connections, at a pace, and counts what it answers.

The pool is the one that pushes go through: it sends many times as many requests as httpx would.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import trio

from evd.dev.traffic import INGEST_ROUTES, Call, IngestRoute, Traffic
from evd.errors import ConfigError, HttpError
from evd.net.client.base_url import BaseUrl
from evd.net.client.push_pool import PushPool
from evd.net.client.response import Response
from evd.version import VERSION

EXCERPT_MAX = 200  # characters of a refusal that are shown


class Latencies:
    """How long answers took, in classes 2 % wide: bounded, however many they are."""

    WIDTH = 1.02

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, ms: float) -> None:
        self._counts[math.ceil(math.log(max(ms, 0.001), self.WIDTH))] += 1

    def percentile(self, percent: float) -> float | None:
        """The ms within which so many % of the answers came, up to 2 % too high; None before the first answer."""
        wanted = self._counts.total() * percent / 100
        for number in sorted(self._counts):
            wanted -= self._counts[number]
            if wanted <= 0:
                return float(f"{self.WIDTH**number:.3g}")
        return None


class LoadReport:
    """What was sent and what came back. A call that was cut off by the end of the run is in none of the counts."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self.latencies = Latencies()
        self.unanswered = 0
        self.first_trouble = ""
        """The first answer that was not 201, or the first reason why there was none: one line."""

    def answered(self, call: Call, response: Response, ms: float) -> None:
        self.kinds[call.kind] += 1
        self.answers[response.status] += 1
        self.latencies.add(ms)
        if response.status != 201:
            self._trouble(f"{response.status} {response.body[:EXCERPT_MAX].decode('utf-8', 'replace')}")

    def failed(self, call: Call, error: HttpError) -> None:
        self.kinds[call.kind] += 1
        self.unanswered += 1
        self._trouble(str(error))

    def _trouble(self, text: str) -> None:
        self.first_trouble = self.first_trouble or " ".join(text.split())

    @property
    def sent(self) -> int:
        return self.kinds.total()

    @property
    def all_taken(self) -> bool:
        """Whether every call was answered 201."""
        return self.answers[201] == self.sent

    def summary(self, seconds: float) -> dict[str, Any]:
        """For a run of `seconds`. 503, by which an evd sheds load, is `overloaded` beside its place in `answers`."""
        return {
            "sent": self.sent,
            "duplicates": self.kinds["duplicate"],
            "late": self.kinds["late"],
            "answers": {str(status): self.answers[status] for status in sorted(self.answers) if self.answers[status]},
            "overloaded": self.answers[503],
            "unanswered": self.unanswered,
            "seconds": round(seconds, 3),
            "per_second": round(self.sent / seconds, 1) if seconds else 0.0,
            "p50_ms": self.latencies.percentile(50),
            "p99_ms": self.latencies.percentile(99),
            "first_trouble": self.first_trouble,
        }


class LoadGenerator:
    """One run: `connections` calls at a time of `traffic`, until `count` are sent or `seconds` are over.

    `keys` maps a role to its key. `rate` is calls a second, 0 as fast as they are answered; calls keep to their times
    even where answers are slow, as long as a connection is free.
    """

    def __init__(
        self,
        pool: PushPool,
        traffic: Traffic,
        keys: Mapping[str, str],
        *,
        connections: int,
        rate: float = 0,
        count: float = math.inf,
        seconds: float = math.inf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives epoch s, for the statuses' times. Raises ConfigError for a key that no header can hold."""
        self._pool = pool
        self._traffic = traffic
        self._heads = {
            channel: _head(pool.origin, route, keys[route.role])
            for channel, route in INGEST_ROUTES.items()
            if route.role in keys
        }
        self._connections = connections
        self._rate = rate
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._started = 0
        self._begin = 0.0
        self.tally = LoadReport()

    @property
    def seconds(self) -> float:
        """Since the beginning of the run."""
        return trio.current_time() - self._begin

    async def run(self) -> None:
        """Returns when all is sent and answered; cancelling cuts off what is in flight.

        Raises HttpError, in a group, if there is no answer at all. Later ones are only counted.
        """
        self._begin = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(self._connections):
                nursery.start_soon(self._calls)

    async def _calls(self) -> None:
        while (due := self._next_time()) is not None:
            await trio.sleep_until(due)
            await self._send(self._traffic.next(self._clock()))

    def _next_time(self) -> float | None:
        """When the next call is due, in trio's time; None where there is none left."""
        due = self._begin + self._started / self._rate if self._rate else trio.current_time()
        if self._started >= self._count or max(due, trio.current_time()) - self._begin >= self._seconds:
            return None
        self._started += 1
        return due

    async def _send(self, call: Call) -> None:
        began = trio.current_time()
        try:
            response = await self._pool.post(b"%b%d\r\n\r\n%b" % (self._heads[call.channel], len(call.body), call.body))
        except HttpError as error:
            if not self.tally.answers:
                raise
            self.tally.failed(call, error)
        else:
            self.tally.answered(call, response, (trio.current_time() - began) * 1000)


def _head(origin: BaseUrl, route: IngestRoute, key: str) -> bytes:
    """All of a request's head but the number at its end."""
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(f"the {route.role} key has characters that no key of evd has: look at where it comes from")
    fields = {
        "Host": origin.netloc,
        "User-Agent": f"evd/{VERSION}",
        "x-api-key": key,
        "connectivityMethod": route.method,
        "content-type": "application/json",
    }
    lines = (f"POST {origin.prefix}{route.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()))
    return ("\r\n".join(lines) + "\r\nContent-Length: ").encode("ascii")
