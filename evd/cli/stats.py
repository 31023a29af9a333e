"""`evd stats`: what the daemon did and holds."""

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
    else:  # what this command was for a moment has counted nothing
        say("evd does not run. Its database holds:")
        _lines("stored.", document["stored"])


def _lines(prefix: str, document: dict[str, Any]) -> None:
    for name, value in document.items():
        if isinstance(value, dict):
            _lines(f"{prefix}{name}.", value)
        elif value is not None and value != "":
            say("{:32} {}", prefix + name, value)
