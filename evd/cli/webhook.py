"""`evd webhook`: addresses that get a vehicle's statuses and events as signed POSTs."""

from __future__ import annotations

import os
from typing import Any

import click

from evd.cli.common import ask, ask_list, directory_option, json_option
from evd.cli.printing import say, show, table
from evd.cli.times import utc_time
from evd.config.data_dir import find
from evd.net.client.signature import new_secret

COLUMNS = {
    "vehicle": "VEHICLE",
    "url": "ADDRESS",
    "created": "ADDED (UTC)",
    "pushed": "TAKEN LAST (UTC)",
    "attempts": "FAILED",
    "said": "ANSWER",
}


@click.group()
def webhook() -> None:
    """Webhooks: addresses that get each new status and event of a vehicle."""


@webhook.command()
@click.argument("vehicle")
@click.argument("url")
@directory_option
@json_option
def add(vehicle: str, url: str, directory: str | None, as_json: bool) -> None:
    """Send the statuses and events of VEHICLE to URL: https, or http to this machine."""
    row = ask(directory, "POST", "/webhooks", {"vehicle": vehicle, "url": url})
    if as_json:
        show(row)
    else:
        say("{} gets the pushes of vehicle {}", row["url"], row["vehicle"])


@webhook.command("list")
@click.argument("vehicle", required=False)
@directory_option
@json_option
def list_(vehicle: str | None, directory: str | None, as_json: bool) -> None:
    """Webhooks of VEHICLE, or of all vehicles; addresses are shown without ?query, which may be a key."""
    rows = ask_list(directory, "/webhooks", {"vehicle": vehicle} if vehicle else {})
    if as_json:
        show(rows)
    else:
        table(map(_readable, rows), COLUMNS, empty="There are none: `evd webhook add VEHICLE URL` adds one.")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: utc_time(row[name]) for name in ("created", "pushed")}
    return {**row, **times, "attempts": row["attempts"] or None, "said": row["said"] or None}


@webhook.command()
@click.argument("vehicle")
@click.argument("url")
@directory_option
@json_option
def remove(vehicle: str, url: str, directory: str | None, as_json: bool) -> None:
    """Remove the webhook URL of VEHICLE; give URL as the list shows it, or with its ?query."""
    row = ask(directory, "DELETE", "/webhooks", {"vehicle": vehicle, "url": url})
    if as_json:
        show(row)
    else:
        say("{} no longer gets the pushes of vehicle {}", row["url"], row["vehicle"])


@webhook.command()
@directory_option
@json_option
def secret(directory: str | None, as_json: bool) -> None:
    """Make a secret that signs webhooks; it is printed only once and stored nowhere."""
    text = new_secret()
    if as_json:
        show({"secret": text})
        return
    say("{}", text)
    file = find(directory, os.environ).settings
    say('Write it into {}: [push] webhook_secret = "…"; restart evd; give it to the receivers.', file, err=True)
