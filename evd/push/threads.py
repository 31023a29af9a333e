"""A blocking pusher as one that trio can await: each send in a thread, and never more threads than a bound."""

from __future__ import annotations

from collections.abc import Callable

import trio

from evd.errors import RetryAfter
from evd.push import BlockingPusher, Push, TargetKind

RETRY_S = 10.0
"""A push that found no thread in time, or whose thread did not end, is tried again not sooner."""


class InThreads:
    """At most `threads_max` sends at once; each ends within `timeout_s` (s), of which it may wait for a thread.

    `receiver_of` says who gets a push. One receiver has at most half of the threads, so that one that hangs does not
    hold up the others.

    A send that is cancelled, or takes longer, is left to its thread: it goes on, its result is dropped, and the thread
    counts among `threads_max` until it ends, so that threads do not pile up behind a provider that hangs.
    """

    def __init__(
        self, pusher: BlockingPusher, *, threads_max: int, timeout_s: float, receiver_of: Callable[[Push], str]
    ) -> None:
        self.name: str = pusher.name
        self.serves: frozenset[TargetKind] = pusher.serves
        self._pusher = pusher
        self._timeout_s = timeout_s
        self._receiver_of = receiver_of
        self._threads = trio.CapacityLimiter(threads_max)
        self._share = max(1, threads_max // 2)
        self._shares: dict[str, trio.Semaphore] = {}  # of the receivers that are being sent to

    async def send(self, push: Push) -> str:
        """See `Pusher.send`; raises what the blocking one raises, and RetryAfter after `timeout_s`."""
        receiver = self._receiver_of(push)
        share = self._shares.setdefault(receiver, trio.Semaphore(self._share))
        try:
            with trio.move_on_after(self._timeout_s):
                async with share:
                    return await trio.to_thread.run_sync(
                        self._pusher.send, push, limiter=self._threads, abandon_on_cancel=True
                    )
        finally:
            if share.value == self._share and not share.statistics().tasks_waiting:
                self._shares.pop(receiver, None)
        raise RetryAfter(f"{self.name}: push {push.event_id} was not sent within {self._timeout_s:g} s.", RETRY_S)

    async def aclose(self) -> None:
        """Not in a thread: it only closes sockets that nobody uses, and cancelling must not leave them open."""
        self._pusher.close()
        await trio.lowlevel.checkpoint()
