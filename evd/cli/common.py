"""What the commands share: where evd lives, its settings, and the way to the daemon."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import click

from evd import config, control
from evd.config import Config
from evd.errors import ConfigError
from evd.field_options import FieldOptions
from evd.place import Place, find

F = TypeVar("F", bound=Callable[..., Any])


def directory_option(command: F) -> F:
    return click.option(
        "--dir", "directory", metavar="DIR", help="Where evd lives; else $EVD_DIR, $STATE_DIRECTORY, your data folder."
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def settings(place: Place, flags: Mapping[str, Any] | None = None) -> Config:
    """Raises ConfigError."""
    return config.load(place.settings, os.environ, flags)


def ask(directory: str | None, method: str, path: str, body: Any = None) -> Any:
    """Put something to the running daemon; where none runs, be the writer for the moment.

    Raises EvdError.
    """
    place = find(directory, os.environ)
    place.require()
    try:
        return control.call(place.socket, method, path, body)
    except control.NobodyThere:
        from evd import daemon, log  # the daemon's imports take half a second, which a running one spares

        log.configure(level="error")
        return daemon.briefly(place, settings(place), lambda: control.call(place.socket, method, path, body))


def path_part(text: str) -> str:
    """An id or a name as one part of an API's path. Raises ConfigError for what can stand in none."""
    if not text or "/" in text or not text.isprintable():
        raise ConfigError(f"{text!r} is no id or name: printable characters are needed, and none may be a /")
    return quote(text, safe="")


def named_format(text: str, directory: str | None) -> tuple[str, dict[str, FieldOptions]]:
    """The grammar and the options of the format of this name, built in or of DIR's settings; else `text` is a grammar.

    Raises EvdError.
    """
    if ":" in text:
        return text, {}
    from evd.formats import BUILT_IN, field_options

    found = {**BUILT_IN, **settings(find(directory, os.environ)).formats}.get(text)
    return (found.grammar, field_options(found)) if found else (text, {})
