"""How many requests each receiver of webhooks may have at once: one that is slow must not hold up the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from evd.errors import RetryAfter

RETRY_S = 10.0
"""As for FCM: what could not be sent is tried again not sooner."""

PATIENCE_S = 2.0
"""A receiver that needs longer is slow. Pushes to it take the dispatcher's places for so long, once in each outage."""

KNOWN_MAX = 1024
"""Receivers of which it is remembered whether they are slow."""


class ReceiverShares:
    """`requests_max` requests at once. One receiver has half of them at most, and so have all slow ones together.

    A receiver that has needed more than `patience_s` (s) is slow until it answers sooner: it has one request at a time,
    and nothing waits for it here, but is put off.
    """

    def __init__(self, requests_max: int, *, patience_s: float = PATIENCE_S) -> None:
        self._all = trio.Semaphore(requests_max, max_value=requests_max)
        self._most = max(1, requests_max // 2)
        self._patience_s = patience_s
        self._known: dict[str, _Share] = {}

    @asynccontextmanager
    async def request(self, receiver: str, wait_s: float) -> AsyncIterator[None]:
        """The place of one request, from here to the end of its answer.

        Raises RetryAfter where the receiver is slow, or is found to be so meanwhile, or where there is no place within
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
                await share.places.acquire()
                break
        try:
            await self._all.acquire()
        except BaseException:
            share.places.release()
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
    """One receiver's."""

    def __init__(self, most: int) -> None:
        self.slow = False
        self.places = trio.Semaphore(most, max_value=most)
        self._since: dict[object, float] = {}
        """Since when each request runs (trio's time), the oldest first."""

    @property
    def idle(self) -> bool:
        return self.places.value == self.places.max_value

    def oldest(self) -> float:
        """When the oldest request began; infinite without one."""
        return next(iter(self._since.values()), float("inf"))

    def begin(self) -> object:
        mark = object()
        self._since[mark] = trio.current_time()
        return mark

    def end(self, mark: object, patience_s: float) -> None:
        self.slow = trio.current_time() - self._since.pop(mark) > patience_s
        self.places.release()
