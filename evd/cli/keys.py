"""`evd key`: API keys and their roles."""

from __future__ import annotations

import sys
from typing import Any

import click

from evd.auth.api_keys import KEY_MAX_CHARACTERS, ROLES, joined_roles
from evd.cli.common import ask, ask_list, directory_option, json_option
from evd.cli.printing import say, show, table
from evd.errors import ConfigError

role_option = click.option("--role", required=True, type=click.Choice(ROLES), help="What the key may do.")
several_roles_option = click.option(
    "--role",
    "roles",
    required=True,
    multiple=True,
    metavar="ROLE",
    help=f"What the key may do, of {', '.join(ROLES)}; more than one where a client has one key for all it asks.",
)
name_option = click.option("--name", default="", help="For people: who holds it.")
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
    """Make a key; it is shown this once."""
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
    """Take in a key that a client has already: its text on stdin, in one line.

    One key for several roles, as the original's gateway had it: --role sigfox --role device --role app. Imported
    again, a key gains the roles that it lacks.
    """
    role = joined_roles(roles)
    if sys.stdin.isatty():
        say("The key, then Enter:", err=True)
    secret = sys.stdin.readline(KEY_MAX_CHARACTERS + 2).strip()
    if not secret:
        raise ConfigError("no key came on stdin: for instance `evd key import --role sigfox < key.txt`")
    made = ask(directory, "POST", "/keys", {**_wish(role, name, vehicle), "secret": secret})
    if as_json:
        show(made)
    else:
        say("imported as {}, for {}", made["id"], made["role"].replace(",", ", "))


@key.command("list")
@directory_option
@json_option
def list_(directory: str | None, as_json: bool) -> None:
    """All keys; their texts are not kept."""
    rows = ask_list(directory, "/keys")
    if as_json:
        show(rows)
        return
    shown = [{**row, "state": "revoked" if row["revoked"] else "alive"} for row in rows]
    columns = {"id": "ID", "role": "ROLE", "name": "NAME", "vehicle": "VEHICLE", "state": "STATE"}
    table(shown, columns, empty="There are no keys: `evd key create --role sigfox` makes one.")


@key.command()
@click.argument("given", metavar="ID")
@directory_option
@json_option
def revoke(given: str, directory: str | None, as_json: bool) -> None:
    """Revoke a key at once."""
    done = ask(directory, "DELETE", f"/keys/{given}")
    if as_json:
        show(done)
    else:
        say("{} is revoked", given)


def _wish(role: str, name: str, vehicle: str | None) -> dict[str, Any]:
    return {"role": role, "name": name} | ({"vehicle": vehicle} if vehicle is not None else {})
