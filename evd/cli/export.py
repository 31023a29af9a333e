"""`evd export`: statuses, phones and owners as CSV, NDJSON, Parquet, or DynamoDB's items."""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from evd.cli.common import directory_option, json_option, settings, with_writer
from evd.cli.interruption import Interruption
from evd.cli.printing import PlainOutput, say, show_error_line
from evd.cli.times import parse_when
from evd.clock import now_ms
from evd.config.data_dir import find
from evd.config.settings import Config
from evd.errors import ConfigError
from evd.model.status import TIME_MAX_MS, vehicle_id
from evd.net.client import control_socket
from evd.push.providers import user_kinds
from evd.store.engines import DEFAULT, ENGINES
from evd.store.queries import Queries
from evd.transfer import pages
from evd.transfer.writers import EXPORTED, FORMATS

STDOUT = "-"

FCM_TOKENS = frozenset({"token"})
"""The one kind of target that the original knew."""


class Wish(NamedTuple):
    """What is exported, and as what; times are epoch ms, both included. `vehicles` empty: all."""

    table: str
    format: str
    vehicles: tuple[str, ...]
    first: int
    last: int
    packed: bool
    output: str
    exact: bool
    """Whether places are written as they came, also where they are coarse for everyone."""


@click.command()
@click.option("--vehicle", "vehicles", multiple=True, metavar="ID", help="Only this vehicle; repeatable.")
@click.option(
    "--from", "since", metavar="WHEN", help="Statuses from then on: an ISO time (UTC without a zone), or 2h, 7d."
)
@click.option("--until", metavar="WHEN", help="The same; the last time.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), required=True)
@click.option("--table", type=click.Choice(list(EXPORTED)), default="statuses", show_default=True)
@click.option("--exact-places", is_flag=True, help="As they came, also of vehicles whose places are coarse for all.")
@click.option("--output", metavar="FILE", default=STDOUT, help="Default: stdout.")
@click.option("--gzip", "packed", is_flag=True, help="Compress the output.")
@directory_option
@json_option
def export(
    vehicles: tuple[str, ...],
    since: str | None,
    until: str | None,
    form: str,
    table: str,
    output: str,
    packed: bool,
    exact_places: bool,
    directory: str | None,
    as_json: bool,
) -> None:
    """Write what evd keeps to a file: statuses, or with --table phones or owners.

    It may run beside the daemon. What comes in meanwhile may be in it or not. A file is complete once it has its name.
    """
    now = now_ms()
    first = parse_when(since, now) if since else 0
    last = parse_when(until, now) if until else TIME_MAX_MS
    wish = Wish(table, form, tuple(map(vehicle_id, vehicles)), first, last, packed, output, exact_places)
    _refuse(wish)
    place = find(directory, os.environ)
    place.require()
    written, interruption, config = 0, Interruption(), settings(place)

    def work(socket: Path) -> None:
        nonlocal written
        control_socket.page(socket, "/owners?limit=1")  # whoever answers has brought the database to today's schema
        try:
            with _opened(wish) as file:
                written = trio.run(
                    _export, place.database, wish, config, file, interruption, strict_exception_groups=True
                )
        except* BrokenPipeError:  # the reader has enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    with interruption.watched():
        with_writer(place, config, work)
    if as_json:
        show_error_line({"written": written, "table": table, "output": output})
    elif output != STDOUT:
        say("{} {} written to {}", written, table, output, err=True)


def _refuse(wish: Wish) -> None:
    """Raises ConfigError for what cannot be done together."""
    if wish.first > wish.last:
        raise ConfigError("--from is behind --until")
    if wish.table != "statuses" and (wish.first, wish.last) != (0, TIME_MAX_MS):
        raise ConfigError(f"--from and --until choose statuses: {wish.table} have no such time")
    if wish.packed and wish.format == "parquet":
        raise ConfigError("Parquet is compressed by itself: omit --gzip")
    if wish.output != STDOUT or not sys.stdout.isatty():
        return
    if wish.format == "parquet" or wish.packed:
        raise ConfigError("this is no text for a terminal: name a file with --output")
    if wish.format == "dynamodb" and wish.table == "registrations":
        raise ConfigError("the phones' whole tokens are secrets and are not shown: name a file with --output")


@contextmanager
def _opened(wish: Wish) -> Iterator[BinaryIO]:
    """The output; a file has another name until it is complete, and only its owner may read it."""
    with ExitStack() as stack:
        if wish.output == STDOUT:
            file: Any = PlainOutput() if sys.stdout.isatty() else sys.stdout.buffer
        else:
            path = Path(wish.output)
            unfinished = path.with_name(f"{path.name}.unfinished")
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            stack.callback(unfinished.unlink, missing_ok=True)
            file = stack.enter_context(os.fdopen(descriptor, "wb"))
        if wish.packed:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                yield cast(BinaryIO, packed)
        else:
            yield file
        file.flush()
        if wish.output != STDOUT:
            os.fsync(file.fileno())
            unfinished.rename(path)


async def _export(database: Path, wish: Wish, config: Config, file: BinaryIO, interruption: Interruption) -> int:
    """Returns how many were written. Raises ConfigError for an unknown vehicle."""
    count = 0
    out = FORMATS[wish.format](file, EXPORTED[wish.table])
    async with ENGINES[DEFAULT].queries(database) as queries:
        for vehicle in wish.vehicles:
            if await queries.vehicles_from(vehicle, 1) != [vehicle]:
                raise ConfigError(f"vehicle {vehicle} is unknown: `evd vehicle list` shows the known ones")
        with _bar(await _total(queries, wish)) as update:
            async with aclosing(_records(queries, wish)) as found:
                async for page in found:
                    out.write(await _as_shown(queries, wish, config, page))
                    count += len(page)
                    update(count)
                    if interruption.noted:
                        raise KeyboardInterrupt
    out.finish()
    return count


async def _as_shown(queries: Queries, wish: Wish, config: Config, page: list[Any]) -> list[Any]:
    """Statuses, of one vehicle, with coarse places if they are so for everyone."""
    if wish.exact or wish.table != "statuses":
        return page
    own = (await queries.profile(page[0].vehicle))["coarseLocation"]
    is_coarse = (own or config.privacy.coarse_location) == "everyone"
    return [status.coarse() for status in page] if is_coarse else page


def _records(queries: Queries, wish: Wish) -> Any:
    if wish.table == "statuses":
        return pages.statuses(queries, wish.vehicles, wish.first, wish.last)
    if wish.table == "owners":
        relations = ("owner",) if wish.format == "dynamodb" else ("owner", "viewer")
        return pages.owners(queries, wish.vehicles, relations)
    kinds = FCM_TOKENS if wish.format == "dynamodb" else user_kinds()
    return pages.registrations(queries, wish.vehicles, kinds)


async def _total(queries: Queries, wish: Wish) -> int | None:
    """How many there are, where that is cheap to know."""
    if wish.vehicles or (wish.first, wish.last) != (0, TIME_MAX_MS):
        return None
    counts: Any = await queries.counts()
    return int(counts[wish.table])


@contextmanager
def _bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, if that is a terminal; yields the function that updates it."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}"))
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("written", total=total)
        yield lambda count: bar.update(task, completed=count)
