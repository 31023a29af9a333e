"""`evd tail`: what comes in from now on, a line each: statuses, or refused callbacks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import click

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show_line
from evd.cli.times import stamp
from evd.cli.watch import follow, not_running
from evd.config.data_dir import DataDirectory, find
from evd.errors import ConfigError
from evd.net.client import control_socket

LOOK_EVERY_S = 1.0
"""Between two looks at the refused callbacks."""

ROWS = 100
"""Of one look, the newest; a callback that is refused again is the same row."""

Row = dict[str, Any]
"""A refused callback, as the API lists it."""


@click.command()
@click.argument("vehicles", metavar="[VEHICLE]...", nargs=-1)
@click.option("--rejected", is_flag=True, help="Callbacks that are refused, with the reason, in place of statuses.")
@directory_option
@json_option
def tail(vehicles: tuple[str, ...], rejected: bool, directory: str | None, as_json: bool) -> None:
    """Show every new status, or every refused callback, as it arrives, a line each, until Ctrl-C.

    With VEHICLE (or tag:NAME) only theirs. `evd watch` begins with the last status of each.
    """
    if not rejected:
        follow(vehicles, directory, as_json=as_json, only_new=True)
        return
    if vehicles:
        raise ConfigError("a refused callback may name no vehicle: leave the vehicles away with --rejected")
    data_dir = find(directory, os.environ)
    data_dir.require()
    try:
        for row in _refused(data_dir):
            if as_json:
                show_line(row)
            else:
                say(
                    "{}  {}  {}  {}: {}",
                    stamp(row["received"]),
                    row["number"],
                    row["route"],
                    row["error"],
                    row["detail"],
                )
    except KeyboardInterrupt:
        pass


def _refused(data_dir: DataDirectory) -> Iterator[Row]:
    """Endless; each row that is new, or came again, also after a restart of evd. Raises EvdError if it cannot begin."""

    def look() -> list[Row]:
        found: list[Row] = control_socket.call(data_dir.socket, "GET", f"/rejections?limit={ROWS}")
        return found[::-1]

    try:
        seen = look()
    except control_socket.DaemonNotRunning:
        raise not_running(data_dir) from None
    while True:
        time.sleep(LOOK_EVERY_S)
        with suppress(control_socket.DaemonNotRunning):
            found = look()
            yield from refused_since(seen, found)
            seen = found or seen


def refused_since(seen: Sequence[Row], found: Sequence[Row]) -> Iterator[Row]:
    """The rows of `found` that were refused after `seen`: not what came into sight because others were forgotten."""
    times = {row["number"]: row["times"] for row in seen}
    newest = max((row["received"] for row in seen), default=0)
    for row in found:
        if row["received"] >= newest and times.get(row["number"]) != row["times"]:
            yield row
