"""`evd registration`: registered phones, and the import of those of another system."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from evd.cli.common import ask_list, directory_option, json_option, reached
from evd.cli.exits import PARTLY
from evd.cli.printing import say, show, table
from evd.cli.times import when
from evd.net.client import control_socket

LINES_AT_ONCE = 200
BYTES_AT_ONCE = 32 * 1024
"""Bounds of one request: half of what a body may have."""

LINE_MAX = 16 * 1024
"""Bytes: a token has 4,096 characters at most."""

SHOWN_MAX = 20
"""Refused lines that are listed one by one."""

COLUMNS = {
    "vehicle": "VEHICLE",
    "uid": "USER",
    "kind": "KIND",
    "target": "PHONE",
    "created": "REGISTERED",
    "renewed": "RENEWED",
    "pushed": "TAKEN LAST",
}

Line = tuple[int, Any]
"""Its number, from 1, and its document."""


@click.group()
def registration() -> None:
    """Registrations: the phones that get pushes of vehicles."""


@registration.command("list")
@click.argument("vehicle", required=False)
@directory_option
@json_option
def list_(vehicle: str | None, directory: str | None, as_json: bool) -> None:
    """Phones of VEHICLE, or of all vehicles, with the first characters of their tokens."""
    rows = ask_list(directory, "/registrations", {"vehicle": vehicle} if vehicle else {})
    if as_json:
        show(rows)
    else:
        table(map(_readable, rows), COLUMNS, empty="There are none: an app registers, or `evd registration import`.")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, **{name: when(row[name]) for name in ("created", "renewed", "pushed")}}


@registration.command("import")
@click.argument("file", type=click.File("rb"), default="-")
@directory_option
@json_option
@click.pass_context
def import_(ctx: click.Context, file: BinaryIO, directory: str | None, as_json: bool) -> None:
    """Import the phones of another system: one JSON object on each line of FILE, or of stdin.

    For instance {"vehicle": "386625", "token": "fVq…", "uid": "martin"}. Each user becomes an owner of the vehicle.
    It may be repeated: existing registrations stay. Lines that cannot be imported are listed; the others are imported.
    """
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    found: dict[str, Any] = {"registered": 0, "refused": []}
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed}"))
    quiet = not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("registered", total=None)

        def work(socket: Path) -> None:
            _send(socket, [])  # fails if no daemon runs, before anything is read
            for lines in _batches(file, found["refused"]):
                answer = _send(socket, [document for _, document in lines])
                found["registered"] += answer["registered"]
                found["refused"] += [
                    {"line": lines[one["index"]][0], "error": one["error"]} for one in answer["refused"]
                ]
                progress.update(task, completed=found["registered"])

        reached(directory, work)
    if as_json:
        show(found)
    else:
        for one in found["refused"][:SHOWN_MAX]:
            say("line {}: {}", one["line"], one["error"], err=True)
        say("{} registered, {} refused", found["registered"], len(found["refused"]))
    ctx.exit(PARTLY.code if found["refused"] else 0)


def _send(socket: Path, documents: list[Any]) -> dict[str, Any]:
    answer: dict[str, Any] = control_socket.call(socket, "POST", "/registrations/import", {"registrations": documents})
    return answer


def _batches(file: BinaryIO, refused: list[dict[str, Any]]) -> Iterator[list[Line]]:
    """Lines that are JSON, in batches; the others go to `refused`."""
    batch: list[Line] = []
    size = 0
    for number, text in enumerate(iter(lambda: file.readline(LINE_MAX), b""), 1):
        if not text.strip():
            continue
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            refused.append({"line": number, "error": f"not JSON ({error})"})
            continue
        if batch and (len(batch) >= LINES_AT_ONCE or size + len(text) > BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append((number, document))
        size += len(text)
    if batch:
        yield batch
