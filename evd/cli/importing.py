"""`evd import`: move in from another system."""

from __future__ import annotations

import click

from evd.cli.import_dynamodb import dynamodb
from evd.cli.import_firebase import firebase


@click.group("import")
def import_() -> None:
    """Move in from another system."""


import_.add_command(dynamodb)
import_.add_command(firebase)
