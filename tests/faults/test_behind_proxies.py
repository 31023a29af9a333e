"""nginx and haproxy in front of evd understand each odd request as evd does: nothing of one client reaches another."""

from __future__ import annotations

import os
import random
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import pytest
from front_proxy import Front, front_of, installed
from mutated_wires import WIRES, wires
from odd_requests import post, status
from odd_site import Site, odd_site

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
MUTANTS = int(os.environ.get("WIRES", 500)) // 5
ANSWERS_S, AGREES_S = 10.0, 5.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with odd_site(tmp_path_factory.mktemp("behind") / "evd") as one:
        yield one


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed: apt-get install {request.param}")
    with front_of(site.port, request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield one


def answers(port: int, data: bytes) -> bytes:
    """All that is said to these bytes, after which the client half-closes."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_S) as sock, suppress(OSError):
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        while part := sock.recv(65536):
            said += part
    return said


def identity(port: int, request: bytes) -> bytes:
    """The id of the status that this healthy callback makes."""
    said = answers(port, request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
    found = re.search(rb"(?i)x-status-id: (\S+)", said)
    assert said.startswith(b"HTTP/1.1 201") and found is not None, said
    return found[1]


def test_what_the_proxy_forwards_is_what_evd_answers_and_who_comes_next_has_the_own_answer(
    front: Front, site: Site
) -> None:
    print(f"SEED={SEED}")
    healthy = [site.filled(post(status(seqNumber=b"%d" % number))) for number in (1001, 1002)]
    own = [identity(site.port, request) for request in healthy]
    assert own[0] != own[1]
    table = [site.filled(wire) for wire in WIRES]
    sent = [*table, *islice(wires(random.Random(SEED), site.filled), MUTANTS)]
    for number, wire in enumerate(sent):
        answers(front.port, wire)
        where = f"SEED={SEED}, wire {number}: {wire[:400]!r}"
        assert front.agrees(AGREES_S), f"{where}: {front.forwarded()} forwarded, {front.relay.answers} answered"
        assert identity(front.port, healthy[number % 2]) == own[number % 2], where
    print(f"{len(sent)} wires, {front.relay.answers} answers of evd's")
