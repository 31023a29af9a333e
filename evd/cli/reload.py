"""`evd reload`: the running daemon takes renewed certificates and the settings that may change without a restart."""

from __future__ import annotations

import os
import time

import click

from evd.cli.common import directory_option, json_option
from evd.cli.printing import say, show
from evd.config.data_dir import find
from evd.errors import NoDaemon
from evd.model.units import DAY_S
from evd.net.client import control_socket


@click.command()
@directory_option
@json_option
def reload(directory: str | None, as_json: bool) -> None:
    """Take renewed certificates and changed settings into the running evd; no connection is closed.

    Settings that need a restart are named. If a file or a certificate cannot be used, nothing changes.
    """
    data_dir = find(directory, os.environ)
    data_dir.require()
    try:
        done = control_socket.call(data_dir.socket, "POST", "/reload")
    except control_socket.DaemonNotRunning:
        raise NoDaemon(
            f"no evd runs in {data_dir.directory}: there is nothing to reload, its next start reads everything"
        ) from None
    if as_json:
        show(done)
        return
    for setting in done["changed"]:
        say("Changed: {}", setting)
    if done["certificate_renewed"]:
        say("Renewed: the certificate; {}.", _days(done["certificate_ends_s"]))
    for setting in done["needs_restart"]:
        say("Needs a restart: {}", setting)
    if not done["changed"] and not done["needs_restart"] and not done["certificate_renewed"]:
        say("Nothing has changed.")


def _days(ends_s: float) -> str:
    return f"it ends in {int((ends_s - time.time()) // DAY_S)} days"
