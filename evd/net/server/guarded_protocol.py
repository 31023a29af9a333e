"""hypercorn's HTTP/1.1 as a guarded connection needs it: without other protocols, and with an end to wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import h11
import trio
from hypercorn.events import Closed
from hypercorn.protocol.events import Event as StreamEvent
from hypercorn.protocol.events import Response
from hypercorn.protocol.h11 import H11Protocol

from evd.net import sse
from evd.net.addresses import Proxies


class GuardedProtocol(H11Protocol):
    """hypercorn's HTTP/1.1, which never switches to another protocol and can be muted."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.proxies = Proxies()
        """The proxies whose headers determine a request's client."""
        self._socket_peer = self.client
        self._socket_tls = self.ssl
        self.rested = trio.Event()
        """Set while no response is due."""
        self.rested.set()
        self.settled = self.rested
        """Also set while an endless response is sent, for which nothing waits."""
        self._muted = False

    def mute(self) -> bool:
        """Suppress the application's response; False if it has begun, so that no other response may follow."""
        self._muted = True
        return self._may_begin

    @property
    def _may_begin(self) -> bool:
        return self.connection.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def stream_send(self, event: StreamEvent) -> None:
        if self._muted:
            return
        if isinstance(event, Response) and not self._may_begin:
            # hypercorn's 500 for an application that was cut while it sent the head of its response.
            self._muted = True
            await self.send(Closed())
            return
        if isinstance(event, Response) and self.context.terminated.is_set():
            event = replace(event, headers=[*event.headers, (b"connection", b"close")])
        await super().stream_send(event)
        if isinstance(event, Response) and any(_has_no_end(*field) for field in event.headers):
            self.settled.set()

    async def _check_protocol(self, event: h11.Request) -> None:
        """Ignore requests for another protocol: the guard refuses them."""

    async def _create_stream(self, request: h11.Request) -> None:
        self.rested, self.settled = trio.Event(), trio.Event()
        if self._socket_peer is not None:  # what the application finds as `scope["client"]`
            peer, port = self._socket_peer
            headers = dict(request.headers)  # the guard wrote each name once
            self.client = (self.proxies.client(peer, headers), port)
            self.ssl = self._socket_tls or self.proxies.had_tls(peer, headers)  # `scope["scheme"]`
        await super()._create_stream(request)

    async def _close_stream(self) -> None:
        await super()._close_stream()
        self.rested.set()
        self.settled.set()


def _has_no_end(name: bytes, value: bytes) -> bool:
    return name.lower() == b"content-type" and value.startswith(sse.CONTENT_TYPE.encode())
