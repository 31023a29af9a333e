"""What the commands share: the data directory, its settings, and requests to the daemon."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

import click

from evd.cli.printing import confirmed, say
from evd.config import loading
from evd.config.data_dir import POLL_EVERY_S, TURN_S, DataDirectory, find
from evd.config.names import nearest
from evd.config.settings import Config
from evd.errors import AlreadyRunning, ConfigError
from evd.model.tags import tag_in
from evd.net.client import control_socket

if TYPE_CHECKING:
    from evd.payload.field_options import FieldOptions

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

PAGE_MAX = 10_000
"""Rows that the daemon returns in one page."""


def directory_option(command: F) -> F:
    return click.option(
        "--dir",
        "directory",
        metavar="DIR",
        help="The data directory; default: $EVD_DIR, the service's, this one if it has evd.toml, your data folder.",
    )(command)


def json_option(command: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def yes_option(command: F) -> F:
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


def agreed(question: str, *, yes: bool, as_json: bool = False) -> bool:
    """Whether a person wants what cannot, or not easily, be undone; `--json` is for programs, which are not asked.

    Raises ConfigError where nobody can be asked.
    """
    if yes or as_json:
        return True
    if not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask at, so nothing was changed: add --yes")
    if confirmed(question):
        return True
    say("Nothing was changed.", err=True)
    return False


def settings(data_dir: DataDirectory, flags: Mapping[str, Any] | None = None) -> Config:
    """Raises ConfigError."""
    return loading.load(data_dir.settings, os.environ, flags)


def sources(data_dir: DataDirectory, flags: Mapping[str, Any] | None = None) -> loading.Loaded:
    """The settings, with where each comes from. Raises ConfigError."""
    return loading.without_mistake(data_dir.settings, os.environ, flags)


def ask(directory: str | None, method: str, path: str, body: Any = None) -> Any:
    """Send a request to the running daemon; if none runs, be the daemon for this request. Raises EvdError."""
    return reached(directory, lambda socket: control_socket.call(socket, method, path, body))


def ask_pages(
    directory: str | None,
    path: str,
    query: Mapping[str, Any],
    limit: int | None = None,
    count: Callable[[Any], int] = len,
) -> list[Any]:
    """The pages of a list, until they have `limit` rows in all; `count` counts those of a page. Raises EvdError."""

    def walk(socket: Path) -> list[Any]:
        pages, rows = [], 0
        following: str | None = f"{path}?{urlencode(query)}" if query else path
        while following is not None and (limit is None or rows < limit):
            document, following = control_socket.page(socket, following)
            pages.append(document)
            rows += count(document)
        return [*pages, following]

    *pages, following = reached(directory, walk)
    if following is not None:
        _say_cut()
    return pages


def ask_list(
    directory: str | None,
    path: str,
    query: Mapping[str, Any] = MappingProxyType({}),
    limit: int | None = None,
    *,
    page_max: int = PAGE_MAX,
) -> list[Any]:
    """The rows of a list: all, or the first `limit`; if there are more, stderr says so. Raises EvdError."""
    if limit is not None:
        query = {"limit": min(limit, page_max), **query}
    rows = [row for page in ask_pages(directory, path, query, limit) for row in page]
    if limit is not None and len(rows) > limit:
        _say_cut()
    return rows[:limit]


def _say_cut() -> None:
    say("… there are more: a higher --limit shows them.", err=True)


def reached(directory: str | None, work: Callable[[Path], T]) -> T:
    data_dir = find(directory, os.environ)
    data_dir.require()
    return with_writer(data_dir, None, work)


STARTS_S = 10.0
"""How long a command waits for a daemon that starts: it holds the lock and has no control socket yet."""


def with_writer(data_dir: DataDirectory, config: Config | None, work: Callable[[Path], T]) -> T:
    """Run `work` with the control socket of the running daemon, or of one that runs for this work only, with `config`.

    Commands at the same time take turns. Raises EvdError.
    """
    begun = time.monotonic()
    while True:
        try:
            return work(data_dir.socket)
        except control_socket.DaemonNotRunning:
            from evd.daemon import process as serving  # takes half a second, which a running daemon saves
            from evd.log import logger as log

            log.configure(level="error")
        try:
            done: T = serving.briefly(data_dir, config or settings(data_dir), work)
            return done
        except AlreadyRunning as error:
            if time.monotonic() - begun > (TURN_S if error.briefly else STARTS_S):
                raise
        time.sleep(POLL_EVERY_S)


def path_part(text: str) -> str:
    """An id or a name as one segment of an API's path. Raises ConfigError if it cannot be one."""
    if not text or "/" in text or not text.isprintable():
        raise ConfigError(f"{text!r} is not an id or a name: use printable characters other than /")
    return quote(text, safe="")


def named_vehicles(directory: str | None, given: Iterable[str]) -> list[str]:
    """The vehicles that are named, with those of each `tag:NAME` in its place, each once. Raises EvdError."""
    named: dict[str, None] = {}
    for one in given:
        tag = tag_in(one)
        found = [one] if tag is None else ask(directory, "GET", f"/tags/{path_part(tag)}")
        if not found:
            raise ConfigError(f"no vehicle has the tag {tag}: `evd vehicle tag ID +{tag}` adds it to one")
        named.update(dict.fromkeys(found))
    return list(named)


def named_format(text: str, directory: str | None) -> tuple[str, dict[str, FieldOptions]]:
    """The grammar and the options of the format of this name, built in or in evd.toml; with a colon it is a grammar.

    Raises EvdError.
    """
    if ":" in text:
        return text, {}
    from evd.payload.formats import BUILT_IN, field_options

    known = {**BUILT_IN, **settings(find(directory, os.environ)).formats}
    if text not in known:
        raise ConfigError(f"there is no format {text!r}{nearest(text, known)} Or write a grammar, as load::uint:8")
    return known[text].grammar, field_options(known[text])
