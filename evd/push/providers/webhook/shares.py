"""Bound the requests to each receiver of webhooks, so that a slow one does not delay the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from evd.errors import RetryAfter

RETRY_S = 10.0
"""The shortest wait before a retry, the same as for FCM."""

PATIENCE_S = 2.0
"""A receiver that needs longer is slow. In each outage its pushes occupy the dispatcher once for this long."""

KNOWN_MAX = 1024
"""Receivers whose slowness is remembered."""


class ReceiverShares:
    """At most `requests_max` requests at once, half of them for one receiver, and half for all slow ones together.

    A receiver that has needed more than `patience_s` (s) is slow until it answers sooner. It has one request at a time;
    further ones do not wait for it but raise RetryAfter.
    """

    def __init__(self, requests_max: int, *, patience_s: float = PATIENCE_S) -> None:
        self._all = trio.Semaphore(requests_max, max_value=requests_max)
        self._most = max(1, requests_max // 2)
        self._patience_s = patience_s
        self._known: dict[str, _Share] = {}

    @asynccontextmanager
    async def request(self, receiver: str, wait_s: float) -> AsyncIterator[None]:
        """Hold the permit of one request, until the end of its answer.

        Raises RetryAfter if the receiver is slow, or becomes slow during the wait, or if no permit is free within
        `wait_s` (s).
        """
        share = self._of(receiver)
        with trio.move_on_after(wait_s) as waiting:
            await self._acquire(share, receiver)
        if waiting.cancelled_caught:
            raise RetryAfter(f"The webhook at {receiver} had to wait for others for {wait_s:g} s.", RETRY_S)
        begun = share.begin()
        try:
            yield
        finally:
            share.end(begun, self._patience_s)
            self._all.release()

    async def _acquire(self, share: _Share, receiver: str) -> None:
        while True:
            if self._is_held(share):
                raise RetryAfter(
                    f"The webhook at {receiver} needs more than {self._patience_s:g} s to answer.", RETRY_S
                )
            with trio.CancelScope(deadline=share.oldest() + self._patience_s):
                await share.permits.acquire()
                break
        try:
            await self._all.acquire()
        except BaseException:
            share.permits.release()
            raise

    def _is_held(self, share: _Share) -> bool:
        if share.slow:
            return not share.idle or sum(one.slow and not one.idle for one in self._known.values()) >= self._most
        return trio.current_time() >= share.oldest() + self._patience_s

    def _of(self, receiver: str) -> _Share:
        share = self._known.get(receiver)
        if share is None:
            if len(self._known) >= KNOWN_MAX:
                self._forget_one()
            share = self._known[receiver] = _Share(self._most)
        return share

    def _forget_one(self) -> None:
        idle = next((receiver for receiver, share in self._known.items() if share.idle), None)
        if idle is not None:
            del self._known[idle]


class _Share:
    """The requests of one receiver."""

    def __init__(self, most: int) -> None:
        self.slow = False
        self.permits = trio.Semaphore(most, max_value=most)
        self._since: dict[object, float] = {}
        """The time at which each request began (trio's clock), the oldest first."""

    @property
    def idle(self) -> bool:
        return self.permits.value == self.permits.max_value

    def oldest(self) -> float:
        """When the oldest request began; infinite without one."""
        return next(iter(self._since.values()), float("inf"))

    def begin(self) -> object:
        mark = object()
        self._since[mark] = trio.current_time()
        return mark

    def end(self, mark: object, patience_s: float) -> None:
        self.slow = trio.current_time() - self._since.pop(mark) > patience_s
        self.permits.release()
