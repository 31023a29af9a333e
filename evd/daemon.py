"""The composition root: builds everything, runs it in one nursery, and stops it in order.

Whatever runs for long is a task of that nursery, so a crash of any of them ends the process; systemd starts it again.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket as sockets
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import trio
import trio_asyncio

from evd import VERSION, assembly, commits, inherited
from evd.alive import Alive
from evd.api.app import make_app
from evd.api.context import Context, NoTokens
from evd.api.door import Door
from evd.backfiller import watch
from evd.clock import steady_ms
from evd.clock_watch import watch_clock
from evd.codec import IMPLEMENTATION
from evd.config import Config
from evd.edge import Edge
from evd.errors import CannotListen, ConfigError, StoreBroken, StoreBusy, StoreError, StoreHangs
from evd.formats import Formats
from evd.guesses import Guesses
from evd.housekeeping import keep_house
from evd.ingest import Ingest
from evd.last_words import FaultFile, of_the_one_before
from evd.log import lines_dropped, log
from evd.loop_lag import LoopLag
from evd.place import FIRST_KEYS, SOCKET_PATH_MAX, Lock, Place, lock_in_turn
from evd.push_questions import heard_after
from evd.queries import Queries
from evd.routes import is_ingest
from evd.same_files import EVERY_S as FILES_EVERY_S
from evd.same_files import SameFiles
from evd.service_manager import ServiceManager
from evd.starting import Starting
from evd.store import Operation
from evd.surroundings import certificate_end, disk_use
from evd.wire import tls_context
from evd.writer import Writer

BACKLOG = 1024
"""Connections the kernel holds until they are accepted: a burst of Sigfox's."""

GC_THRESHOLD = 20_000
"""Container objects between two looks for cycles: about a thousand callbacks, which leave none."""

PUSHES_FINISH_S = 2.0
"""At the end, what FCM was asked is waited for so long; whatever is still open is sent again at the next start."""

WRITING_ENDS_S = 4.0
"""At the end, what was accepted is to be on disk by then: a disk that hangs must not keep the process alive."""

CLOSING_ENDS_S = 6.0
"""To copy the log into the database, and to let go of it. With all that comes before: 21 s, systemd waits for 25."""

WATCHDOG_EVERY_S = 1.0


class Daemon:
    """Everything of one directory, built but not started; with `outward` false nothing of it needs Google.

    Raises EvdError for a refused setting or database.
    """

    def __init__(
        self,
        place: Place,
        config: Config,
        *,
        env: Mapping[str, str],
        outward: bool = True,
        control: Path | None = None,
        tell: Callable[[str], None] = lambda doing: None,
    ) -> None:
        self.place = place
        self.outward = outward
        self.control = control or place.socket
        """Where commands reach it."""
        self.config = config
        self.formats = Formats(config.formats, config.ingest.default_format)
        self.tokens = assembly.token_verifier(config, env) if outward else NoTokens()
        pushers = assembly.pushers(config, env) if outward else []
        self.store = assembly.open_store(place, config, tell)
        if outward:
            self.store.lengthen_log()
        self.directory = assembly.directory(self.store, self.formats)
        self.directory.keys.limit(Guesses(steady_ms), assembly.proxies(config))
        self.admission = assembly.admission(config)
        self.doorkeeper = assembly.doorkeeper(self.directory, config)
        self.live = assembly.live(config)
        self.writer = Writer(
            self.store,
            queue_rows_max=config.ingest.queue_rows_max,
            queue_bytes_max=config.ingest.queue_bytes_max,
            batch_rows_max=config.ingest.batch_rows_max,
            answer_timeout_s=config.ingest.answer_timeout_s,
            on_commit=self._committed,
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
        self.pushing = assembly.pushing(pushers, self.store, self.writer, config) if pushers else None
        self.stopped = assembly.stopped_pushes(self.pushing, config)
        self.alerter = assembly.alerter(place, self.writer, config, self.clock) if outward else None
        self.limits = assembly.edge_limits(config)
        self._certificate_ends_s: float | None = None
        self.alarms = assembly.alarm_watch(place, config, self.state) if outward else None
        self.lag = LoopLag()
        self.edges: list[Edge] = []
        self.stopping = False
        self._close_error: StoreError | None = None

    def _committed(self, operations: Sequence[Operation], results: Sequence[Any]) -> None:
        self.directory.committed(operations, results)
        self.live.committed(operations, results)
        commit = commits.read(operations, results)
        if self.pushing:
            self.pushing.committed(commit)
        if self.alerter:
            self.alerter.offer(commit.newest)
            if len(commit.newest) < len(operations):
                self.alerter.follow(operations)

    def state(self) -> dict[str, Any]:
        """How the daemon is, for /readyz and statistics."""
        stall = self.writer.stalled
        full = "the disk is full" if self.writer.disk_full else ""
        reason = "stopping" if self.stopping else full or stall.reason
        if not self.outward:
            reason = "evd does not run"  # but for the one command that asks
        return {
            "running": self.outward,
            "ready": not reason,
            "reason": reason,
            "version": VERSION,
            "codec": IMPLEMENTATION,
            "ingest": dict(self.ingest.outcomes),
            "unexplained": self.ingest.findings.state(),
            "writer": {
                "waiting": self.writer.waiting,
                "commits": self.writer.commits,
                "committed": self.writer.committed,
                "stalled": stall.detail if stall.reason else "",
            },
            "connections": {**self.admission.state(), "streams": self.live.streams},
            "push": {**(self.pushing.state() if self.pushing else {"enabled": False}), "stopped": self.stopped.found},
            "events": self.alerter.state() if self.alerter else {},
            "disk": {**disk_use(self.place), "full": self.writer.disk_full},
            "loop": self.lag.state(),
            "clock": {"behind_s": self.clock.behind_ms / 1000},
            "log": {"lines_dropped": lines_dropped()},
            "certificate_ends_s": self._certificate_ends_s,
            "alarms": self.alarms.standing if self.alarms else [],
        }

    async def run(
        self,
        binds: Sequence[str],
        *,
        passed: Sequence[sockets.socket] = (),
        until: Callable[[], Awaitable[None]],
        ready: Callable[[list[str]], None] = lambda addresses: None,
    ) -> None:
        """Serve on the `passed` sockets, else on `binds`, and the control socket, until `until` returns; stop in order.

        `ready` is called with the bound addresses once callbacks are taken. Raises what a long task dies of.
        """
        async with trio_asyncio.open_loop():
            queries = await Queries.open(self.place.database, lambda: self.writer.commits)
            try:
                door = Door(
                    make_app(self._context(queries)),
                    limits=assembly.door_limits(self.config),
                    log=log,
                    allow=self.doorkeeper.allow,
                    allow_local=self.doorkeeper.allow_local,
                    admission=self.admission,
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
                        nursery.start_soon(self._watch_files, SameFiles(self.place))
                        nursery.start_soon(self._watch_outages)
                        nursery.start_soon(self._keep_house, queries)
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
                await queries.aclose()
                if self.pushing:
                    with trio.move_on_after(1, shield=True):
                        await self.pushing.aclose()

    def close(self) -> None:
        """After `run`, whether it ended well or not. Raises StoreHangs."""
        if self.writer.hangs:
            return  # a thread has the database in its hands and waits for the disk
        if self.alerter:
            self.alerter.close()
        closing = threading.Thread(target=self._close_store, daemon=True)
        closing.start()
        closing.join(CLOSING_ENDS_S)
        if closing.is_alive() or self._close_error is not None:
            raise self._close_error or StoreHangs(
                f"the disk of {self.place.database} does not answer: look at it and at the system's log"
            )

    def _close_store(self) -> None:
        try:
            self.store.close()
        except StoreError as error:
            self._close_error = error

    async def _watch_files(self, files: SameFiles) -> None:
        while True:
            await trio.to_thread.run_sync(files.check, abandon_on_cancel=True)
            await trio.sleep(FILES_EVERY_S)

    async def _watch_outages(self) -> None:
        alive = Alive(self.place.directory / "alive")
        await watch(alive, self.config.sigfox, self.ingest.accept_document, self._is_ready, clock=self.clock)

    def _is_ready(self) -> bool:
        return bool(self.state()["ready"])

    async def _watch_clock(self, queries: Queries) -> None:
        await watch_clock(self.clock, self.ingest, self.writer, queries)

    async def _keep_house(self, queries: Queries) -> None:
        days = self.config.push.forget_after_days
        await keep_house(self.writer, partial(heard_after, queries), forget_after_days=days, clock=self.clock)

    async def _listen(
        self, nursery: trio.Nursery, door: Door, binds: Sequence[str], passed: Sequence[sockets.socket]
    ) -> tuple[list[str], list[trio.Event]]:
        addresses, serving = [], []
        if passed:
            log.info("systemd's sockets stand in for server.bind", sockets=len(passed), unused=list(binds))
            groups = [[trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in passed]]
        else:
            groups = [await _bound(bind) for bind in binds]
        for listeners in groups:
            edge = Edge(
                take=self.ingest.take,
                is_ingest=is_ingest,
                allow=self.doorkeeper.allow,
                admission=self.admission,
                hand_over=door.hand_over,
                limits=self.limits,
                log=log,
                attended=self.writer.linger,
            )
            self.edges.append(edge)
            serving.append(_start(nursery, edge.serve, listeners, self._ssl()))
            addresses += [_shown(listener.socket.getsockname()) for listener in listeners]
        control = self._control_listener()
        if control is not None:
            nursery.start_soon(self._control, door, control)
        return addresses, serving

    def _ssl(self) -> ssl.SSLContext | None:
        server = self.config.server
        if not server.tls_cert:
            return None
        try:
            context = tls_context(Path(server.tls_cert), Path(server.tls_key))
            self._certificate_ends_s = certificate_end(Path(server.tls_cert))
            return context
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ConfigError(
                f"server.tls_cert and server.tls_key cannot be used ({error}): a PEM chain and its key are needed"
            ) from None

    def _control_listener(self) -> trio.SocketListener | None:
        """The control socket: the same API, for whoever may open the file."""
        path = self.control
        if len(bytes(path)) > SOCKET_PATH_MAX:
            log.warning(
                "no control socket: the directory's path is too long", path=str(path), bytes_max=SOCKET_PATH_MAX
            )
            return None
        raw = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)  # the lock is ours, so whoever made it is gone
            raw.bind(str(path))
            path.chmod(0o600)
        except OSError as error:
            raw.close()
            raise ConfigError(
                f"{path} cannot be made evd's socket ({error.strerror}): remove what stands there, or check who owns "
                "the directory"
            ) from None
        raw.listen(16)
        return trio.SocketListener(trio.socket.from_stdlib_socket(raw))

    async def _control(self, door: Door, listener: trio.SocketListener) -> None:
        try:
            await trio.serve_listeners(partial(door.hand_over, local=True), [listener])
        finally:
            with suppress(OSError):
                self.control.unlink(missing_ok=True)

    async def _stop(
        self, door: Door, serving: list[trio.Event], pushing: trio.CancelScope, writing: trio.Event
    ) -> None:
        """Edge first, then the pushes in hand, then the writer: each ends with nothing before it left."""
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
                f"{self.place.database} does not take the rest of what is to be written: look at its disk, and at who "
                "else writes to it"
            )

    async def _check_file(self) -> None:
        """Look for damage, once, beside the work: reading a large file takes longer than a start may."""
        try:
            found = await trio.to_thread.run_sync(self.store.find_damage, abandon_on_cancel=True)
        except StoreBusy:
            return  # another process stands in the way; the next start looks again
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


def serve(place: Place, config: Config, *, announce: Callable[[list[str]], None] = lambda addresses: None) -> None:
    """The daemon, until SIGTERM or SIGINT; a second signal ends it at once. Raises EvdError."""
    os.umask(0o077)
    passed = inherited.take(os.environ, os.getpid())
    _raise_descriptor_limit(config.server.connections_max)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # it would hold secrets
    manager = ServiceManager()
    lock = lock_in_turn(place)
    try:
        fault = _tell_last_words(place, lock)
        with Starting(manager, [place.database, place.database.with_name(f"{place.database.name}-wal")]) as starting:
            daemon = Daemon(place, config, env=os.environ, tell=starting.tell)
        try:
            trio.run(_serve, daemon, manager, passed, announce, strict_exception_groups=True)
        finally:
            daemon.close()
    finally:
        lock.release(orderly=True)
        manager.close()
    if fault:
        fault.close()


def _tell_last_words(place: Place, lock: Lock) -> FaultFile | None:
    """Say how the evd before this one ended, if not in order; None where this one's own end cannot be told."""
    try:
        fault = FaultFile(place.fault)
    except OSError as error:
        log.warning("a crash could not be explained afterwards: its file cannot be written", reason=str(error))
        return None
    words = of_the_one_before(fault.before, lock.left_by, os.environ)
    if words:
        log.error(words.sentence, process=lock.left_by, stack=words.stack or None)
    return fault


async def _serve(
    daemon: Daemon,
    manager: ServiceManager,
    passed: Sequence[sockets.socket],
    announce: Callable[[list[str]], None],
) -> None:
    def ready(addresses: list[str]) -> None:
        scheme = "https" if daemon.config.server.tls_cert else "http"
        urls = [f"{scheme}://{address}" for address in addresses]
        log.info("ready", listen=urls, directory=str(daemon.place.directory), version=VERSION, codec=IMPLEMENTATION)
        if not daemon.pushing:
            log.warning("no pushes are sent: set push.credentials to a Firebase service account's JSON file")
        first_keys = daemon.place.directory / FIRST_KEYS
        if first_keys.exists():
            log.warning("the first keys still lie in a file: note them elsewhere and remove it", path=str(first_keys))
        _settle_memory()
        manager.ready()
        announce(urls)

    with (
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
        trio.open_signal_receiver(signal.SIGHUP) as hangups,
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_outlive, hangups)
            nursery.start_soon(_feed_watchdog, manager, daemon.writer)

            async def until() -> None:
                await anext(signals)
                manager.stopping()
                nursery.start_soon(_second_signal, signals, nursery.cancel_scope)

            await daemon.run(daemon.config.server.binds, passed=passed, until=until, ready=ready)
            nursery.cancel_scope.cancel()
    log.info("stopped")


def _settle_memory() -> None:
    """What start-up made stays: the collector need not walk it again and again, which would stop all callbacks."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)


async def _outlive(hangups: Any) -> None:
    """A terminal that closes, or a `reload` that evd does not know, must not end it."""
    async for _ in hangups:
        log.info("SIGHUP changes nothing: restart evd for new settings and certificates")


async def _second_signal(signals: Any, scope: trio.CancelScope) -> None:
    await anext(signals)
    log.warning("a second signal: ending at once; what was acknowledged is on disk")
    scope.cancel()


async def _feed_watchdog(manager: ServiceManager, writer: Writer) -> None:
    """systemd ends a daemon whose loop or whose writer stands still."""
    turns = -1
    while True:
        if writer.turns != turns or not writer.waiting:
            manager.alive()
        turns = writer.turns
        await trio.sleep(WATCHDOG_EVERY_S)


def briefly(place: Place, config: Config, work: Callable[[Path], Any]) -> Any:
    """Be the writer for one command: `work`, in a thread, is given a control socket. Raises EvdError.

    The socket is this command's own: another one that found it in DIR would be cut off when this one has ended.
    """
    os.umask(0o077)
    lock = Lock(place, brief=True)
    try:
        with tempfile.TemporaryDirectory(prefix="evd-") as folder:
            daemon = Daemon(place, config, env=os.environ, outward=False, control=Path(folder) / "evd.sock")
            try:
                return trio.run(_briefly, daemon, work)
            finally:
                daemon.close()
    finally:
        lock.release(orderly=True)


async def _briefly(daemon: Daemon, work: Callable[[Path], Any]) -> Any:
    result: Any = None

    async def until() -> None:
        nonlocal result
        result = await trio.to_thread.run_sync(work, daemon.control)

    await daemon.run([], until=until)
    return result


def parse_bind(text: str) -> tuple[str | None, int]:
    """`HOST:PORT`, `[IPv6]:PORT` or `:PORT` (all addresses). Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{text!r} is no address to listen at: HOST:PORT is needed, for instance 127.0.0.1:8080")
    return host.strip("[]") or None, int(port)


async def _bound(bind: str) -> list[trio.SocketListener]:
    """Raises ConfigError."""
    host, port = parse_bind(bind)
    try:
        return await trio.open_tcp_listeners(port, host=host, backlog=BACKLOG)
    except PermissionError:
        raise ConfigError(
            f"{bind} cannot be listened at: ports below 1024 are root's; give evd CAP_NET_BIND_SERVICE, let evd.socket "
            "hold the port, or choose a higher one"
        ) from None
    except OSError as error:  # tomorrow it may be free, so this is no mistake in a setting
        raise CannotListen(f"{bind} cannot be listened at ({error.strerror or error}): is it in use?") from None


def _shown(address: Any) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _start(nursery: trio.Nursery, task: Callable[..., Awaitable[None]], *args: Any) -> trio.Event:
    """Start a task; the event is set when it ended."""
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


def _raise_descriptor_limit(connections: int) -> None:
    """As many open files as connections may come, beside the database's and the pushes'."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 256
    if soft < wanted and (hard == resource.RLIM_INFINITY or soft < hard):
        reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError):  # a sandbox may forbid it; the edge lives with fewer descriptors, too
            resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
