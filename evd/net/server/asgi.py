"""Run the web application: its lifespan, and the connections handed over to it, each behind the guard.

Connections come from the edge or from the control socket, already accepted; nothing listens here.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState

from evd.errors import Unavailable, error_kinds
from evd.net.addresses import Proxies
from evd.net.server.admission import Admission
from evd.net.server.counters import AsgiCounters
from evd.net.server.guarded_connection import Allow, AsgiLimits, ConnectionPolicy, GuardedConnection, Refusal
from evd.net.server.http1 import error_reply, render
from evd.net.server.http1_body import Allowance

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

__all__ = ["AsgiLimits", "AsgiServer"]

STOPPED = Unavailable("The server is being stopped; send the request again later.", retry_after_s=5)


class AsgiServer:
    """Runs an ASGI application once (`run`) and serves connections with it (`hand_over`) until `stop`."""

    def __init__(
        self,
        app: ASGIFramework,
        *,
        limits: AsgiLimits,
        log: FilteringBoundLogger,
        allow: Allow | None = None,
        allow_local: Allow | None = None,
        refusal: Refusal = lambda error, path: error_reply(error),
        admission: Admission | None = None,
        proxies: Proxies | None = None,
        counters: AsgiCounters | None = None,
    ) -> None:
        """The application's `scope["client"]` is the peer's address, or if the peer is one of `proxies`, the address
        that it names.
        """
        self.counters = counters or AsgiCounters()
        self._app = ASGIWrapper(app)
        allow = allow or (lambda head, client: Allowance(limits.body_max))
        policy = ConnectionPolicy(limits, allow, refusal, admission, proxies or Proxies())
        self._policies = {False: policy, True: replace(policy, allow=allow_local or allow)}
        """By whether a connection is a local one."""
        self._log = log
        self._config = _config(limits, log)
        self._context = WorkerContext(None)
        self._state: dict[str, Any] = {}
        self._stopping = trio.Event()
        self._cut_at = inf
        self._open: set[GuardedConnection] = set()
        self._empty = trio.Event()
        self._running = False

    @property
    def open(self) -> int:
        return len(self._open)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the application's lifespan, from start-up to shutdown, which follows `stop` and the last connection.

        Raises (in a group) LifespanFailureError or LifespanTimeoutError if the application does not start.
        """
        lifespan = Lifespan(self._app, self._config, self._state)
        async with trio.open_nursery() as nursery:
            await nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            self._running = True
            task_status.started()
            await self._stopping.wait()
            await self._context.terminated.set()
            if self._open:
                await self._empty.wait()  # which comes, for every connection is cut by then
            self._running = False
            await lifespan.wait_for_shutdown()
            nursery.cancel_scope.cancel()

    def use(self, limits: AsgiLimits) -> None:
        """New limits, for connections that are handed over from now on."""
        self._policies = {local: replace(policy, limits=limits) for local, policy in self._policies.items()}
        self._config = _config(limits, self._log)

    def stop(self) -> None:
        """Close idle connections, let requests in progress finish, and close the others after `drain_s`."""
        self._cut_at = trio.current_time() + self._policies[False].limits.drain_s
        for connection in self._open:
            connection.cut_at(self._cut_at)
        self._stopping.set()

    async def hand_over(self, stream: trio.abc.HalfCloseableStream, *, local: bool = False) -> None:
        """Serve a connection to its end and close it; never raises its errors.

        `stream` has a `socket`, as trio.SocketStream (TCP or unix) has, and may have `tls` and `permit`, as the edge's
        ReplayStream has. The application finds `local` as `scope["state"]["local"]`.
        """
        if not self._running:
            await self._turn_away(stream)
            return
        state = ConnectionState({**self._state, "local": local})
        connection = GuardedConnection(self._app, self._config, self._context, state, stream, self._policies[local])
        connection.cut_at(self._cut_at)
        self._open.add(connection)
        try:
            await connection.run()
        except* Exception as group:
            self.counters.failed += 1
            self._log.error("asgi.connection_failed", errors=error_kinds(group))
        finally:
            self.counters.refused += connection.refused
            self._open.discard(connection)
            connection.dissolve()
            if not self._open and self._stopping.is_set():
                self._empty.set()

    async def _turn_away(self, stream: trio.abc.HalfCloseableStream) -> None:
        with trio.move_on_after(self._policies[False].limits.write_s), suppress(trio.BrokenResourceError):
            await stream.send_all(render(error_reply(STOPPED), keep_alive=False))
        await trio.aclose_forcefully(stream)


class _HypercornLog(Logger):
    """hypercorn's log lines as evd's; of an exception only the type, because its text may quote a request."""

    def __init__(self, config: Config, log: FilteringBoundLogger) -> None:
        super().__init__(config)
        self._log = log

    async def warning(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log.warning("asgi.hypercorn", message=message)

    async def error(self, message: str, *args: Any, **kwargs: Any) -> None:
        self._log.error("asgi.hypercorn", message=message)

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        kind = sys.exc_info()[0]
        self._log.error("asgi.hypercorn", message=message, error=kind.__name__ if kind else "")


def _config(limits: AsgiLimits, log: FilteringBoundLogger) -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = None
    config.logger_class = cast(type[Logger], partial(_HypercornLog, log=log))
    config.include_server_header = False
    config.include_date_header = False
    config.keep_alive_timeout = limits.idle_s
    config.h11_max_incomplete_size = limits.head_max  # h11 only gets complete heads, which are smaller
    config.shutdown_timeout = limits.drain_s
    return config
