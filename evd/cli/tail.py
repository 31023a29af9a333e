"""`evd tail`: what comes in from now on, a line each: statuses, or refused callbacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from evd.cli.common import ask, directory_option, json_option
from evd.cli.printing import say, show_line
from evd.cli.times import stamp
from evd.cli.watch import follow
from evd.errors import ConfigError

LOOK_EVERY_S = 1.0
"""Between two looks at the refused callbacks."""

ROWS = 100
"""Of one look; a callback that is refused again is the same row."""


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
    try:
        for row in _refused(directory):
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


def _refused(directory: str | None) -> Iterator[dict[str, Any]]:
    """Endless: each row that is new, or came again. Raises EvdError."""

    def look() -> dict[int, dict[str, Any]]:
        return {row["number"]: row for row in reversed(ask(directory, "GET", f"/rejections?limit={ROWS}"))}

    seen = look()
    while True:
        time.sleep(LOOK_EVERY_S)
        found = look()
        yield from (row for number, row in found.items() if seen.get(number, {}).get("times") != row["times"])
        seen = found
