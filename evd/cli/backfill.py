"""`evd backfill`: fetch from Sigfox what evd missed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import click
import msgspec
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from evd.cli.common import directory_option, json_option, named_vehicles, settings, with_writer
from evd.cli.printing import say, say_error, show
from evd.cli.times import parse_when
from evd.clock import now_ms
from evd.config.data_dir import find
from evd.config.settings import Config
from evd.errors import ConfigError
from evd.net.client import control_socket
from evd.sigfox_api.backfill.mapping import Item
from evd.sigfox_api.backfill.runner import Backfiller
from evd.sigfox_api.client import SigfoxApi

PROGRESS_EVERY_S = 0.2
ESCAPED = 3
"""The control socket's JSON is ASCII with blanks: at most so many times as long as the same document in UTF-8."""

EXIT_INTERRUPTED = 130  # a shell's exit code for SIGINT


@click.command()
@click.option(
    "--since", required=True, metavar="WHEN", help="An ISO time (UTC without a zone), or 2h, 7d for so long ago."
)
@click.option("--until", metavar="WHEN", help="The same; default: now.")
@click.option("--device", "devices", multiple=True, metavar="ID", help="Only this device, or tag:NAME; repeatable.")
@click.option("--device-type", "device_types", multiple=True, metavar="ID", help="Only this device type; repeatable.")
@directory_option
@json_option
@click.pass_context
def backfill(
    ctx: click.Context,
    since: str,
    until: str | None,
    devices: tuple[str, ...],
    device_types: tuple[str, ...],
    directory: str | None,
    as_json: bool,
) -> None:
    """Fetch from Sigfox's REST API what evd missed.

    Reads the callbacks that were not delivered and the messages of each device, and stores what evd does not have.
    It may be stopped and repeated at any time. Needs sigfox.api_login and sigfox.api_password.
    """
    data_dir = find(directory, os.environ)
    data_dir.require()
    config = settings(data_dir)
    now = now_ms()
    first, last = parse_when(since, now), parse_when(until, now) if until else now
    if first >= last:
        raise ConfigError(f"--since {since} is not before {'--until ' + until if until else 'now'}")
    devices = tuple(named_vehicles(directory, devices))
    run = _Run(config, since=first, before=last, devices=devices, device_types=device_types)
    with run.interruptible():
        with_writer(data_dir, config, run)
    if as_json:
        show(run.result())
    else:
        _print(run)
    if run.interrupted:
        ctx.exit(EXIT_INTERRUPTED)


class _Run:
    """A backfill that any thread can call; SIGINT and SIGTERM end it between two deliveries."""

    def __init__(self, config: Config, **wish: Any) -> None:
        self._config = config
        self._wish = wish
        self._stop: Callable[[], None] | None = None
        self.interrupted = False
        self.backfiller: Backfiller | None = None

    def __call__(self, socket: Path) -> None:
        """Deliver to the daemon at `socket`. Raises DaemonNotRunning before anything is done."""
        control_socket.call(socket, "POST", "/backfill", [])
        trio.run(self._main, socket, strict_exception_groups=True)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Only the main thread gets signals, whichever thread does the work."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            if self._stop is not None:
                self._stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def result(self) -> dict[str, Any]:
        counts = msgspec.to_builtins(self.backfiller.counts) if self.backfiller else {}
        devices = self.backfiller.devices_done if self.backfiller else 0
        return {**counts, "devices": devices, "complete": not self.interrupted}

    async def _main(self, socket: Path) -> None:
        async with SigfoxApi.from_settings(self._config.sigfox) as api, trio.open_nursery() as nursery:
            token = trio.lowlevel.current_trio_token()
            self._stop = lambda: token.run_sync_soon(nursery.cancel_scope.cancel)
            if self.interrupted:
                return
            bytes_max = self._config.ingest.body_max_bytes // ESCAPED
            self.backfiller = Backfiller(api, partial(self._deliver, socket), bytes_max=bytes_max, **self._wish)
            nursery.start_soon(_show_progress, self.backfiller)
            await self.backfiller.run()
            self._stop = None
            nursery.cancel_scope.cancel()

    async def _deliver(self, socket: Path, items: Sequence[Item]) -> Sequence[str]:
        """Waits for the answer also when cancelled: control_socket.call has its own deadline."""
        body = msgspec.to_builtins(items)
        answer = await trio.to_thread.run_sync(control_socket.call, socket, "POST", "/backfill", body)
        verdicts: list[str] = answer["verdicts"]
        return verdicts


async def _show_progress(run: Backfiller) -> None:
    """A progress bar on stderr, if that is a terminal: devices done of those found."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True, auto_refresh=False
    ) as bar:
        task = bar.add_task("", total=None)
        while True:
            counts = run.counts
            text = f"{run.devices_done} devices, {counts.read} read, {counts.new} new"
            bar.update(task, description=text, completed=run.devices_done, total=run.devices_seen or None, refresh=True)
            await trio.sleep(PROGRESS_EVERY_S)


def _print(run: _Run) -> None:
    found = run.result()
    say(
        "{} messages and callbacks of {} devices read: {} new, {} known, {} too old, {} refused",
        *(
            found.get("read", 0),
            found["devices"],
            *(found.get(name, 0) for name in ("new", "known", "too_old", "refused")),
        ),
    )
    if found.get("refused"):
        say_error("`evd rejected list` says why some were refused")
    if run.interrupted:
        say_error("stopped before the end: run the same command again; it does not store a message twice")
