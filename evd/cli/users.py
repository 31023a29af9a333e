"""`evd user`: local users, who sign in with a password."""

from __future__ import annotations

import sys

import click

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, path_part, yes_option
from evd.cli.printing import say, show, table, typed_password
from evd.cli.times import when
from evd.errors import ConfigError

PASSWORD_LINE_MAX = 4096
"""Characters of a line that are read; evd takes passwords of 1,024 bytes."""

stdin_option = click.option("--password-stdin", is_flag=True, help="Read the password from stdin, one line.")


@click.group()
def user() -> None:
    """Local users: who may sign in with a password."""


@user.command()
@click.argument("uid")
@click.option("--admin", is_flag=True, help="The user may administrate evd.")
@stdin_option
@directory_option
@json_option
def add(uid: str, admin: bool, password_stdin: bool, directory: str | None, as_json: bool) -> None:
    """Add the user UID, with a password that is asked for."""
    done = ask(directory, "POST", "/users", {"uid": uid, "password": _password(password_stdin), "admin": admin})
    if as_json:
        show(done)
    else:
        say("{} may sign in{}", done["uid"], ", as an administrator" if admin else "")
        if done["vehicles"]:
            say("{} owns or sees vehicles already ({}): `evd owner list` shows them", uid, done["vehicles"])


@user.command("list")
@directory_option
@json_option
def list_(directory: str | None, as_json: bool) -> None:
    """All local users."""
    rows = ask_list(directory, "/users")
    if as_json:
        show(rows)
        return
    shown = [{**row, "admin": "yes" if row["admin"] else "", "changed": when(row["changed"])} for row in rows]
    columns = {"uid": "USER", "admin": "ADMIN", "changed": "PASSWORD SET"}
    table(shown, columns, empty="There are no local users: `evd user add UID` adds one.")


@user.command()
@click.argument("uid")
@click.option("--url", default="", help="evd's public address, to print a whole link.")
@directory_option
@json_option
def link(uid: str, url: str, directory: str | None, as_json: bool) -> None:
    """Make a link that signs UID in, once, within an hour: for a first visit, or a forgotten password."""
    made = ask(directory, "POST", f"/users/{path_part(uid)}/link", {})
    if as_json:
        show(made)
    else:
        say("{}/#/signin?code={}", url.rstrip("/"), made["code"])


@user.command()
@click.argument("uid")
@stdin_option
@directory_option
@json_option
def passwd(uid: str, password_stdin: bool, directory: str | None, as_json: bool) -> None:
    """Set another password for UID, whose sessions end."""
    done = ask(directory, "PUT", f"/users/{path_part(uid)}/password", {"password": _password(password_stdin)})
    if as_json:
        show(done)
    else:
        say("{} has a new password; sessions that ended: {}", uid, done["sessions_ended"])


@user.command()
@click.argument("uid")
@click.option("--forget", is_flag=True, help="Remove also what stays: vehicles of UID's own, phones, preferences.")
@yes_option
@directory_option
@json_option
def remove(uid: str, forget: bool, yes: bool, directory: str | None, as_json: bool) -> None:
    """Remove UID, whose sessions, access tokens and open invitations end.

    What UID owns, its phones and its preferences stay, for whoever has the uid next; with --forget they go, too. A
    vehicle itself is kept: `evd vehicle delete` deletes one.
    """
    if forget:
        if agreed(f"Remove {uid} with all that is known of this user?", yes=yes, as_json=as_json):
            _forget(uid, directory, as_json)
        return
    if not agreed(f"Remove {uid}, whose sessions and tokens end?", yes=yes, as_json=as_json):
        return
    done = ask(directory, "DELETE", f"/users/{path_part(uid)}")
    if as_json:
        show(done)
    else:
        say("{} is removed", uid)
        if done["vehicles"]:
            say(
                "the vehicles ({}), phones and preferences of {} stay with this uid, whoever has it next: "
                "`evd user remove {} --forget` takes them away",
                *(done["vehicles"], uid, uid),
            )


def _forget(uid: str, directory: str | None, as_json: bool) -> None:
    vehicles = [row["vehicle"] for row in ask_list(directory, "/owners") if row["uid"] == uid]
    done = ask(directory, "DELETE", f"/users/{path_part(uid)}/data")
    if as_json:
        show(done)
        return
    say("{} is removed, with {}", uid, ", ".join(f"{rows} of {name}" for name, rows in done["deleted"].items()))
    if vehicles:
        say("no longer owned or seen by {}: {}", uid, ", ".join(vehicles))


def _password(from_stdin: bool) -> str:
    """Raises ConfigError."""
    if not from_stdin:
        if not sys.stdin.isatty():
            raise ConfigError("there is no terminal to ask for the password on: use --password-stdin")
        return typed_password()
    password = sys.stdin.readline(PASSWORD_LINE_MAX).rstrip("\r\n")
    if not password:
        raise ConfigError("stdin has no password: use for instance `evd user add UID --password-stdin < password.txt`")
    return password
