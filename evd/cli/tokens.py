"""`evd token`: personal access tokens, which users give their programs."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from evd.auth.access_tokens import SCOPES
from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.cli.times import duration_s, when
from evd.model.units import DAY_S


@click.group()
def token() -> None:
    """Personal access tokens: what a user's programs ask and post with."""


@token.command()
@click.option("--user", "uid", required=True, metavar="UID", help="In whose name it asks.")
@click.option("--scope", "scopes", required=True, multiple=True, help=f"Some of {','.join(SCOPES)}.")
@click.option("--vehicle", "vehicles", multiple=True, metavar="ID", help="Only for this vehicle; repeatable.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="Only for vehicles with this tag; repeatable.")
@click.option("--expires", metavar="TIME", help="As 12h, 90d or 8w; without it the token does not expire.")
@click.option("--name", default="", help="A name for people, such as the program's.")
@directory_option
@json_option
def create(
    uid: str,
    scopes: tuple[str, ...],
    vehicles: tuple[str, ...],
    tags: tuple[str, ...],
    expires: str | None,
    name: str,
    directory: str | None,
    as_json: bool,
) -> None:
    """Make a token; it is shown only this once."""
    wish: dict[str, Any] = {"uid": uid, "scopes": scopes, "name": name, "tags": tags}
    if vehicles:
        wish["vehicles"] = vehicles
    if expires is not None:
        wish["expires_days"] = duration_s(expires) / DAY_S
    made = ask(directory, "POST", "/tokens", wish)
    if as_json:
        show(made)
    else:
        say("{}", made["token"])


@token.command("list")
@click.option("--user", "uid", metavar="UID", help="Only this user's.")
@directory_option
@json_option
def list_(uid: str | None, directory: str | None, as_json: bool) -> None:
    """All tokens; their texts are not stored."""
    rows = ask_list(directory, "/tokens" + (f"?{urlencode({'uid': uid})}" if uid is not None else ""))
    if as_json:
        show(rows)
        return
    columns = {"id": "ID", "uid": "USER", "name": "NAME", "scopes": "SCOPES", "limits": "FOR", "expires": "EXPIRES",
               "used": "LAST USED"}  # fmt: skip
    table([_shown(row) for row in rows], columns, empty="There are no tokens: `evd token create --user UID` makes one.")


@token.command()
@click.argument("given", metavar="ID")
@yes_option
@directory_option
@json_option
def revoke(given: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """Revoke a token at once."""
    if not agreed(f"Revoke token {given}? It cannot be undone.", yes=yes, as_json=as_json):
        return
    done = ask(directory, "DELETE", f"/tokens/{path_part(given)}")
    if as_json:
        show(done)
    else:
        say("{} is revoked", given)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    limits = "all" if row["vehicles"] is None else " ".join([*row["vehicles"], *row["tags"]])
    times = {name: when(row[name]) for name in ("expires", "used")}
    return {**row, "scopes": " ".join(row["scopes"]), "limits": limits, **times}
