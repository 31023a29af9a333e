"""The two servers behind one port understand mutated odd requests alike: WIRES=… of them, from SEED=…"""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pytest
from mutated_wires import wires
from odd_site import TO_QUART, Site, odd_site

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
WIRES = int(os.environ.get("WIRES", 500))
ANSWERS_S = 10.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with odd_site(tmp_path_factory.mktemp("doors") / "evd") as one:
        yield one


def understood(site: Site, wire: bytes, *, quart: bool) -> tuple[list[int], list[bytes]]:
    """Statuses and sentences of the answers to these bytes, after which the client half-closes.

    Who guesses too often may be asked to wait: that is a 401, too.
    """
    said = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=ANSWERS_S) as sock, suppress(OSError):
        if quart:
            sock.sendall(TO_QUART)
            while not said.endswith(b"\r\n\r\n"):
                said += sock.recv(4096)
            said = b""
        sock.sendall(wire)
        sock.shutdown(socket.SHUT_WR)
        while part := sock.recv(65536):
            said += part
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]
    if 429 in statuses:
        return [401 if status == 429 else status for status in statuses if status != 100], []
    return [status for status in statuses if status != 100], re.findall(rb'"detail": ?"([^"]*)"', said)


def test_the_two_servers_understand_the_same(site: Site) -> None:
    print(f"SEED={SEED}")
    answered = 0
    for number, wire in enumerate(islice(wires(random.Random(SEED), site.filled), WIRES)):
        edge, quart = (understood(site, wire, quart=quart) for quart in (False, True))
        if not edge[1] or not quart[1]:
            edge, quart = (edge[0], []), (quart[0], [])
        assert edge == quart, f"SEED={SEED}, wire {number}: {wire!r}"
        answered += len(edge[0])
    print(f"{WIRES:,} wires, {answered:,} answers")
    assert answered > WIRES / 2
