"""How long a guarded connection waits for the next bytes of its client, and the refusal if they do not come."""

from __future__ import annotations

from math import inf

import trio

from evd.errors import RequestError
from evd.net.server.connection import CROWDED
from evd.net.server.http1 import BODY_LATE, HEAD_LATE
from evd.net.server.http1_guard import RequestGuard

RECEIVE_MAX = 16 * 1024
"""Bytes taken from a connection at once, before others have their turn; as `evd.net.server.connection` has it."""


class ReadDeadline:
    """Counts from the beginning of a head or a body; a connection between requests has none, for hypercorn's idle
    timer closes it. The deadline may be changed while bytes are waited for.
    """

    def __init__(self, *, head_s: float, body_s: float) -> None:
        self._head_s = head_s
        self._body_s = body_s
        self._at = trio.current_time() + head_s  # a fresh connection has something to say
        self._part = (0, False, False)
        """What is waited for: which request, and whether its head or its body has begun."""
        self._waiting = trio.CancelScope()
        self._crowded = False

    async def receive(self, stream: trio.abc.ReceiveStream) -> bytes | None:
        """The next bytes, b"" at the end; None if they are late. Raises BrokenResourceError, ClosedResourceError."""
        with trio.CancelScope(deadline=self._at) as self._waiting:
            return bytes(await stream.receive_some(RECEIVE_MAX))
        return None

    def refusal(self, *, in_body: bool) -> RequestError:
        """Of a request whose rest is late."""
        if self._crowded:
            return CROWDED
        return BODY_LATE if in_body else HEAD_LATE

    def follow(self, guard: RequestGuard) -> bool:
        """Begin anew if another head or body has begun or ended; False if it has not."""
        part = (guard.heads, guard.in_head, guard.in_body)
        if part == self._part:
            return False
        self._part = part
        body_s = self._body_s if guard.body_s is None else guard.body_s
        wait_s = self._head_s if guard.in_head else body_s if guard.in_body else inf
        self._at = trio.current_time() + wait_s
        return True

    def restart(self, within_s: float) -> None:
        """Wait for so long from now, whatever comes."""
        self._at = self._waiting.deadline = trio.current_time() + within_s

    def crowd_out(self) -> None:
        """Wait no longer: the bytes of the request are needed for others."""
        self._crowded = True
        self._at = -inf
        self._waiting.cancel()
