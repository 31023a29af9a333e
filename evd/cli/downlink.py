"""`evd downlink`: the eight bytes that a vehicle gets when it asks."""

from __future__ import annotations

from typing import Any

import click
import orjson

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.cli.times import duration_s, moment, when
from evd.errors import ConfigError
from evd.sigfox.downlinks import STATES, info_code

COLUMNS = {
    "number": "NUMBER",
    "vehicle": "VEHICLE",
    "payload": "PAYLOAD",
    "state": "STATE",
    "created": "QUEUED",
    "expires": "EXPIRES",
    "offered": "OFFERED",
    "closed": "CLOSED",
    "fate": "SIGFOX SAYS",
}
TIMES = ("created", "expires", "offered", "closed")


@click.group()
def downlink() -> None:
    """Downlinks: what vehicles get when they ask."""


@downlink.command()
@click.argument("vehicle")
@click.argument("payload", metavar="[HEX]", required=False)
@click.option(
    "--fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="A field of the format; repeatable. A value is JSON (7, true, 1.5), else text.",
)
@click.option("--format", "format_", metavar="NAME_OR_GRAMMAR", help="The format of --fields.")
@click.option("--expires", metavar="TIME", help="How long it is worth sending, such as 12h or 2d.")
@directory_option
@json_option
def send(
    vehicle: str,
    payload: str | None,
    fields: tuple[str, ...],
    format_: str | None,
    expires: str | None,
    directory: str | None,
    as_json: bool,
) -> None:
    """Queue a downlink for VEHICLE: 16 hex digits, or fields that fit into 8 bytes (the rest is filled with zeros)."""
    wish: dict[str, Any] = {}
    if payload is not None:
        wish["payload"] = payload
    if fields:
        wish["fields"] = dict(map(_field, fields))
    if format_ is not None:
        wish["format"] = format_
    if expires is not None:
        wish["expires_s"] = duration_s(expires)
    row = ask(directory, "POST", f"/vehicles/{path_part(vehicle)}/downlinks", wish)
    if as_json:
        show(row)
    else:
        say(
            "downlink {}: {} waits for vehicle {} to ask, until {}",
            *(row["number"], row["payload"], row["vehicle"], moment(row["expires"])),
        )


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ConfigError(f"--fields {text!r} is not NAME=VALUE")
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


@downlink.command("list")
@click.argument("vehicle", required=False)
@click.option("--state", type=click.Choice(STATES), help="Only downlinks in this state.")
@directory_option
@json_option
def list_(vehicle: str | None, state: str | None, directory: str | None, as_json: bool) -> None:
    """Downlinks of VEHICLE, or of all vehicles, the newest first."""
    path = "/downlinks" if vehicle is None else f"/vehicles/{path_part(vehicle)}/downlinks"
    rows = ask_list(directory, path, {} if state is None else {"state": state})
    if as_json:
        show(rows)
    else:
        table(map(_readable, rows), COLUMNS, empty="There are none: `evd downlink send VEHICLE HEX` queues one.")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    code = row["info_code"]
    fate = None if code is None else f"{info_code(code).name}: {info_code(code).meaning}"
    return {**row, **{name: when(row[name]) for name in TIMES}, "fate": fate}


@downlink.command()
@click.argument("number", type=click.IntRange(1))
@yes_option
@directory_option
@json_option
def cancel(number: int, yes: bool, directory: str | None, as_json: bool) -> None:
    """Cancel a downlink that no message has asked for yet."""
    if not agreed(f"Cancel downlink {number}?", yes=yes, as_json=as_json):
        return
    row = ask(directory, "DELETE", f"/downlinks/{number}")
    if as_json:
        show(row)
    else:
        say("downlink {} for vehicle {} is cancelled", row["number"], row["vehicle"])
