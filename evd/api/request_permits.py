"""What a request holds until its answer is sent or its client is gone; and answers that break off."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, cast

import trio
from quart import request
from quart_trio.asgi import TrioASGIHTTPConnection

from evd.concurrency.current_requester import current_requester
from evd.concurrency.fair_queue import FairQueue
from evd.errors import RequestError, Unavailable
from evd.log.logger import log

WAIT_S = 5.0
"""How long to wait for a permit: as long as for an answer of the database."""


async def hold_permit(permits: FairQueue[int], what: str) -> None:
    """Hold one of the permits until the answer to this request is sent. Raises Unavailable if none becomes free."""
    held = cast(ExitStack, cast(Any, request).held)
    who = current_requester.get()
    with trio.move_on_after(WAIT_S):
        permit = await permits.take(who)
        held.callback(permits.give_back, who, permit)
        return
    raise Unavailable(f"{what}: send the request again later", retry_after_s=5)


class HoldingConnection(TrioASGIHTTPConnection):
    """quart's connection, with requests that hold permits (`held`), and answers that may fail after their start."""

    async def handle_request(  # type: ignore[override]
        self, nursery: trio.Nursery, request: Any, send: Any
    ) -> None:
        try:
            with ExitStack() as request.held:
                await super().handle_request(nursery, request, send)
        finally:
            # Its traceback refers to the request, which refers to it: only the cyclic collector would free them.
            request.routing_exception = None

    async def _send_response(self, send: Any, response: Any) -> None:
        """An answer that fails ends without its last chunk, and with its connection: so it does not seem complete."""
        try:
            await super()._send_response(send, response)
        except RequestError as error:
            log.warning("an answer broke off", reason=str(error))
