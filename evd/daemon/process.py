"""`evd serve`: a process that runs the daemon until a signal ends it; `briefly` runs the daemon for one command.

What belongs to the process and not to the daemon is here: signals, limits, the lock, and messages to systemd.
"""

from __future__ import annotations

import os
import resource
import signal
import socket as sockets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import trio

from evd import VERSION
from evd.config.data_dir import FIRST_KEYS, DataDirectory, Lock, left_to_owner, lock_in_turn, umask_of
from evd.config.loading import NO_ORIGINS, Loaded, Origin
from evd.config.settings import Config
from evd.daemon import garbage_collector as collector
from evd.daemon.lifecycle import Daemon
from evd.daemon.previous_exit import FaultFile, previous_exit
from evd.daemon.startup_progress import StartupProgress
from evd.daemon.systemd import ServiceManager
from evd.errors import EvdError
from evd.log.logger import log
from evd.net.server import systemd_sockets as inherited
from evd.payload.codec import IMPLEMENTATION
from evd.store.engines import DEFAULT, ENGINES
from evd.store.writer import Writer

WATCHDOG_EVERY_S = 1.0


def serve(
    data_dir: DataDirectory,
    config: Config,
    *,
    announce: Callable[[list[str]], None] = lambda addresses: None,
    dev: bool = False,
    read: Callable[[], Loaded] | None = None,
    origins: Mapping[str, Origin] = NO_ORIGINS,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; a second signal ends it at once. Raises EvdError.

    `read` gives the settings anew, for SIGHUP and `evd reload`; `origins` are those of `config`. With `dev`, what must
    not be in production is accepted (`evd.daemon.wiring.insecurities`).
    """
    os.umask(umask_of(data_dir))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until a reload is possible: everything is being read anyway
    passed = inherited.take(os.environ, os.getpid())
    _raise_descriptor_limit(config.server.connections_max)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # a core holds secrets
    manager = ServiceManager()
    lock = lock_in_turn(data_dir)
    try:
        fault = _report_previous_exit(data_dir, lock)
        files = ENGINES[DEFAULT].files(data_dir.database)
        with StartupProgress(manager, [files[name] for name in ("database", "log") if name in files]) as starting:
            daemon = Daemon(
                data_dir, config, env=os.environ, report=starting.report, dev=dev, read=read, origins=origins
            )
        try:
            trio.run(_serve, daemon, manager, passed, announce, strict_exception_groups=True)
        finally:
            daemon.close()
    finally:
        lock.release(orderly=True)
        manager.close()
    if fault:
        fault.close()


def _report_previous_exit(data_dir: DataDirectory, lock: Lock) -> FaultFile | None:
    """Log how the previous run ended, if not in order; None if evd.fault cannot be written for this one."""
    try:
        fault = FaultFile(data_dir.fault)
    except OSError as error:
        log.warning("a crash would leave no trace: evd.fault cannot be written", reason=str(error))
        return None
    previous = previous_exit(fault.before, lock.left_by, os.environ)
    if previous:
        log.error(previous.sentence, process=lock.left_by, stack=previous.stack or None)
    return fault


async def _serve(
    daemon: Daemon,
    manager: ServiceManager,
    passed: Sequence[sockets.socket],
    announce: Callable[[list[str]], None],
) -> None:
    def ready(addresses: list[str]) -> None:
        scheme = "https" if daemon.parts.config.server.tls_cert else "http"
        urls = [f"{scheme}://{address}" for address in addresses]
        directory = daemon.parts.data_dir.directory
        log.info("ready", listen=urls, directory=str(directory), version=VERSION, codec=IMPLEMENTATION)
        if not daemon.parts.pushing:
            log.warning("no pushes are sent: set push.credentials to a Firebase service account's JSON file")
        for reason in daemon.parts.insecure:
            log.warning("this evd is insecure", reason=reason)
        first_keys = directory / FIRST_KEYS
        if first_keys.exists():
            log.warning("the first keys are still in a file: note them elsewhere and remove it", path=str(first_keys))
        collector.settle()
        manager.ready()
        announce(urls)

    with (
        trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals,
        trio.open_signal_receiver(signal.SIGHUP) as hangups,
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_reload, hangups, daemon)
            nursery.start_soon(_feed_watchdog, manager, daemon.parts.writer)
            nursery.start_soon(collector.make_full_passes, lambda: daemon.parts.admission.open)

            async def until() -> None:
                await anext(signals)
                manager.stopping()
                nursery.start_soon(_second_signal, signals, nursery.cancel_scope)

            await daemon.run(daemon.parts.config.server.binds, passed=passed, until=until, ready=ready)
            nursery.cancel_scope.cancel()
    log.info("stopped")


async def _reload(hangups: Any, daemon: Daemon) -> None:
    """At each SIGHUP; a terminal that closes sends one, too, and must not end evd."""
    async for _ in hangups:
        with suppress(EvdError):  # it is logged
            await daemon.reload()


async def _second_signal(signals: Any, scope: trio.CancelScope) -> None:
    await anext(signals)
    log.warning("a second signal: ending at once; what was acknowledged is on disk")
    scope.cancel()


async def _feed_watchdog(manager: ServiceManager, writer: Writer) -> None:
    """Ping systemd's watchdog, unless the writer hangs; so it ends a daemon whose loop or writer hangs."""
    turns = -1
    while True:
        if writer.health.turns != turns or not writer.waiting:
            manager.alive()
        turns = writer.health.turns
        await trio.sleep(WATCHDOG_EVERY_S)


def briefly(data_dir: DataDirectory, config: Config, work: Callable[[Path], Any]) -> Any:
    """Be the daemon for one command: `work` runs in a thread and gets a control socket. Raises EvdError.

    The socket is outside DIR: another command that found it there would be cut off when this one ends.
    """
    os.umask(umask_of(data_dir))
    with left_to_owner(data_dir.directory):
        return _alone(data_dir, config, work)


def _alone(data_dir: DataDirectory, config: Config, work: Callable[[Path], Any]) -> Any:
    lock = Lock(data_dir, brief=True)
    try:
        with tempfile.TemporaryDirectory(prefix="evd-") as folder:
            daemon = Daemon(data_dir, config, env=os.environ, outward=False, control=Path(folder) / "evd.sock")
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


def _raise_descriptor_limit(connections: int) -> None:
    """Allow as many open files as connections, and some for the database and the pushes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + 256
    if soft < wanted and (hard == resource.RLIM_INFINITY or soft < hard):
        reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError):  # a sandbox may forbid it; the edge also works with fewer descriptors
            resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
