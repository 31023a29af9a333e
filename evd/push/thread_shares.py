"""Who may have how many of a pusher's threads: one receiver that is slow must not hold up the others."""

from __future__ import annotations

import trio

from evd.errors import RetryAfter

RETRY_S = 10.0
"""As for FCM: what could not be sent is tried again not sooner."""

KNOWN_MAX = 1024
"""Receivers of which it is remembered whether they are slow."""


class ThreadShares:
    """`threads_max` threads. One receiver has half of them at most, and so have all slow ones together.

    `patience_s` (s): who needs longer is slow, until it answers sooner; `name` is the pusher's, for errors.
    """

    def __init__(self, name: str, *, threads_max: int, patience_s: float) -> None:
        self.name = name
        self.threads = trio.CapacityLimiter(threads_max)
        self.most = max(1, threads_max // 2)
        self.patience_s = patience_s
        self._known: dict[str, ThreadShare] = {}

    @property
    def slow(self) -> int:
        """Slow receivers that have a thread."""
        return sum(share.slow and not share.idle for share in self._known.values())

    def of(self, receiver: str) -> ThreadShare:
        share = self._known.get(receiver)
        if share is None:
            if len(self._known) >= KNOWN_MAX:
                self._forget_one()
            share = self._known[receiver] = ThreadShare(self, receiver)
        return share

    def _forget_one(self) -> None:
        idle = next((receiver for receiver, share in self._known.items() if share.idle), None)
        if idle is not None:
            del self._known[idle]


class ThreadShare:
    """One receiver's: what `trio.to_thread.run_sync` takes as a limiter. A thread that was given up counts, too."""

    def __init__(self, shares: ThreadShares, receiver: str) -> None:
        self.slow = False
        """It is sent one push at a time, and nothing waits for its thread."""
        self._shares = shares
        self._receiver = receiver
        self._own = trio.CapacityLimiter(shares.most)
        self._since: dict[object, float] = {}
        """Since when each send runs (trio's time), the oldest first."""

    @property
    def idle(self) -> bool:
        return not self._own.borrowed_tokens

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Wait for a thread. Raises RetryAfter where the receiver is slow, or is found to be so meanwhile."""
        while True:
            if self._is_held():
                raise RetryAfter(
                    f"{self._shares.name}: {self._receiver} needs more than {self._shares.patience_s:g} s to answer.",
                    RETRY_S,
                )
            with trio.CancelScope(deadline=self._patient_until()):
                await self._own.acquire_on_behalf_of(borrower)
                break
        try:
            await self._shares.threads.acquire_on_behalf_of(borrower)
        except BaseException:
            self._own.release_on_behalf_of(borrower)
            raise
        self._since[borrower] = trio.current_time()

    def release_on_behalf_of(self, borrower: object) -> None:
        self.slow = trio.current_time() - self._since.pop(borrower) > self._shares.patience_s
        self._shares.threads.release_on_behalf_of(borrower)
        self._own.release_on_behalf_of(borrower)

    def _is_held(self) -> bool:
        if self.slow:
            return not self.idle or self._shares.slow >= self._shares.most
        return trio.current_time() >= self._patient_until()

    def _patient_until(self) -> float:
        return next(iter(self._since.values()), float("inf")) + self._shares.patience_s
