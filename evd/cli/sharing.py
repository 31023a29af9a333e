"""`evd vehicle claim-code` and `tag`, and `evd owner` for one vehicle's codes: whose vehicles are, and their groups."""

from __future__ import annotations

from typing import Any

import click

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table
from evd.cli.times import duration_s, moment, when
from evd.errors import ConfigError
from evd.model.tags import checked_tags

INVITATION_COLUMNS = {"id": "ID", "relation": "MAKES", "invited_by": "BY", "expires": "EXPIRES"}


@click.command("claim-code")
@click.argument("given", metavar="ID")
@click.option("--expires", metavar="TIME", help="For how long it is good, as 12h or 7d; default: 2d.")
@click.option("--viewer", is_flag=True, help="Who accepts it may look at the vehicle, and change nothing.")
@directory_option
@json_option
def claim_code(given: str, expires: str | None, viewer: bool, directory: str | None, as_json: bool) -> None:
    """Make a code by which a user makes vehicle ID the user's own; it is shown only this once, and good once.

    The user sends it to POST /api/v1/invitations/accept.
    """
    wish: dict[str, Any] = {"relation": "viewer" if viewer else "owner"}
    if expires is not None:
        wish["expires_s"] = duration_s(expires)
    made = ask(directory, "POST", f"/vehicles/{path_part(given)}/invitations", wish)
    if as_json:
        show(made)
        return
    say("{}", made["code"])
    what = "may look at" if viewer else "owns"
    say("who accepts it {} {}; good once, until {}", what, made["vehicle"], moment(made["expires"]), err=True)


@click.command("claim-codes")
@click.argument("given", metavar="ID")
@click.option("--revoke", metavar="CODE-ID", help="Revoke this one.")
@yes_option
@directory_option
@json_option
def claim_codes(given: str, revoke: str | None, yes: bool, directory: str | None, as_json: bool) -> None:
    """The open claim codes and invitations of vehicle ID; the codes themselves are not stored."""
    path = f"/vehicles/{path_part(given)}/invitations"
    if revoke is not None:
        if not agreed(f"Revoke claim code {revoke}?", yes=yes, as_json=as_json):
            return
        done = ask(directory, "DELETE", f"{path}/{path_part(revoke)}")
        show(done) if as_json else say("{} is revoked", revoke)
        return
    rows = ask_list(directory, path)
    if as_json:
        show(rows)
    else:
        shown = [{**row, "expires": when(row["expires"])} for row in rows]
        table(shown, INVITATION_COLUMNS, empty="There is none: `evd vehicle claim-code ID` makes one.")


@click.command("tag", context_settings={"ignore_unknown_options": True})
@click.argument("given", metavar="ID")
@click.argument("changes", metavar="[+TAG|-TAG]...", nargs=-1)
@directory_option
@json_option
def tag(given: str, changes: tuple[str, ...], directory: str | None, as_json: bool) -> None:
    """Add tags to vehicle ID (+a) and remove them (-b); without any, show them.

    `tag:a` stands for all vehicles with the tag a wherever vehicles are listed: `evd watch tag:a`.
    """
    if wrong := next((change for change in changes if change[0] not in "+-"), None):
        raise ConfigError(f"{wrong!r} neither adds nor removes a tag: write +{wrong} or -{wrong}")
    path = f"/vehicles/{path_part(given)}/tags"
    if changes:
        add, remove = (checked_tags(one[1:] for one in changes if one[0] == sign) for sign in "+-")
        tags = ask(directory, "PATCH", path, {"add": add, "remove": remove})
    else:
        tags = ask(directory, "GET", path)
    if as_json:
        show(tags)
    else:
        say("{}", " ".join(tags) or "no tags")
