"""A blocking pusher as one that trio can await: each send in a thread, and never more threads than a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from evd.errors import RetryAfter
from evd.push.protocols import BlockingPusher, Push
from evd.push.thread_shares import RETRY_S, ThreadShares

PATIENCE_S = 2.0
"""A receiver that needs longer is slow. Pushes to it take the dispatcher's places for so long, once in each outage."""


class InThreads:
    """At most `threads_max` sends at once; each ends within `timeout_s` (s), of which it may wait for a thread.

    `name` is the provider's, for errors. `receiver_of` says who gets a push. One receiver has at most half of the
    threads, and one that has needed more than `patience_s` (s) a single one; then nothing waits for it here, but is put
    off.

    A send that is cancelled, or takes longer, is left to its thread: it goes on, its result is dropped, and the thread
    counts among `threads_max` until it ends, so that threads do not pile up behind a provider that hangs.
    """

    def __init__(
        self,
        pusher: BlockingPusher,
        *,
        name: str,
        threads_max: int,
        timeout_s: float,
        receiver_of: Callable[[Push], str],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._pusher = pusher
        self._timeout_s = timeout_s
        self._receiver_of = receiver_of
        self._shares = ThreadShares(name, threads_max=threads_max, patience_s=patience_s)

    async def send(self, push: Push) -> str:
        """See `Pusher.send`; raises what the blocking one raises, and RetryAfter where there was no thread in time."""
        share: Any = self._shares.of(self._receiver_of(push))  # trio takes whatever is like a CapacityLimiter
        with trio.move_on_after(self._timeout_s):
            return await trio.to_thread.run_sync(self._pusher.send, push, limiter=share, abandon_on_cancel=True)
        late = f"{self._shares.name}: push {push.event_id} was not sent within {self._timeout_s:g} s."
        raise RetryAfter(late, RETRY_S)

    async def aclose(self) -> None:
        """Not in a thread: it only closes sockets that nobody uses, and cancelling must not leave them open."""
        self._pusher.close()
        await trio.lowlevel.checkpoint()
