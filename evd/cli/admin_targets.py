"""`evd <noun>`: targets that an administrator registers for a vehicle, the same commands for each push provider."""

from __future__ import annotations

import os
from typing import Any

import click

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, yes_option
from evd.cli.printing import say, show, table
from evd.cli.times import when
from evd.config.data_dir import find
from evd.net.client.signature import new_secret
from evd.push.traits import AdminTargets


def group(targets: AdminTargets, help: str) -> click.Group:
    """The command of one provider's targets."""
    commands = [_add(targets), _list(targets), _remove(targets)]
    if targets.secret_setting is not None:
        commands.append(_secret(targets.noun, *targets.secret_setting))
    for command in commands:
        name, arguments = (
            command.name,
            {"list": "", "secret": ""}.get(str(command.name), f" 386625 {targets.field.upper()}"),
        )
        command.epilog = f"Example: evd {targets.noun} {name}{arguments}"
    return click.Group(
        targets.noun,
        commands={str(command.name): command for command in commands},
        help=help,
    )


def _add(targets: AdminTargets) -> click.Command:
    @click.command("add", help=f"Push VEHICLE's statuses and events to {targets.field.upper()}.")
    @click.argument("vehicle")
    @click.argument("target", metavar=targets.field.upper())
    @directory_option
    @json_option
    def add(vehicle: str, target: str, directory: str | None, as_json: bool) -> None:
        row = ask(directory, "POST", f"/{targets.noun}s", {"vehicle": vehicle, targets.field: target})
        if as_json:
            show(row)
        else:
            say("{} receives the pushes of vehicle {}", row[targets.field], row["vehicle"])

    return add


def _list(targets: AdminTargets) -> click.Command:
    noun, shown = targets.noun, targets.field.upper()
    columns = {
        "vehicle": "VEHICLE",
        targets.field: targets.called.upper(),
        "created": "ADDED",
        "pushed": "TAKEN LAST",
        "attempts": "FAILED",
        "said": "ANSWER",
    }

    @click.command("list", help=f"List the {noun}s of VEHICLE, or all; each {targets.called} without its secret part.")
    @click.argument("vehicle", required=False)
    @directory_option
    @json_option
    def list_(vehicle: str | None, directory: str | None, as_json: bool) -> None:
        rows = ask_list(directory, f"/{noun}s", {"vehicle": vehicle} if vehicle else {})
        if as_json:
            show(rows)
        else:
            table(map(_readable, rows), columns, empty=f"There are none: `evd {noun} add VEHICLE {shown}` adds one.")

    return list_


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: when(row[name]) for name in ("created", "pushed")}
    return {**row, **times, "attempts": row["attempts"] or None, "said": row["said"] or None}


def _remove(targets: AdminTargets) -> click.Command:
    shown = targets.field.upper()

    @click.command("remove", help=f"Stop pushing VEHICLE to {shown}; {shown} as the list shows it, or whole.")
    @click.argument("vehicle")
    @click.argument("target", metavar=shown)
    @yes_option
    @directory_option
    @json_option
    def remove(vehicle: str, target: str, yes: bool, directory: str | None, as_json: bool) -> None:
        if not agreed(f"Stop pushing vehicle {vehicle} to {target}?", yes=yes, as_json=as_json):
            return
        row = ask(directory, "DELETE", f"/{targets.noun}s", {"vehicle": vehicle, targets.field: target})
        if as_json:
            show(row)
        else:
            say("{} receives nothing of vehicle {} any more", row[targets.field], row["vehicle"])

    return remove


def _secret(noun: str, section: str, setting: str) -> click.Command:
    @click.command("secret", help=f"Make a secret that signs the pushes to {noun}s. It is printed only once.")
    @directory_option
    @json_option
    def secret(directory: str | None, as_json: bool) -> None:
        text = new_secret()
        if as_json:
            show({"secret": text})
            return
        say("{}", text)
        file = find(directory, os.environ).settings
        say('Write it into {}: [{}] {} = "…", restart evd, give it to the receivers.', file, section, setting, err=True)

    return secret
