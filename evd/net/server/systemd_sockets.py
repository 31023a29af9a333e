"""Listening sockets that systemd opened before evd started (socket activation, sd_listen_fds(3)).

The kernel queues connections in them while evd restarts, so that none is refused. `announced` reads the environment's
variables; `take` makes the sockets this process's own.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

from evd.errors import ConfigError

FIRST_DESCRIPTOR = 3  # sd_listen_fds(3): they follow stdin, stdout and stderr
DESCRIPTORS_MAX = 64  # a machine has a handful of addresses; more is a mistake

VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})


class Announced(NamedTuple):
    """A descriptor of this process and its name in systemd (FileDescriptorName=, by default the unit's name)."""

    descriptor: int
    name: str


def announced(env: Mapping[str, str], pid: int) -> list[Announced]:
    """The descriptors that the environment announces to process `pid`; none if it announces them to another process.

    Raises ConfigError if the variables are not numbers.
    """
    if not env.get("LISTEN_PID") or _number(env, "LISTEN_PID") != pid:
        return []
    count = _number(env, "LISTEN_FDS")
    if count > DESCRIPTORS_MAX:
        raise ConfigError(f"LISTEN_FDS announces {count} sockets: at most {DESCRIPTORS_MAX} can be inherited")
    names = env.get("LISTEN_FDNAMES", "").split(":")
    return [
        Announced(FIRST_DESCRIPTOR + index, names[index] if index < len(names) and names[index] else "unknown")
        for index in range(count)
    ]


def take(env: MutableMapping[str, str], pid: int) -> list[socket.socket]:
    """The inherited sockets, non-blocking and closed on exec; the variables are removed, so that no child uses them.

    Raises ConfigError unless each is a listening TCP socket, of IPv4 or IPv6.
    """
    try:
        descriptors = announced(env, pid)
    finally:
        for name in VARIABLES:
            env.pop(name, None)
    taken: list[socket.socket] = []
    try:
        for one in descriptors:
            taken.append(_listening(one))
    except ConfigError:
        for inherited in taken:
            inherited.close()
        raise
    return taken


def _listening(one: Announced) -> socket.socket:
    wrong = ConfigError(
        f"descriptor {one.descriptor} ({one.name}), announced by LISTEN_FDS, is no listening TCP socket: "
        "check the ListenStream= lines and Accept=no of evd.socket"
    )
    try:
        inherited = socket.socket(fileno=one.descriptor)
    except OSError:  # not open, or not a socket
        raise wrong from None
    listens = (
        inherited.family in FAMILIES
        and inherited.type == socket.SOCK_STREAM
        and inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    )
    if not listens:
        inherited.close()
        raise wrong
    os.set_inheritable(one.descriptor, False)
    inherited.setblocking(False)
    return inherited


def _number(env: Mapping[str, str], name: str) -> int:
    text = env.get(name, "")
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise ConfigError(f"{name} is {text[:20]!r}: a number is needed, as systemd sets it; unset it otherwise")
    return int(text)
