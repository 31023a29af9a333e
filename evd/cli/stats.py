"""`evd stats`: what the daemon has done, and what the database holds."""

from __future__ import annotations

from typing import Any

import click

from evd.cli.common import ask, directory_option, json_option
from evd.cli.printing import say, show


@click.command()
@directory_option
@json_option
def stats(directory: str | None, as_json: bool) -> None:
    """Counts: since the daemon's start, and in the database."""
    document = ask(directory, "GET", "/stats")
    if as_json:
        show(document)
    elif document["running"]:
        _lines("", document)
    else:  # the daemon of this command alone has counted nothing
        say("evd is not running. Its database holds:")
        _lines("stored.", document["stored"])


def _lines(prefix: str, document: dict[str, Any]) -> None:
    for name, value in document.items():
        if isinstance(value, dict):
            _lines(f"{prefix}{name}.", value)
        elif value is not None and value != "":
            say("{:32} {}", prefix + name, value)
