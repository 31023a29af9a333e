"""`evd vehicle delete`, `merge` and `ignore`, and `evd forget`: the life of vehicles and of users' data."""

from __future__ import annotations

from typing import Any

import click

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.cli.times import when
from evd.errors import ConfigError


@click.command("delete")
@click.argument("given", metavar="ID")
@yes_option
@directory_option
@json_option
def delete(given: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """Delete vehicle ID with all that is known of it: statuses, owners, registrations, events, rejected requests."""
    if agreed(f"Delete vehicle {given} with all its statuses?", yes=yes, as_json=as_json):
        _print(ask(directory, "DELETE", f"/vehicles/{path_part(given)}"), as_json)


@click.command("merge")
@click.argument("given", metavar="FROM")
@click.argument("into", metavar="INTO")
@yes_option
@directory_option
@json_option
def merge(given: str, into: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """Vehicle FROM, a mistyped id, becomes vehicle INTO, which also gets the later callbacks under FROM.

    Statuses arrive there by the rules of its ring; owners, registrations, keys and events move.
    """
    if not agreed(f"Merge vehicle {given} into {into}? This cannot be undone.", yes=yes, as_json=as_json):
        return
    done = ask(directory, "POST", f"/vehicles/{path_part(given)}/merge", {"into": into})
    if as_json:
        show(done)
    else:
        say("{} is {} from now on; its statuses move within seconds", done["vehicle"], done["into"])


@click.command("ignore")
@click.argument("given", metavar="[ID]", required=False)
@click.option("--off", is_flag=True, help="Keep its callbacks again.")
@directory_option
@json_option
def ignore(given: str | None, off: bool, directory: str | None, as_json: bool) -> None:
    """Answer the callbacks of vehicle ID, count them, and keep nothing of them; without ID: list such vehicles."""
    if given is None:
        rows = ask_list(directory, "/ignored")
        if as_json:
            show(rows)
        else:
            shown = [{**row, "since": when(row["since"])} for row in rows]
            columns = {"vehicle": "VEHICLE", "since": "SINCE", "callbacks": "CALLBACKS"}
            table(shown, columns, empty="No vehicle is ignored.")
        return
    done = ask(directory, "PUT", f"/vehicles/{path_part(given)}/ignored", {"ignored": not off})
    if as_json:
        show(done)
    else:
        say("{} is {}ignored", done["vehicle"], "" if done["ignored"] else "no longer ")


@click.command()
@click.option("--user", metavar="UID", help="All of this user: owners, registrations, tokens, sessions, preferences.")
@click.option("--vehicle", metavar="ID", help="All of this vehicle, as `evd vehicle delete`.")
@yes_option
@directory_option
@json_option
def forget(user: str | None, vehicle: str | None, yes: bool, directory: str | None, as_json: bool) -> None:
    """Forget a user or a vehicle, for privacy: what is deleted is overwritten in the database file."""
    if (user is None) == (vehicle is None):
        raise ConfigError("name what is to be forgotten: either --user UID or --vehicle ID")
    path = f"/vehicles/{path_part(vehicle)}" if vehicle is not None else f"/users/{path_part(user or '')}/data"
    if agreed(f"Forget all of {vehicle or user}?", yes=yes, as_json=as_json):
        _print(ask(directory, "DELETE", path), as_json)


def _print(done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show(done)
    else:
        say("deleted: {}", ", ".join(f"{rows} of {name}" for name, rows in done["deleted"].items()))
