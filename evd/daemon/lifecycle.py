"""The composition root: builds everything, runs it in one nursery, and stops it in order.

Every long task runs in that nursery, so an error in any of them ends the process; systemd starts it again.
"""

from __future__ import annotations

import socket as sockets
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import trio

from evd import VERSION
from evd.api.app import make_app
from evd.api.context import Context, NoTokens
from evd.auth.guess_limit import GuessLimit
from evd.clock import steady_ms
from evd.config.data_dir import DataDirectory
from evd.config.heartbeat import Heartbeat
from evd.config.settings import Config
from evd.daemon import listening
from evd.daemon import wiring as assembly
from evd.daemon.clock_watch import watch_clock
from evd.daemon.file_identity import EVERY_S as FILES_EVERY_S
from evd.daemon.file_identity import FileIdentity
from evd.daemon.host import disk_use
from evd.daemon.loop_lag import LoopLag
from evd.daemon.maintenance import run_maintenance
from evd.errors import StoreBroken, StoreBusy, StoreError, StoreHangs
from evd.ingest.service import Ingest
from evd.log.logger import lines_dropped, log
from evd.model.daemon_state import ConnectionsState, DaemonState, NotReady, ServersState, WriterState
from evd.net.server.asgi import AsgiServer
from evd.net.server.counters import ServerCounters
from evd.net.server.edge import Edge
from evd.payload.codec import IMPLEMENTATION
from evd.payload.formats import Formats
from evd.push import providers
from evd.sigfox.routes import is_ingest
from evd.sigfox_api.backfill.runner import watch
from evd.store.engines import DEFAULT, ENGINES
from evd.store.queries import Queries
from evd.store.writer import Writer

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
        place: DataDirectory,
        config: Config,
        *,
        env: Mapping[str, str],
        outward: bool = True,
        control: Path | None = None,
        engine: str = DEFAULT,
        report: Callable[[str], None] = lambda doing: None,
    ) -> None:
        self.place = place
        self.outward = outward
        self.control = control or place.socket
        """The control socket's path."""
        self.config = config
        self.formats = Formats(config.formats, config.ingest.default_format)
        self.tokens = assembly.token_verifier(config, env) if outward else NoTokens()
        opened = providers.opened(config, env) if outward else []
        self.files = ENGINES[engine].files(place.database)
        self.store = assembly.open_store(ENGINES[engine], place, config, report)
        if outward:
            self.store.preallocate()
        self.directory = assembly.directory(self.store, self.formats)
        self.directory.keys.limit(GuessLimit(steady_ms))
        self.admission = assembly.admission(config)
        self.doorkeeper = assembly.doorkeeper(self.directory, config)
        self.live = assembly.live(config)
        self.writer = Writer(
            self.store,
            queue_rows_max=config.ingest.queue_rows_max,
            queue_bytes_max=config.ingest.queue_bytes_max,
            batch_rows_max=config.ingest.batch_rows_max,
            answer_timeout_s=config.ingest.answer_timeout_s,
        )
        self.clock = assembly.server_clock(place, config)
        self.ingest = Ingest(
            self.writer,
            self.directory,
            self.formats,
            settings=config.sigfox,
            clock=self.clock,
            unzipped_max=config.ingest.body_max_bytes,
        )
        self.unaccompanied = assembly.unaccompanied(self.store, self.writer, self.ingest, config, self.clock)
        self.pushing = assembly.pushing(opened, self.store, self.writer, config) if opened else None
        self.stopped = assembly.stopped_pushes(self.pushing, config)
        self.alerter = assembly.alerter(place, self.store, self.writer, config, self.clock) if outward else None
        self.writer.observers += assembly.observers(self.directory, self.live, self.pushing, self.alerter)
        self._certificate_ends_s: float | None = None
        self.alarms = assembly.alarm_watch(place, config, self.state) if outward else None
        self.lag = LoopLag()
        self.edges: list[Edge] = []
        self.counters = ServerCounters()
        self.stopping = False
        self._close_error: StoreError | None = None

    def state(self) -> DaemonState:
        """How the daemon is, for /readyz, statistics, metrics and alarms."""
        stall = self.writer.stalled
        return DaemonState(
            version=VERSION,
            codec=IMPLEMENTATION,
            running=self.outward,
            not_ready=self._not_ready(),
            ingest=dict(self.ingest.outcomes),
            unexplained=self.ingest.findings.state(),
            writer=WriterState(
                waiting=self.writer.waiting,
                commits=self.writer.commits,
                committed=self.writer.committed,
                stalled=stall.detail if stall.reason else "",
            ),
            connections=ConnectionsState(
                open=self.admission.open,
                strangers=self.admission.strangers,
                gave_way=self.admission.gave_way,
                turned_away=self.admission.turned_away,
                let_go=self.admission.let_go,
                crowded_by=self.admission.crowded_by,
                streams=self.live.streams,
            ),
            servers=ServersState(
                **asdict(self.counters.edge),
                web_refused=self.counters.web.refused,
                web_failed=self.counters.web.failed,
            ),
            push=self.pushing.state() if self.pushing else None,
            stopped=self.stopped.found,
            events=self.alerter.state() if self.alerter else None,
            disk=disk_use(self.place.directory, self.files, full=self.writer.disk_full),
            loop=self.lag.state(),
            clock_behind_s=self.clock.behind_ms / 1000,
            log_lines_dropped=lines_dropped(),
            certificate_ends_s=self._certificate_ends_s,
            alarms=self.alarms.standing if self.alarms else [],
        )

    def _not_ready(self) -> NotReady | None:
        if not self.outward:
            return NotReady.NOT_RUNNING
        if self.stopping:
            return NotReady.STOPPING
        return NotReady.DISK_FULL if self.writer.disk_full else self.writer.stalled.reason

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
        async with self.store.queries(lambda: self.writer.commits) as queries:
            try:
                door = AsgiServer(
                    make_app(self._context(queries)),
                    limits=assembly.asgi_limits(self.config),
                    log=log,
                    allow=self.doorkeeper.allow,
                    allow_local=self.doorkeeper.allow_local,
                    admission=self.admission,
                    proxies=self.admission.proxies,
                    counters=self.counters.web,
                )
                async with trio.open_nursery() as nursery:
                    await nursery.start(door.run)
                    writing = _start(nursery, self.writer.run)
                    nursery.start_soon(self.ingest.run)
                    nursery.start_soon(self.lag.run)
                    addresses, serving = await self._listen(nursery, door, binds, passed)
                    pushing = trio.CancelScope()
                    if self.pushing:
                        nursery.start_soon(_within, pushing, self.pushing.run)
                    ready(addresses)
                    nursery.start_soon(self._check_file)
                    if addresses:
                        nursery.start_soon(self._watch_files, FileIdentity([*self.files.values(), self.place.lock]))
                        nursery.start_soon(self._watch_outages)
                        nursery.start_soon(self._run_maintenance, queries)
                        nursery.start_soon(self.unaccompanied.run)
                        nursery.start_soon(self.stopped.run, queries)
                        nursery.start_soon(self._watch_clock, queries)
                    if self.alerter:
                        nursery.start_soon(self.alerter.run)
                    if self.alarms:
                        nursery.start_soon(self.alarms.run)
                    await until()
                    await self._stop(door, serving, pushing, writing)
                    nursery.cancel_scope.cancel()
            finally:
                if self.pushing:
                    with trio.move_on_after(1, shield=True):
                        await self.pushing.aclose()

    def close(self) -> None:
        """To be called after `run`, also if that raised. Raises StoreHangs."""
        if self.writer.hangs:
            return  # a thread inside SQLite waits for the disk
        if self.alerter:
            self.alerter.close()
        closing = threading.Thread(target=self._close_store, daemon=True)
        closing.start()
        closing.join(CLOSING_ENDS_S)
        if closing.is_alive() or self._close_error is not None:
            raise self._close_error or StoreHangs(
                f"the disk of {self.place.database} does not answer: check it and the system's log"
            )

    def _close_store(self) -> None:
        try:
            self.store.close()
        except StoreError as error:
            self._close_error = error

    async def _watch_files(self, files: FileIdentity) -> None:
        while True:
            await trio.to_thread.run_sync(files.check, abandon_on_cancel=True)
            await trio.sleep(FILES_EVERY_S)

    async def _watch_outages(self) -> None:
        alive = Heartbeat(self.place.directory / "alive")
        await watch(alive, self.config.sigfox, self.ingest.accept_document, self._is_ready, clock=self.clock)

    def _is_ready(self) -> bool:
        return self._not_ready() is None

    async def _watch_clock(self, queries: Queries) -> None:
        await watch_clock(self.clock, self.ingest, self.writer, queries)

    async def _run_maintenance(self, queries: Queries) -> None:
        days = self.config.push.forget_after_days
        await run_maintenance(self.writer, queries.heard_after, forget_after_days=days, clock=self.clock)

    async def _listen(
        self, nursery: trio.Nursery, door: AsgiServer, binds: Sequence[str], passed: Sequence[sockets.socket]
    ) -> tuple[list[str], list[trio.Event]]:
        addresses, serving = [], []
        if passed:
            log.info("systemd's sockets replace server.bind", sockets=len(passed), unused=list(binds))
            groups = [[trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in passed]]
        else:
            groups = [await listening.listeners(bind) for bind in binds]
        tls = self._tls()
        for listeners in groups:
            edge = Edge(
                take=self.ingest.take,
                is_ingest=is_ingest,
                allow=self.doorkeeper.allow,
                admission=self.admission,
                proxies=self.admission.proxies,
                counters=self.counters.edge,
                hand_over=door.hand_over,
                limits=assembly.edge_limits(self.config),
                log=log,
                attended=self.writer.linger,
            )
            self.edges.append(edge)
            serving.append(_start(nursery, edge.serve, listeners, tls))
            addresses += [listening.shown(listener.socket.getsockname()) for listener in listeners]
        control = listening.control_listener(self.control)
        if control is not None:
            nursery.start_soon(self._control, door, control)
        return addresses, serving

    def _tls(self) -> ssl.SSLContext | None:
        context, self._certificate_ends_s = listening.server_tls(self.config.server) or (None, None)
        return context

    async def _control(self, door: AsgiServer, listener: trio.SocketListener) -> None:
        try:
            await trio.serve_listeners(partial(door.hand_over, local=True), [listener])
        finally:
            with suppress(OSError):
                self.control.unlink(missing_ok=True)

    async def _stop(
        self, door: AsgiServer, serving: list[trio.Event], pushing: trio.CancelScope, writing: trio.Event
    ) -> None:
        """Stop the edge first, then the pushes in flight, then the writer: each when nothing can reach it any more."""
        self.stopping = True
        log.info("stopping", waiting=self.writer.waiting)
        for edge in self.edges:
            edge.stop()
        self.live.close()
        door.stop()
        with trio.move_on_after(self.config.server.drain_timeout_s + 1):
            for served in serving:
                await served.wait()
        if self.pushing:
            with trio.move_on_after(PUSHES_FINISH_S):
                await self.pushing.finish()
        pushing.cancel()
        self.writer.close()
        with trio.move_on_after(WRITING_ENDS_S) as written:
            await writing.wait()
        if written.cancelled_caught:
            raise StoreHangs(
                f"{self.place.database} does not take the last commit: check its disk, and whether another process "
                "writes to it"
            )

    async def _check_file(self) -> None:
        """Check the database for damage, once, in the background: a large file takes longer than a start may."""
        try:
            found = await trio.to_thread.run_sync(self.store.find_damage, abandon_on_cancel=True)
        except StoreBusy:
            return  # another process holds the database; the next start checks again
        if found:
            log.error("the database is damaged", path=str(self.place.database), found=found[:5])
            raise StoreBroken(f"{self.place.database} is damaged ({found[0]}): restore a backup")

    def _context(self, queries: Queries) -> Context:
        return Context(
            config=self.config,
            writer=self.writer,
            directory=self.directory,
            formats=self.formats,
            ingest=self.ingest,
            queries=queries,
            live=self.live,
            ranges=assembly.ranges(self.config),
            lists=assembly.lists(self.config),
            pushes=self.pushing,
            tokens=self.tokens,
            clock=self.clock,
            state=self.state,
        )


def _start(nursery: trio.Nursery, task: Callable[..., Awaitable[None]], *args: Any) -> trio.Event:
    """Start a task; the event is set when it has ended."""
    ended = trio.Event()

    async def watched() -> None:
        try:
            await task(*args)
        finally:
            ended.set()

    nursery.start_soon(watched)
    return ended


async def _within(scope: trio.CancelScope, task: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await task()
