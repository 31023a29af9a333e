"""Who may send a body, and how much of it, judged by the head of a request alone.

A request without a good key in its head is answered without its body: whatever it says, the answer is the same. Only
a form may show its key in the body (Sigfox's form callbacks), so the form of a stranger is read, within closer bounds.
"""

from __future__ import annotations

from evd.auth.api_keys import KeyRing
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead
from evd.request.body import says_form
from evd.sigfox.routes import BATCH, route_of

STRANGERS_CHUNKS_MAX = 1024
"""Of a body without a key in its head; 64 KiB come in some 64 of usual size, and tiny ones cost most of all."""


class RequestPolicy:
    """For both servers. `body_max` bytes may be sent by anyone whose body is read, `large_body_max` by a batch."""

    def __init__(self, keys: KeyRing, *, body_max: int, large_body_max: int) -> None:
        self._keys = keys
        self._usual = Allowance(body_max)
        self._batch = Allowance(large_body_max)
        self._strangers_form = Allowance(body_max, STRANGERS_CHUNKS_MAX, known=False)
        self._stranger = Allowance(body_max, STRANGERS_CHUNKS_MAX, reads=False, known=False)

    def allow(self, head: RequestHead, peer: str) -> Allowance:
        """`peer` is the address that the request comes from."""
        route = route_of(head.path)
        key = self._keys.knows(head.headers, peer)
        if key is None:
            return self._strangers_form if route is not None and says_form(head.headers) else self._stranger
        return self._batch if route is not None and route.kind == BATCH and key.may(route.roles) else self._usual

    def allow_local(self, head: RequestHead, peer: str) -> Allowance:
        """By the control socket, whose permissions are its key; a batch shows one all the same."""
        allowance = self.allow(head, "")
        return allowance if allowance.known else self._usual
