"""The sockets of a daemon: the edge on each address, and the control socket, from their opening to their end."""

from __future__ import annotations

import socket as sockets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import trio

from evd.daemon import listening, wiring
from evd.daemon.parts import Parts
from evd.daemon.tasks import start
from evd.log.logger import log
from evd.net.server.asgi import AsgiServer
from evd.net.server.connection import EdgeLimits
from evd.net.server.edge import Edge
from evd.net.socket import ServedTls
from evd.sigfox.routes import is_ingest


class Servers:
    """`asgi_server` serves what an edge hands over, and all of the control socket, which is a file at `control`."""

    def __init__(self, parts: Parts, asgi_server: AsgiServer, control: Path) -> None:
        self.certificate: listening.Certificate | None = None
        """The one that new connections are shown."""
        self._parts = parts
        self._asgi_server = asgi_server
        self._control = control
        self._edges: list[Edge] = []
        self._served: list[trio.Event] = []
        self._tls: ServedTls | None = None

    async def listen(self, nursery: trio.Nursery, binds: Sequence[str], passed: Sequence[sockets.socket]) -> list[str]:
        """Serve on the `passed` sockets, else on `binds`, and on the control socket; returns the bound addresses.

        Raises CannotListen, and ConfigError for a certificate that cannot be used.
        """
        self.certificate = listening.server_tls(self._parts.config.server)
        self._tls = ServedTls(self.certificate.context) if self.certificate else None
        if passed:
            log.info("systemd's sockets replace server.bind", sockets=len(passed), unused=list(binds))
            groups = [[trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in passed]]
        else:
            groups = [await listening.listeners(bind) for bind in binds]
        for listeners in groups:
            edge = self._edge()
            self._edges.append(edge)
            self._served.append(start(nursery, edge.serve, listeners, self._tls))
        control = listening.control_listener(self._control)
        if control is not None:
            nursery.start_soon(self._serve_control, control)
        return [listening.shown(one.socket.getsockname()) for listeners in groups for one in listeners]

    def show(self, certificate: listening.Certificate | None) -> bool:
        """Show new connections this certificate, if evd serves TLS; whether it is another one than before."""
        if certificate is None or self.certificate is None or self._tls is None:
            return False
        renewed = certificate.digest != self.certificate.digest
        self.certificate, self._tls.context = certificate, certificate.context
        return renewed

    def use(self, limits: EdgeLimits) -> None:
        """New limits, for each wait that begins from now on."""
        for edge in self._edges:
            edge.limits = limits

    def stop(self) -> None:
        """Take no more connections, and let those that are open end."""
        for edge in self._edges:
            edge.stop()
        self._parts.live.close()  # or its streams would last until the deadline
        self._asgi_server.stop()

    async def stopped(self) -> None:
        """Until the connections of every edge have ended; the caller has the deadline."""
        for served in self._served:
            await served.wait()

    def _edge(self) -> Edge:
        parts = self._parts
        return Edge(
            take=parts.ingest.take,
            is_ingest=is_ingest,
            allow=parts.request_policy.allow,
            admission=parts.admission,
            proxies=parts.admission.proxies,
            counters=parts.counters.edge,
            hand_over=self._asgi_server.hand_over,
            limits=wiring.edge_limits(parts.config),
            log=log,
            attended=parts.writer.linger,
        )

    async def _serve_control(self, listener: trio.SocketListener) -> None:
        try:
            await trio.serve_listeners(partial(self._asgi_server.hand_over, local=True), [listener])
        finally:
            with suppress(OSError):
                self._control.unlink(missing_ok=True)
