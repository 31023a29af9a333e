"""`evd init` creates a data directory; `evd serve` runs the daemon in it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import click

from evd.auth.api_keys import ROLES
from evd.cli.common import directory_option, json_option, settings, sources
from evd.cli.printing import say, show
from evd.config.data_dir import FIRST_KEYS, SOCKET_PATH_MAX, DataDirectory, as_root, find
from evd.errors import ConfigError


@click.command()
@directory_option
@json_option
def init(directory: str | None, as_json: bool) -> None:
    """Create DIR with evd.toml, evd.db and the first four keys, which are shown once."""
    data_dir = find(directory, os.environ)
    keys = make(data_dir)
    if in_journal(os.environ):
        _hide(data_dir, keys, as_json)
        return
    if as_json:
        show({"dir": str(data_dir.directory), "keys": keys})
        return
    say("Created {}. Its keys, shown only this once:\n", data_dir.directory)
    for role, key in keys.items():
        say("  {:7} {}", role, key)
    found = find(None, os.environ) == data_dir
    named = "" if found else shlex.join(["", "--dir", str(data_dir.directory)]).removeprefix("''")
    say("\nSettings: {}\nStart it: evd serve{}", data_dir.settings, named)
    if not found:
        say("Other commands find it by --dir, too, or by EVD_DIR={} in the environment.", data_dir.directory)


def in_journal(env: Mapping[str, str], descriptor: int = 1) -> bool:
    """Whether stdout goes into systemd's journal, which keeps it and shows it to every administrator."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return env.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"  # systemd.exec(5)


def _hide(data_dir: DataDirectory, keys: Mapping[str, str], as_json: bool) -> None:
    """Write the keys into a file, and print its path."""
    path = data_dir.directory / FIRST_KEYS
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w") as file:
        file.writelines(f"{role:7} {key}\n" for role, key in keys.items())
    if as_json:
        show({"dir": str(data_dir.directory), "keys_file": str(path)})
        return
    say("Created {}. Its first keys are in {}, which root can read: note them elsewhere, then remove the file.",
        data_dir.directory, path)  # fmt: skip
    say("Settings: {}\nStart it: systemctl enable --now evd", data_dir.settings)


def make(data_dir: DataDirectory) -> dict[str, str]:
    """Create the directory; returns the text of one key of each role. Raises ConfigError if it exists already."""
    if data_dir.database.exists():
        raise ConfigError(
            f"{data_dir.directory} already holds an evd.db, which `evd serve` runs: `evd key create` makes further keys"
        )
    if len(bytes(data_dir.socket)) > SOCKET_PATH_MAX:
        raise ConfigError(
            f"{data_dir.socket} is too long for a socket ({SOCKET_PATH_MAX} bytes): name a shorter directory"
        )
    from evd.daemon import process as serving  # takes half a second, which the refusals above do not need
    from evd.log import logger as log
    from evd.net.client import control_socket

    log.configure(level="error")
    os.umask(0o077)
    try:
        data_dir.directory.mkdir(parents=True, exist_ok=True)
        if not data_dir.settings.exists():
            data_dir.settings.write_bytes(resources.files("evd").joinpath("evd.toml.example").read_bytes())
    except PermissionError:
        raise ConfigError(f"{data_dir.directory} is not yours to make: run `{as_root()}`") from None
    except OSError as error:
        raise ConfigError(
            f"{data_dir.directory} cannot be created ({error.strerror}): name a directory you own"
        ) from None

    def first_keys(socket: Path) -> dict[str, str]:
        wishes = {role: {"role": role, "name": "first"} for role in ROLES}
        return {role: control_socket.call(socket, "POST", "/keys", wish)["key"] for role, wish in wishes.items()}

    try:
        made: dict[str, str] = serving.briefly(data_dir, settings(data_dir), first_keys)
    except BaseException:
        data_dir.database.unlink(missing_ok=True)  # without its first keys it could not be used
        raise
    return made


@click.command()
@directory_option
@click.option("--bind", "binds", multiple=True, metavar="HOST:PORT", help="Listen here; may be repeated.")
@click.option("--push-credentials", type=click.Path(path_type=Path), help="Service account JSON, as push.credentials.")
@click.option("--dev", is_flag=True, help="For development: take unsigned ID tokens of Firebase's Auth emulator.")
@click.option("--json", "as_json", is_flag=True, help="Write the log as JSON, on a terminal, too.")
def serve(
    directory: str | None, binds: tuple[str, ...], push_credentials: Path | None, dev: bool, as_json: bool
) -> None:
    """Take callbacks until SIGTERM or SIGINT."""
    data_dir = find(directory, os.environ)
    data_dir.require()
    flags: dict[str, Any] = {}
    if binds:
        flags["server.bind"] = list(binds)
    if push_credentials:
        flags["push.credentials"] = str(push_credentials)
    if as_json:
        flags["log.format"] = "json"
    run(data_dir, flags, dev=dev)


def run(data_dir: DataDirectory, flags: dict[str, Any], *, dev: bool = False) -> None:
    loaded = sources(data_dir, flags)
    from evd.daemon import process as serving  # takes half a second, which the report of a wrong setting does not need
    from evd.log import logger as log

    log.configure(level=loaded.config.log.level, format=loaded.config.log.format)
    log.take_stderr()
    serving.serve(data_dir, loaded.config, dev=dev, read=lambda: sources(data_dir, flags), origins=loaded.origins)
