"""`evd vehicle`: the fleet and its settings."""

from __future__ import annotations

from typing import Any

import click

from evd.cli import images, life, sharing
from evd.cli.common import ask, ask_list, directory_option, json_option, path_part
from evd.cli.printing import say, show, table
from evd.cli.times import ago, moment, when
from evd.clock import now_ms
from evd.errors import ConfigError

COLUMNS = {
    "vehicle": "VEHICLE",
    "name": "NAME",
    "last_time": "LAST HEARD",
    "age": "AGE",
    "state": "STATE",
    "current_charge": "CHARGE %",
    "range": "RANGE km",
    "channel": "BY",
    "kept": "KEPT",
    "keep": "OF",
}

DAY_COLUMNS = {
    "day": "DAY (UTC)",
    "received": "RECEIVED",
    "lost": "LOST",
    "share": "SHARE %",
    "resets": "RESETS",
    "used": "USED",
    "of": "OF",
}

LESS = ("keep", "kept", "channel", "last_time", "range")
"""What a narrow terminal does without, in this order."""

LOG_COLUMNS = {
    "time": "TIME",
    "vehicle": "VEHICLE",
    "severity": "SEVERITY",
    "kind": "KIND",
    "text": "WHAT",
}


@click.group()
def vehicle() -> None:
    """Vehicles: list, show, set up, share, tag."""


for _command in (
    sharing.claim_code,
    sharing.claim_codes,
    sharing.tag,
    images.image,
    life.delete,
    life.merge,
    life.ignore,
):
    vehicle.add_command(_command)


@vehicle.command("list")
@click.option("--tag", metavar="TAG", help="Only vehicles with this tag.")
@click.option("--stale", is_flag=True, help="Only vehicles that are silent for longer than usual, or for a week.")
@click.option(
    "--sort", default="id", metavar="ORDER", help="id, age, attention or charge; -age: the longest silent first."
)
@directory_option
@json_option
def list_(tag: str | None, stale: bool, sort: str, directory: str | None, as_json: bool) -> None:
    """The fleet, with each vehicle's last status."""
    query = {"tag": tag} if tag is not None else {}
    query |= {"staleness": "silent"} if stale else {}
    rows = ask_list(directory, "/vehicles", query | ({"sort": sort} if sort != "id" else {}))
    if as_json:
        show(rows)
    else:
        empty = "No such vehicle." if query else "No vehicle has sent a status yet."
        table([_listed(row) for row in rows], COLUMNS, empty=empty, less=LESS)


@vehicle.command("show")
@click.argument("given", metavar="ID")
@directory_option
@json_option
def show_(given: str, directory: str | None, as_json: bool) -> None:
    """One vehicle."""
    _print(ask(directory, "GET", f"/vehicles/{path_part(given)}"), as_json)


@vehicle.command("set")
@click.argument("given", metavar="ID")
@click.option("--keep", type=int, help="Statuses kept for this vehicle; 0: retention.statuses_per_vehicle.")
@click.option("--format", "format_", help="A format's name or a grammar; empty: the default format.")
@click.option("--name", help="A name for people; empty: none.")
@directory_option
@json_option
def set_(
    given: str, keep: int | None, format_: str | None, name: str | None, directory: str | None, as_json: bool
) -> None:
    """Set up a vehicle, whether it has sent a status yet or not."""
    wish: dict[str, Any] = {}
    if keep is not None:
        if keep < 0:
            raise ConfigError(f"--keep is {keep}: give a number of statuses, or 0 for the default")
        wish["keep"] = keep or None
    if format_ is not None:
        wish["format"] = format_ or None
    if name is not None:
        wish["name"] = name or None
    _print(ask(directory, "PATCH", f"/vehicles/{path_part(given)}", wish), as_json)


@vehicle.command("days")
@click.argument("given", metavar="ID")
@directory_option
@json_option
def days(given: str, directory: str | None, as_json: bool) -> None:
    """Frames received through Sigfox and lost, by day, and the use of the daily budget."""
    rows = ask_list(directory, f"/vehicles/{path_part(given)}/days")
    if as_json:
        show(rows)
    else:
        table(rows, DAY_COLUMNS, empty="No frame with a seqNumber was received yet.")


@vehicle.command("log")
@click.argument("given", metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Entries at most.")
@directory_option
@json_option
def log_(given: str | None, limit: int, directory: str | None, as_json: bool) -> None:
    """A vehicle's log: what Sigfox reported, the newest first; without ID: of all vehicles, groups and device types."""
    path = "/log" if given is None else f"/vehicles/{path_part(given)}/log"
    rows = ask_list(directory, path, limit=limit)
    if as_json:
        show(rows)
    else:
        table([row | {"time": when(row["time"])} for row in rows], LOG_COLUMNS, empty="Sigfox reported nothing.")


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    return {**_plain(row), "age": None if row["last_time_ms"] is None else ago(row["last_time_ms"], now_ms())}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """For people: the last time without its letters, and not the whole last status."""
    return {**row, "last_time": when(row["last_time_ms"]), "last": None}


def _print(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(row)
        return
    row = _plain(row)
    times = {"created": row.pop("created_ms"), "last_time": row.pop("last_time_ms")}
    row |= {name: None if ms is None else moment(ms) for name, ms in times.items()}
    row |= row.pop("profile") | {"name": row["name"]}
    remarks = row.pop("remarks")
    row["flagged"] = ", ".join(f"{flag} {count}" for flag, count in row["flagged"].items()) or None
    for name, value in row.items():
        if value is not None:
            say("{:15} {}", name, value)
    for remark in remarks:
        say("\n{}.", f"{remark[0].upper()}{remark[1:]}")
