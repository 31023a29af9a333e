"""The request policy: whose body is read, and how much of it, by the head of the request alone.

A request without a valid key in its head is answered without reading its body, because the body cannot change the
answer. Only a form may have its key in the body (Sigfox's form callbacks), so the form of an unauthenticated client is
read, within narrower bounds. So is the body of a sign-in, whose password is its proof. A session's cookie counts as a
key does. A picture may be longer, and take longer, than any other body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from evd.auth.api_keys import KeyRing
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead
from evd.request.body import says_form
from evd.sigfox.routes import BATCH, route_of

STRANGERS_CHUNKS_MAX = 1024
"""Chunks of a body without a key in its head. 64 KiB usually come in about 64; many tiny ones cost most."""

SIGN_IN_PATHS = frozenset({"/api/v1/session", "/api/v1/session/link"})
SIGN_IN_BODY_MAX = 4096
"""Bytes: a password of 1,024 bytes in a form has three times as many."""


_IMAGE_PATH = re.compile(r"/api/v1/vehicles/[^/]+/image")


class RequestPolicy:
    """Serves both servers. A body that is read may have `body_max` bytes, a batch `large_body_max`, a picture what
    `image` says.

    `has_session` says whether the headers hold the cookie of a session.
    """

    def __init__(
        self,
        keys: KeyRing,
        has_session: Callable[[Mapping[bytes, bytes]], bool],
        *,
        body_max: int,
        large_body_max: int,
        image: Allowance,
    ) -> None:
        self._keys = keys
        self._has_session = has_session
        self._usual = Allowance(body_max)
        self._image = image
        self._batch = Allowance(large_body_max)
        self._strangers_form = Allowance(body_max, STRANGERS_CHUNKS_MAX, known=False)
        self._sign_in = Allowance(SIGN_IN_BODY_MAX, STRANGERS_CHUNKS_MAX, known=False)
        self._stranger = Allowance(body_max, STRANGERS_CHUNKS_MAX, reads=False, known=False)

    def allow(self, head: RequestHead, peer: str) -> Allowance:
        """The allowance of a request; `peer` is the address that it comes from."""
        route = route_of(head.path)
        usual = self._usual_of(head)
        key = self._keys.knows(head.headers, peer)
        if key is None:
            if b"cookie" in head.headers and self._has_session(head.headers):
                return usual
            if head.path in SIGN_IN_PATHS:
                return self._sign_in
            return self._strangers_form if route is not None and says_form(head.headers) else self._stranger
        return self._batch if route is not None and route.kind == BATCH and key.may(route.roles) else usual

    def allow_local(self, head: RequestHead, peer: str) -> Allowance:
        """The allowance on the control socket: its file permissions replace the key, but a large batch needs one."""
        allowance = self.allow(head, "")
        return allowance if allowance.known else self._usual_of(head)

    def _usual_of(self, head: RequestHead) -> Allowance:
        """What whoever has a key may send there."""
        return self._image if head.method == "PUT" and _IMAGE_PATH.fullmatch(head.path) else self._usual
