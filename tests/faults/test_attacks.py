"""Attacks on the one port of a real evd, plain and under TLS: after each, the same process serves a healthy client.

The table of faults, those that end an unguarded hypercorn and those that two servers read differently, is
raw_http.FAULTS; what takes time or a crowd is in attackers. SEED=… takes the random bytes of a run again.
"""

from __future__ import annotations

import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import attackers
import pytest
import trustme
from attackers import MIB, Aim, ends_within, read_head, status_of
from daemon_process import RunningDaemon, running_daemon
from odd_requests import post, status
from raw_http import FAULTS

SEED = int(os.environ.get("SEED", random.randrange(1_000_000)))
TIMEOUT_S = 1.0
SETTINGS = f"""
[server]
head_timeout_s = {TIMEOUT_S}
body_timeout_s = {TIMEOUT_S}
write_timeout_s = {TIMEOUT_S}
tls_hello_timeout_s = {TIMEOUT_S}
"""
HEALTHY_S = 5.0
"""For two healthy requests on a busy machine; Sigfox waits 10 s."""
GROWN_MAX = 48 * MIB
"""Memory at most beyond that of the start, over all attacks: 16 MiB of strangers' unfinished requests, and two hundred
TLS connections at once with some 100 KiB each."""
WRONG = ('"level": "error"', '"level": "critical"', "Traceback")
"""In a log line: evd blames itself for what a stranger sent. An alarm may say that the machine is busy."""


def is_wrong(line: str) -> bool:
    return any(word in line for word in WRONG) and '"event": "alarm"' not in line


class Site(NamedTuple):
    daemon: RunningDaemon
    aim: Aim
    began: str
    """When the process started, as the kernel has it."""
    rss: int
    seconds: count[int]
    """Moments of callbacks, none twice."""

    def is_well(self) -> None:
        """Both servers behind the port answer in time, and it is the process of the beginning."""
        begun = time.monotonic()
        moment = b"%d" % next(self.seconds)
        with self.aim.connect() as sock:
            sock.sendall(self.aim.keyed(post(status(time=moment))))
            assert status_of(read_head(sock)) == 201
        with self.aim.connect() as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status_of(read_head(sock)) == 200
        assert time.monotonic() - begun < HEALTHY_S
        assert started_at(self.daemon) == self.began
        assert [line for line in self.daemon.logs.lines if is_wrong(line)] == []


def started_at(daemon: RunningDaemon) -> str:
    return Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()[19]


def memory(daemon: RunningDaemon, what: str) -> int:
    """Bytes: `VmRSS` now, or `VmHWM` at the most."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{daemon.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.fixture(scope="module", params=["plain", "TLS"])
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("attacked")
    settings, trusting = SETTINGS, None
    if request.param == "TLS":
        authority = trustme.CA()
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
        settings += f'tls_cert = "{folder}/both.pem"\ntls_key = "{folder}/both.pem"\n'
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
    with running_daemon(folder / "evd", settings=settings) as daemon:
        aim = Aim(int(daemon.url.rpartition(":")[2]), daemon.keys["sigfox"].encode(), trusting)
        moments = count(int(time.time()) - 100_000)
        site = Site(daemon, aim, started_at(daemon), 0, moments)
        site.is_well()
        site = site._replace(rss=memory(daemon, "VmRSS"))
        yield site
        grown = memory(daemon, "VmHWM") - site.rss
        print(f"{request.param}: {grown / MIB:.1f} MiB beyond the start's {site.rss / MIB:.1f} at the most")
        assert grown < GROWN_MAX


@pytest.mark.parametrize("web", [False, True], ids=["edge", "web"])
def test_every_fault_is_refused_and_ends_its_connection_only(here: Site, web: bool) -> None:
    for fault in FAULTS:
        with here.aim.connect(web=web) as sock:
            sock.sendall(here.aim.keyed(fault.data.replace(b"Host: x\r\n", KEYED_HOST, 1)))
            assert status_of(read_head(sock)) == fault.status, fault.name
            assert ends_within(sock, attackers.WAITS_S), fault.name
        here.is_well()


KEYED_HOST = b"Host: x\r\nx-api-key: @sigfox@\r\n"
"""Without a key the body of a request is not read at all: its faults are nobody's."""

Attack = Callable[[Aim, bool], None]

ATTACKS: tuple[Attack, ...] = (
    attackers.slow_heads,
    attackers.slow_bodies,
    attackers.deaf,
    attackers.huge_body,
    attackers.huge_chunks,
    attackers.crumbs,
    attackers.head_flood,
    attackers.blank_lines,
    attackers.h2_unasked,
    attackers.resets,
)


@pytest.mark.parametrize("web", [False, True], ids=["edge", "web"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_evd_outlives_it_and_serves(here: Site, attack: Attack, web: bool) -> None:
    attack(here.aim, web)
    here.is_well()


@pytest.mark.parametrize("web", [False, True], ids=["edge", "web"])
def test_evd_outlives_random_bytes(here: Site, web: bool) -> None:
    print(f"SEED={SEED}")
    attackers.garbage(here.aim, web, SEED)
    here.is_well()


TLS_ATTACKS = (attackers.no_hello, attackers.broken_records, attackers.old_versions, attackers.hellos)


@pytest.mark.parametrize("here", ["TLS"], indirect=True)
@pytest.mark.parametrize("attack", TLS_ATTACKS, ids=lambda attack: attack.__name__)
def test_evd_outlives_what_is_wrong_with_tls(here: Site, attack: Callable[[Aim], None]) -> None:
    attack(here.aim)
    here.is_well()


@pytest.mark.parametrize("here", ["TLS"], indirect=True)
def test_evd_outlives_what_is_no_tls(here: Site) -> None:
    print(f"SEED={SEED}")
    attackers.no_tls(here.aim, SEED)
    here.is_well()
