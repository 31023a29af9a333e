"""`evd simulate`: a simulated fleet that sends callbacks to a running evd."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import click
import orjson
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, say_error, show
from evd.dev.fleet import FLEET_MAX, SHAPES, Fleet
from evd.dev.load import LoadGenerator
from evd.dev.traffic import CHANNELS, INGEST_ROUTES, Traffic
from evd.errors import ConfigError
from evd.net.client.push_pool import PushPool

DEFAULT_COUNT = 1000
TIMEOUT_S = 10.0  # as long as Sigfox Cloud waits
ANSWER_MAX = 65_536  # bytes; evd answers a callback with an empty body, a proxy in front possibly with a page
KEYS_MAX = 65_536  # bytes; four keys have 300
PROGRESS_EVERY_S = 0.2

#: The file in which `evd demo` keeps its keys, in its directory.
DEMO_KEYS = "demo-keys.json"

KEY_ENV = {"sigfox": "EVD_SIGFOX_KEY", "device": "EVD_DEVICE_KEY"}


@click.command()
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The address of evd; http or https.")
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with the output of `evd init --json`, instead of the environment.",
)
@click.option("--sigfox-key-env", default=KEY_ENV["sigfox"], metavar="NAME", show_default=True, help="Has that key.")
@click.option("--device-key-env", default=KEY_ENV["device"], metavar="NAME", show_default=True, help="Has that key.")
@click.option("--vehicles", type=click.IntRange(1, FLEET_MAX), default=10, show_default=True, help="The fleet's size.")
@click.option(
    "--rate",
    type=click.FloatRange(0, 1_000_000),
    default=0.0,
    help="Callbacks a second; 0, the default: as fast as they are answered.",
)
@click.option(
    "--count", type=click.IntRange(1), help=f"Stop after so many callbacks; {DEFAULT_COUNT} without --seconds."
)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--channel", type=click.Choice(list(CHANNELS)), default="sigfox", show_default=True)
@click.option(
    "--shape", type=click.Choice(list(SHAPES)), default="original", show_default=True, help="Layout of Sigfox bodies."
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same callbacks.")
@click.option("--duplicates", type=click.FloatRange(0, 50), default=0.0, metavar="PERCENT", help="Sent a second time.")
@click.option("--late", type=click.FloatRange(0, 50), default=0.0, metavar="PERCENT", help="Sent after a newer one.")
@click.option(
    "--connections", type=click.IntRange(1, 1024), default=16, show_default=True, help="Connections at a time."
)
@directory_option
@json_option
@click.pass_context
def simulate(
    ctx: click.Context,
    directory: str | None,
    url: str,
    keys_file: Path | None,
    sigfox_key_env: str,
    device_key_env: str,
    vehicles: int,
    rate: float,
    count: int | None,
    seconds: float | None,
    channel: str,
    shape: str,
    seed: int,
    duplicates: float,
    late: float,
    connections: int,
    as_json: bool,
) -> None:
    """Send callbacks as a fleet of vehicles would, and count the answers.

    Exit code 1 unless every answer was 201. Keys are never arguments, which others on this machine could see; with
    --dir they are the keys of `evd demo` in that directory.
    """
    channels = CHANNELS[channel]
    roles = [INGEST_ROUTES[one].role for one in channels]
    if keys_file is None and directory is not None:
        keys_file = Path(directory) / DEMO_KEYS
    if keys_file:
        keys = keys_of_file(keys_file, roles)
    else:
        keys = _keys_of_env(os.environ, roles, {"sigfox": sigfox_key_env, "device": device_key_env})
    pool = PushPool(url, connections_max=connections, timeout_s=TIMEOUT_S, body_max=ANSWER_MAX)
    traffic = Traffic(
        Fleet(vehicles, seed), channels=channels, shape=shape, duplicates=duplicates, late=late, seed=seed
    )
    if count is None and seconds is None:
        count = DEFAULT_COUNT
    simulator = LoadGenerator(
        pool,
        traffic,
        keys,
        connections=connections,
        rate=rate,
        count=count or math.inf,
        seconds=seconds or math.inf,
    )
    summary = trio.run(_run, simulator, pool, count, seconds, strict_exception_groups=True)
    if as_json:
        show(summary)
    else:
        _print(summary)
    if not simulator.tally.all_taken:
        ctx.exit(1)


async def _run(simulator: LoadGenerator, pool: PushPool, count: int | None, seconds: float | None) -> dict[str, Any]:
    """Run, and return the summary, also after SIGINT and SIGTERM."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals, _bar(count, seconds) as update:
        async with aclosing(pool), trio.open_nursery() as nursery:

            async def end_at_signal() -> None:
                await anext(signals)
                nursery.cancel_scope.cancel()

            async def show_progress() -> None:
                while True:
                    update(simulator)
                    await trio.sleep(PROGRESS_EVERY_S)

            nursery.start_soon(end_at_signal)
            nursery.start_soon(show_progress)
            await simulator.run()
            nursery.cancel_scope.cancel()
    return simulator.tally.summary(simulator.seconds)


@contextmanager
def _bar(count: int | None, seconds: float | None) -> Iterator[Any]:
    """A progress bar on stderr, if that is a terminal; yields the function that updates it."""
    columns = (TextColumn("{task.completed:.0f}{task.fields[unit]}"), BarColumn(), TaskProgressColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True, auto_refresh=False
    ) as progress:
        task = progress.add_task("", total=count or seconds, unit="" if count else " s")

        def update(simulator: LoadGenerator) -> None:
            done = simulator.tally.sent if count else min(simulator.seconds, seconds or 0)
            progress.update(task, completed=done, refresh=True)

        yield update


def keys_of_file(path: Path, roles: list[str]) -> dict[str, str]:
    """The keys of these roles in a file with the output of `evd init --json`. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            document = orjson.loads(file.read(KEYS_MAX))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): name the file with the keys") from None
    except orjson.JSONDecodeError:
        document = None
    found = document.get("keys", document) if isinstance(document, dict) else None
    held = found if isinstance(found, dict) else {}
    keys = {role: held[role] for role in roles if isinstance(held.get(role), str) and held[role]}
    if len(keys) != len(set(roles)):
        raise ConfigError(
            f"{path} does not hold the keys of {' and '.join(roles)}: name a file with the output of `evd init --json`"
        )
    return keys


def _keys_of_env(env: Mapping[str, str], roles: list[str], names: Mapping[str, str]) -> dict[str, str]:
    for role in roles:
        if not env.get(names[role]):
            raise ConfigError(
                f"the {role} key is missing: set the environment variable {names[role]}, or use --keys FILE"
            )
    return {role: env[names[role]] for role in roles}


def _print(summary: Mapping[str, Any]) -> None:
    among = [f"{summary[name]} {name}" for name in ("duplicates", "late") if summary[name]]
    also = f", {' and '.join(among)} among them" if among else ""
    say("{} callbacks in {:.1f} s ({:g}/s){}", summary["sent"], summary["seconds"], summary["per_second"], also)
    for status, number in summary["answers"].items():
        say("  {:12} {}{}", status, number, "  (overload: not taken)" if status == "503" else "")
    if summary["unanswered"]:
        say("  {:12} {}", "no answer", summary["unanswered"])
    if summary["p50_ms"] is not None:
        say("  {:12} {:g} ms\n  {:12} {:g} ms", "p50", summary["p50_ms"], "p99", summary["p99_ms"])
    if summary["first_trouble"]:
        say_error(f"the first that was not taken: {summary['first_trouble']}")
