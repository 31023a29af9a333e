"""`evd owner`: which user owns which vehicle."""

from __future__ import annotations

import click

from evd.cli.common import agreed, ask, ask_list, directory_option, json_option, yes_option
from evd.cli.printing import say, show, table


@click.group()
def owner() -> None:
    """Owners: which user of the app owns which vehicle, or may look at it."""


@owner.command()
@click.argument("uid")
@click.argument("vehicle")
@click.option("--viewer", is_flag=True, help="The user may look at VEHICLE and get its pushes, but change nothing.")
@directory_option
@json_option
def add(uid: str, vehicle: str, viewer: bool, directory: str | None, as_json: bool) -> None:
    """Make the user UID an owner of VEHICLE."""
    relation = "viewer" if viewer else "owner"
    done = ask(directory, "POST", "/owners", {"uid": uid, "vehicle": vehicle, "relation": relation})
    if as_json:
        show(done)
    elif viewer:
        say("{} may look at {}", done["uid"], done["vehicle"])
    else:
        say("{} owns {}", done["uid"], done["vehicle"])


@owner.command()
@click.argument("uid")
@click.argument("vehicle")
@yes_option
@directory_option
@json_option
def remove(uid: str, vehicle: str, yes: bool, directory: str | None, as_json: bool) -> None:
    """UID no longer owns VEHICLE, and UID's phones get no more pushes of it."""
    if not agreed(f"Take vehicle {vehicle} from {uid}, with the phones of {uid}?", yes=yes, as_json=as_json):
        return
    done = ask(directory, "DELETE", "/owners", {"uid": uid, "vehicle": vehicle})
    if as_json:
        show(done)
    else:
        say("{} no longer owns {}", done["uid"], done["vehicle"])


@owner.command("list")
@directory_option
@json_option
def list_(directory: str | None, as_json: bool) -> None:
    """All owners."""
    rows = ask_list(directory, "/owners")
    if as_json:
        show(rows)
    else:
        table(
            rows,
            {"uid": "USER", "vehicle": "VEHICLE", "relation": "RELATION"},
            empty="No vehicle has an owner: `evd owner add UID VEHICLE`.",
        )
