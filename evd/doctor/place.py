"""Where a doctor looks: the directory, its settings, and the daemon that runs in it, if one does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from evd.config.data_dir import DataDirectory
from evd.config.loading import load
from evd.config.settings import Config
from evd.errors import ConfigError, ControlError
from evd.net.client import control_socket

UNIT = "evd.service"


class Surroundings(NamedTuple):
    """`statistics` are the running daemon's (/api/v1/stats), None where none runs; `pid` is that daemon's."""

    data_dir: DataDirectory
    config: Config
    refused: str
    """Why the settings cannot be used; `config` then is what holds without any."""
    env: Mapping[str, str]
    """Of the daemon where it can be read, else the command's own."""
    statistics: Mapping[str, Any] | None
    silent: str
    """Why a daemon that seems to run does not answer."""
    pid: int | None
    now_s: float
    url: str
    """Where the public reaches evd, if the command was given it."""


def look_around(data_dir: DataDirectory, env: Mapping[str, str], *, now_s: float, url: str = "") -> Surroundings:
    """Never raises."""
    statistics, silent = None, ""
    try:
        statistics = control_socket.call(data_dir.socket, "GET", "/stats")
    except control_socket.DaemonNotRunning:
        pass
    except ControlError as error:
        silent = str(error)
    except OSError:
        pass  # the directory is closed to this user: each check says so
    pid = _pid(data_dir) if statistics is not None or silent else None
    environment = {**env, **_environment(pid)} if pid else env
    config, refused = Config(), ""
    try:
        config = load(data_dir.settings, environment)
    except ConfigError as error:
        refused = str(error)
    except OSError:
        pass  # as above
    return Surroundings(data_dir, config, refused, environment, statistics, silent, pid, now_s, url)


def _pid(data_dir: DataDirectory) -> int | None:
    """Of the lock's holder."""
    with suppress(OSError, ValueError, IndexError):
        return int(data_dir.lock.read_text("ascii").split()[0])
    return None


def _environment(pid: int) -> dict[str, str]:
    """Empty where another user's may not be read."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        pairs = [os.fsdecode(one).partition("=") for one in found if one]
        return {name: value for name, _, value in pairs}
    return {}


def command(place: Surroundings, name: str) -> str:
    """`evd NAME` for this directory."""
    return f"evd {name} --dir {place.data_dir.directory}"
