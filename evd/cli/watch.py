"""`evd watch`: each new status, as it arrives."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import click
import orjson

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, say_error, show_line
from evd.cli.times import stamp
from evd.config.data_dir import DataDirectory, find
from evd.errors import ControlError, NoDaemon
from evd.net import sse
from evd.net.client import control_socket

AGAIN_S = 2.0
"""Until a stream that broke off is requested again; browsers get the same as `retry`."""

NOT_SHOWN = ("id", "vehicleId", "timestamp", "connectivity", "seqNumber", "rawdata")
"""Members that a line does not show among its fields, or not at all."""


@click.command()
@click.argument("vehicles", metavar="[VEHICLE]...", nargs=-1)
@directory_option
@json_option
def watch(vehicles: tuple[str, ...], directory: str | None, as_json: bool) -> None:
    """Show the last status of each VEHICLE (or tag:NAME), or of all, and every new one as it arrives, until Ctrl-C."""
    follow(vehicles, directory, as_json=as_json)


def follow(vehicles: tuple[str, ...], directory: str | None, *, as_json: bool, only_new: bool = False) -> None:
    """Print statuses until Ctrl-C; with `only_new` none of those that were there before."""
    data_dir = find(directory, os.environ)
    data_dir.require()
    try:
        for document in _statuses(data_dir, vehicles, only_new):
            if as_json:
                show_line(document)
            else:
                _say(document)
    except KeyboardInterrupt:
        pass


def _statuses(data_dir: DataDirectory, vehicles: tuple[str, ...], only_new: bool) -> Iterator[dict[str, Any]]:
    """Endless; a stream that breaks off is resumed. Raises ControlError if it cannot begin."""
    query = [("vehicle", vehicle) for vehicle in vehicles]
    last, begun = "", False
    while True:
        path = f"/stream?{urlencode([*query, ('replay', '0')] if only_new and not last else query)}"
        try:
            for event in sse.read(control_socket.lines(data_dir.socket, path, {"Last-Event-ID": last})):
                begun = True
                last = event.event_id
                if event.data:
                    yield orjson.loads(event.data)
        except control_socket.DaemonNotRunning:
            if not begun:
                raise not_running(data_dir) from None
        except ControlError as error:
            if not begun:
                raise
            say_error(error)
        time.sleep(AGAIN_S)


def not_running(data_dir: DataDirectory) -> NoDaemon:
    """Why nothing can be followed."""
    return NoDaemon(f"evd is not running in {data_dir.directory}: `evd serve` starts it")


def _say(document: dict[str, Any]) -> None:
    fields = " ".join(f"{name}={value}" for name, value in document.items() if name not in NOT_SHOWN)
    say("{}  {}  {}", stamp(document["timestamp"]), document["vehicleId"], fields)
