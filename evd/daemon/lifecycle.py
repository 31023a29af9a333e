"""A daemon from its building to its end: its parts run in one nursery, and stop in order.

Every long task runs in that nursery, so an error in any of them ends the process; systemd starts it again.
"""

from __future__ import annotations

import socket as sockets
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import trio
from quart_trio import QuartTrio

from evd.api.app import make_app, use_settings
from evd.api.context import Context
from evd.api.replies import refusal
from evd.auth.password_guesses import PasswordGuesses
from evd.auth.passwords import Passwords
from evd.clock import steady_ms
from evd.config.data_dir import DataDirectory
from evd.config.in_force import SettingsInForce
from evd.config.loading import NO_ORIGINS, Loaded, Origin
from evd.config.settings import Config
from evd.daemon import wiring
from evd.daemon.background import start_background
from evd.daemon.history_task import keep_history
from evd.daemon.parts import build
from evd.daemon.reload import Reloader, Running
from evd.daemon.servers import Servers
from evd.daemon.state_reporter import StateReporter
from evd.daemon.tasks import start, start_within
from evd.errors import ConfigError, StoreError, StoreHangs
from evd.log.logger import log
from evd.model.daemon_state import DaemonState, Reloaded
from evd.model.self_history import SelfHistory
from evd.net.server.asgi import AsgiServer
from evd.store.engines import DEFAULT
from evd.store.queries import Queries

PUSHES_FINISH_S = 2.0
"""At the end: how long to wait for FCM's answers; what is still open is sent again at the next start."""

WRITING_ENDS_S = 4.0
"""At the end: how long to wait until all that was accepted is on disk. A hung disk must not keep the process alive."""

CLOSING_ENDS_S = 6.0
"""For the last checkpoint and to close the database. With all that comes before: 21 s; systemd waits for 25."""


class Daemon:
    """All parts of one data directory, built but not started; with `outward` false no part connects to other systems.

    `engine` is a name in `evd.store.engines.ENGINES`.

    Raises EvdError for a refused setting or database.
    """

    def __init__(
        self,
        data_dir: DataDirectory,
        config: Config,
        *,
        env: Mapping[str, str],
        outward: bool = True,
        control: Path | None = None,
        engine: str = DEFAULT,
        report: Callable[[str], None] = lambda doing: None,
        dev: bool = False,
        demo: bool = False,
        read: Callable[[], Loaded] | None = None,
        origins: Mapping[str, Origin] = NO_ORIGINS,
    ) -> None:
        """`read` gives the settings anew, for a reload; `demo`: the console says that all is simulated.

        `origins`: where those of `config` come from that do not have their built-in value.
        """
        self.parts = build(data_dir, config, env=env, outward=outward, engine=engine, report=report, dev=dev)
        self.control = control or data_dir.socket
        """The control socket's path."""
        self._reporter = StateReporter(self.parts)
        self._read = read
        self._demo = demo
        self._in_force = SettingsInForce(config, origins)
        self._history = SelfHistory(config.web.history_hours)
        self._reloader: Reloader | None = None

    def state(self) -> DaemonState:
        """How the daemon is, for /readyz, statistics, metrics and alarms."""
        return self._reporter.state()

    async def reload(self) -> Reloaded:
        """Take renewed certificates and the settings that may change. Raises EvdError: then nothing has changed."""
        if self._reloader is None:
            raise ConfigError("this evd runs for one command only, or starts: there is nothing to reload")
        return await self._reloader.reload()

    async def run(
        self,
        binds: Sequence[str],
        *,
        passed: Sequence[sockets.socket] = (),
        until: Callable[[], Awaitable[None]],
        ready: Callable[[list[str]], None] = lambda addresses: None,
    ) -> None:
        """Serve on the `passed` sockets, else on `binds`, and the control socket, until `until` returns; stop in order.

        `ready` is called with the bound addresses once callbacks are taken. Raises the error of a long task.
        """
        parts = self.parts
        async with parts.store.queries(lambda: parts.writer.health.commits) as queries:
            try:
                context = self._context(queries)
                app = make_app(context)
                asgi_server = self._asgi_server(app)
                servers = Servers(parts, asgi_server, self.control)
                async with trio.open_nursery() as nursery:
                    await nursery.start(asgi_server.run)
                    writing = start(nursery, parts.writer.run)
                    nursery.start_soon(parts.ingest.run)
                    nursery.start_soon(parts.lag.run)
                    addresses = await servers.listen(nursery, binds, passed)
                    self._reporter.certificate_ends_s = lambda: (
                        servers.certificate.ends_s if servers.certificate else None
                    )
                    if self._read is not None:
                        answer_by = partial(use_settings, app, context)
                        running = Running(parts, servers, asgi_server, self._reporter.alarms, answer_by, self._in_force)
                        self._reloader = Reloader(running, self._read)
                    pushing = start_within(nursery, parts.pushing.run) if parts.pushing else trio.CancelScope()
                    ready(addresses)
                    start_background(nursery, parts, self._reporter, queries, serving=bool(addresses))
                    if addresses:
                        nursery.start_soon(keep_history, self._history, parts, self._reporter)
                    await until()
                    await self._stop(servers, pushing, writing)
                    nursery.cancel_scope.cancel()
            finally:
                if parts.pushing:
                    with trio.move_on_after(1, shield=True):
                        await parts.pushing.aclose()

    def close(self) -> None:
        """To be called after `run`, also if that raised. Raises StoreHangs."""
        if self.parts.writer.health.hangs:
            return  # a thread inside SQLite waits for the disk
        if self.parts.events:
            self.parts.events.close()
        failed: list[StoreError] = []

        def close_store() -> None:
            try:
                self.parts.store.close()
            except StoreError as error:
                failed.append(error)

        closing = threading.Thread(target=close_store, daemon=True)
        closing.start()
        closing.join(CLOSING_ENDS_S)
        if failed:
            raise failed[0]
        if closing.is_alive():
            raise StoreHangs(
                f"the disk of {self.parts.data_dir.database} does not answer: check it and the system's log"
            )

    async def _stop(self, servers: Servers, pushing: trio.CancelScope, writing: trio.Event) -> None:
        """Stop the edge first, then the pushes in flight, then the writer: each when nothing can reach it any more."""
        parts = self.parts
        self._reporter.stopping = True
        log.info("stopping", waiting=parts.writer.waiting)
        servers.stop()
        with trio.move_on_after(parts.config.server.drain_timeout_s + 1):
            await servers.stopped()
        if parts.pushing:
            with trio.move_on_after(PUSHES_FINISH_S):
                await parts.pushing.finish()
        pushing.cancel()
        parts.writer.close()
        with trio.move_on_after(WRITING_ENDS_S) as written:
            await writing.wait()
        if written.cancelled_caught:
            raise StoreHangs(
                f"{parts.data_dir.database} does not take the last commit: check its disk, and whether another process "
                "writes to it"
            )

    def _asgi_server(self, app: QuartTrio) -> AsgiServer:
        parts = self.parts
        return AsgiServer(
            app,
            limits=wiring.asgi_limits(parts.config),
            log=log,
            allow=parts.request_policy.allow,
            allow_local=parts.request_policy.allow_local,
            refusal=refusal,
            admission=parts.admission,
            proxies=parts.admission.proxies,
            counters=parts.counters.web,
        )

    def _context(self, queries: Queries) -> Context:
        parts = self.parts
        return Context(
            config=parts.config,
            writer=parts.writer,
            directory=parts.directory,
            formats=parts.formats,
            ingest=parts.ingest,
            queries=queries,
            live=parts.live,
            places=parts.places,
            images=parts.images,
            ranges=wiring.ranges(parts.config),
            lists=wiring.lists(parts.config),
            pushes=parts.pushing,
            identities=parts.identities,
            passwords=Passwords(parts.config.auth.password_checks_max),
            guesses=PasswordGuesses(steady_ms),
            tokens=parts.tokens,
            clock=parts.clock,
            state=self.state,
            reload=self.reload,
            demo=self._demo,
            in_force=self._in_force,
            history=self._history,
        )
