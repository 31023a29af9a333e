"""`evd key`: API keys and their roles."""

from __future__ import annotations

import sys
from typing import Any

import click

from evd.auth.api_keys import KEY_MAX_CHARACTERS, ROLES, joined_roles
from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.errors import ConfigError

role_option = click.option("--role", required=True, type=click.Choice(ROLES), help="What the key may be used for.")
several_roles_option = click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    metavar="ROLE",
    help=f"What the key may be used for: {', '.join(ROLES)}; repeatable, if a client has one key for several.",
)
name_option = click.option("--name", default="", help="A name for people, such as the key's holder.")
vehicle_option = click.option("--vehicle", metavar="ID", help="A device key may be bound to one vehicle.")


@click.group()
def key() -> None:
    """API keys: create, import, list, revoke."""


@key.command()
@role_option
@name_option
@vehicle_option
@directory_option
@json_option
def create(role: str, name: str, vehicle: str | None, directory: str | None, as_json: bool) -> None:
    """Make a key; it is shown only this once."""
    made = ask(directory, "POST", "/keys", _wish(role, name, vehicle))
    if as_json:
        show(made)
    else:
        say("{}", made["key"])


@key.command("import")
@several_roles_option
@name_option
@vehicle_option
@directory_option
@json_option
def import_(roles: tuple[str, ...], name: str, vehicle: str | None, directory: str | None, as_json: bool) -> None:
    """Import a key that a client already has: its text on stdin, in one line.

    One key can have several roles, as at the original's gateway: --role sigfox --role device --role app. A key that
    is imported again gains the roles that it lacks.
    """
    role = joined_roles(roles)
    if sys.stdin.isatty():
        say("The key, then Enter:", err=True)
    secret = sys.stdin.readline(KEY_MAX_CHARACTERS + 2).strip()
    if not secret:
        raise ConfigError("stdin has no key: use for instance `evd key import --role sigfox < key.txt`")
    made = ask(directory, "POST", "/keys", {**_wish(role, name, vehicle), "secret": secret})
    if as_json:
        show(made)
    else:
        say("imported as {}, for {}", made["id"], made["role"].replace(",", ", "))


@key.command("list")
@directory_option
@json_option
def list_(directory: str | None, as_json: bool) -> None:
    """All keys; their texts are not stored."""
    rows = ask_list(directory, "/keys")
    if as_json:
        show(rows)
        return
    shown = [{**row, "state": "revoked" if row["revoked"] else "alive"} for row in rows]
    columns = {"id": "ID", "role": "ROLE", "name": "NAME", "vehicle": "VEHICLE", "state": "STATE"}
    table(shown, columns, empty="There are no keys: `evd key create --role sigfox` makes one.")


@key.command()
@click.argument("given", metavar="ID")
@yes_option
@directory_option
@json_option
def revoke(given: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """Revoke a key at once."""
    if not agreed(f"Revoke key {given}? Whoever has it is refused from then on.", yes=yes, as_json=as_json):
        return
    done = ask(directory, "DELETE", f"/keys/{path_part(given)}")
    if as_json:
        show(done)
    else:
        say("{} is revoked; `evd key revive {}` undoes it", given, given)


@key.command()
@click.argument("given", metavar="ID")
@directory_option
@json_option
def revive(given: str, directory: str | None, as_json: bool) -> None:
    """Undo the revocation of a key: it is good again at once, for whoever has its text."""
    done = ask(directory, "POST", f"/keys/{path_part(given)}/revive")
    if as_json:
        show(done)
    else:
        say("{} is good again", given)


def _wish(role: str, name: str, vehicle: str | None) -> dict[str, Any]:
    return {"role": role, "name": name} | ({"vehicle": vehicle} if vehicle is not None else {})
