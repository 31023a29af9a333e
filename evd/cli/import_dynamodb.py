"""`evd import dynamodb`: move in from the original system's tables."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import click
import msgspec
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn

from evd.cli.common import directory_option, json_option, settings, with_writer
from evd.cli.import_sending import end, note, say_skipped, verdicts
from evd.cli.interruption import Interruption
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.config.settings import Config
from evd.errors import BadRequest, ConfigError
from evd.net.client import control_socket
from evd.transfer.descriptors import BadDescriptor
from evd.transfer.items import BY_NAME, TABLES, MovedRegistration, Table, sort_key, table_of
from evd.transfer.reading import NOT_JSON, CountingFile, Found, Skipped, items
from evd.transfer.sorting import SortedLines
from evd.transfer.summary import ImportSummary, Place

STDIN = "-"

AT_ONCE_MAX = 500
"""Things in one request; its bytes are bounded, too."""

ENVELOPE_BYTES = 64

TOO_LONG = "too long"
NO_TABLE = "of no known table"
INVALID = "invalid attributes"

ORDER = ("owners", "statuses", "registrations")
"""A phone belongs to its vehicle's owner, and old statuses are no news to a phone that is registered after them."""


class Sent(NamedTuple):
    """A thing on its way to evd, and where it came from."""

    place: Place
    text: str
    """ASCII JSON."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--table", type=click.Choice(list(BY_NAME)), help="What the files have; default: each item shows it.")
@click.option("--user", metavar="UID", help="Whose phones these are, where a vehicle has several owners.")
@click.option("--dry-run", is_flag=True, help="Read and check, write nothing; who owns a phone is not checked.")
@directory_option
@json_option
@click.pass_context
def dynamodb(
    ctx: click.Context,
    files: tuple[str, ...],
    table: str | None,
    user: str | None,
    dry_run: bool,
    directory: str | None,
    as_json: bool,
) -> None:
    """Import DynamoDB's tables vehicle-statuses, fcm-registrations and vehicle-registrations.

    FILE is an export to S3 (JSON lines, .gz or plain), the output of `aws dynamodb scan`, or - for stdin. Statuses get
    into their rings in the order of their times. It may be repeated: nothing gets in twice. The exit code is 6 if
    something was skipped.
    """
    place = find(directory, os.environ)
    place.require()
    config = settings(place)
    run = _Import(config, files, BY_NAME.get(table or ""), user=user, write=not dry_run)
    with run.interruption.watched():
        with_writer(place, config, run)
    stopped = run.interruption.noted
    found = {**run.summary.document(), "dry_run": dry_run, "complete": not stopped}
    end(ctx, found, _print if not as_json else show, stopped=stopped)


class _Import:
    """Reads all files once, sorts on disk what must be in order, and sends it to the daemon at a control socket."""

    def __init__(
        self, config: Config, files: tuple[str, ...], table: Table | None, *, user: str | None, write: bool
    ) -> None:
        self.summary = ImportSummary()
        self.interruption = Interruption()
        self._files = files
        self._table = table
        self._user = user
        self._write = write
        self._bytes_max = config.ingest.body_max_bytes - ENVELOPE_BYTES
        _require_readable(files)

    def __call__(self, socket: Path) -> None:
        """Raises DaemonNotRunning before anything is read."""
        control_socket.page(socket, "/owners?limit=1")
        self.summary = ImportSummary()
        with ExitStack() as stack:
            lines = {table.name: stack.enter_context(SortedLines()) for table in TABLES}
            bar = stack.enter_context(_progress())
            self._read(lines, bar)
            for name in ORDER:
                self._send(socket, name, lines[name], bar)

    def _read(self, lines: dict[str, SortedLines], bar: Progress) -> None:
        sizes = [_size(name) for name in self._files]
        total = None if None in sizes else sum(size for size in sizes if size is not None)
        task, before = bar.add_task("reading", total=total, unit="bytes"), 0
        for index, name in enumerate(self._files):
            with ExitStack() as stack:
                opened = sys.stdin.buffer if name == STDIN else stack.enter_context(Path(name).open("rb"))
                file = CountingFile(cast(BinaryIO, opened))
                for number, found in enumerate(items(file)):
                    if self.interruption.noted:
                        return
                    self._sort_in(lines, index, found)
                    if number % 100 == 0:
                        bar.update(task, completed=before + file.count)
                before += file.count
        bar.update(task, completed=before, total=before)

    def _sort_in(self, lines: dict[str, SortedLines], file: int, found: Found | Skipped) -> None:
        place = Place(self._files[file], found.line)
        if isinstance(found, Skipped):
            self.summary.skip(found.reason, place, found.detail)
            return
        table = self._table or table_of(found.item)
        if table is None:
            known = ", ".join(one.original for one in TABLES)
            self.summary.skip(NO_TABLE, place, f"its attributes are those of none of {known}")
            return
        self.summary.read(table.name)
        try:
            moved = table.read(found.item)
            if isinstance(moved, MovedRegistration) and self._user is not None:
                moved = msgspec.structs.replace(moved, uid=self._user)
            text = json.dumps(msgspec.to_builtins(moved))
            key = sort_key(moved)
        except BadRequest as error:
            self.summary.skip(error.error, place, error.detail)
        except (BadDescriptor, msgspec.ValidationError) as error:
            self.summary.skip(INVALID, place, str(error))
        except (orjson.JSONEncodeError, RecursionError):
            self.summary.skip(NOT_JSON, place, "it has a text that is not Unicode, or is nested too deeply")
        else:
            if len(text) > self._bytes_max:
                said = f"it has {len(text)} bytes of JSON: ingest.body_max_bytes allows {self._bytes_max}"
                self.summary.skip(TOO_LONG, place, said)
            else:
                lines[table.name].add(f"{key}\t{file}\t{found.line}\t{text}".encode())

    def _send(self, socket: Path, name: str, lines: SortedLines, bar: Progress) -> None:
        if not lines.count or self.interruption.noted:
            return
        task = bar.add_task(name, total=lines.count, unit="rows")
        for batch in _batches(map(self._sent, lines), self._bytes_max):
            found = verdicts(socket, name, [json.loads(sent.text) for sent in batch], write=self._write)
            for sent, verdict in zip(batch, found, strict=True):
                note(self.summary, name, sent.place, verdict)
            bar.advance(task, len(batch))
            if self.interruption.noted:
                return

    def _sent(self, line: bytes) -> Sent:
        _, file, number, text = line.decode().split("\t", 3)
        return Sent(Place(self._files[int(file)], int(number)), text)


def _batches(things: Iterable[Sent], bytes_max: int) -> Iterator[list[Sent]]:
    batch: list[Sent] = []
    size = 0
    for sent in things:
        if batch and (len(batch) >= AT_ONCE_MAX or size + len(sent.text) + 2 > bytes_max):
            yield batch
            batch, size = [], 0
        batch.append(sent)
        size += len(sent.text) + 2
    if batch:
        yield batch


def _require_readable(files: tuple[str, ...]) -> None:
    """Raises ConfigError for a file that cannot be read, before anything is written."""
    for name in files:
        path = Path(name)
        if name != STDIN and not (path.exists() and not path.is_dir() and os.access(path, os.R_OK)):
            raise ConfigError(f"{name} is no file that can be read: name the files of the export, or - for stdin")
    if files.count(STDIN) > 1:
        raise ConfigError("stdin can be read once: name - once")


def _size(name: str) -> int | None:
    """Bytes of a file; None of a pipe."""
    found = os.fstat(sys.stdin.fileno()) if name == STDIN else Path(name).stat()
    return found.st_size if stat.S_ISREG(found.st_mode) else None


class _UnitColumn(DownloadColumn):
    """Bytes of what is read, rows of what is stored."""

    _rows = MofNCompleteColumn()

    def render(self, task: Any) -> Any:
        return super().render(task) if task.fields["unit"] == "bytes" else self._rows.render(task)


def _progress() -> Progress:
    """On stderr, if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _UnitColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)


def _print(found: dict[str, Any]) -> None:
    for name in ORDER:
        counts = found["tables"].get(name)
        if counts is None:
            continue
        if found["dry_run"]:
            say("{}: {} read, {} can be imported", name, counts["read"], counts.get("readable", 0))
        else:
            old = f", {counts['too_old']} older than a full ring" if counts["too_old"] else ""
            say("{}: {} read, {} new, {} known{}", name, counts["read"], counts["new"], counts["known"], old)
    if not found["tables"]:
        say("no item was found")
    say_skipped(found)
