"""The peers of evd: servers that others would write, from a folder that holds them (`--peers-dir`).

A peer is a row of PEERS; it is there if its source is in the folder and its programs are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loads import RING, Target
from servers import NGINX, free_port, running

KEY = "peer-key-0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Site:
    """Where a peer's source is, where it may write, the port it takes, and a Python that has FastAPI."""

    source: Path
    work: Path
    port: int
    python: str


@dataclass(frozen=True)
class Start:
    """What starts a peer."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


def _go(site: Site, commit: str) -> Start:
    binary = site.work / "peer-go"
    if not binary.exists():
        env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}  # where Debian keeps Go's packages
        command = ["go", "build", "-tags", "libsqlite3", "-o", str(binary), "main.go"]
        subprocess.run(command, cwd=site.source / "go", env=env, check=True)
    database = str(site.work / f"go-{commit}.db")
    flags = ["-addr", f"127.0.0.1:{site.port}", "-db", database, "-key", KEY, "-ring", str(RING), "-commit", commit]
    return Start([str(binary), *flags])


def _fastapi(site: Site) -> Start:
    folder = str(site.source / "fastapi")
    argv = [site.python, "-m", "uvicorn", "--no-access-log", "--port", str(site.port), "--app-dir", folder, "app:app"]
    return Start(argv, {"PEER_DB": str(site.work / "fastapi.db"), "PEER_KEY": KEY, "PEER_RING": str(RING)})


def _nginx(site: Site) -> Start:
    text = (site.source / "nginx.conf.in").read_text("utf-8")
    for mark, value in {"@DIR@": str(site.work), "@PORT@": str(site.port), "@SSL@": "", "@CERT@": ""}.items():
        text = text.replace(mark, value)
    config = site.work / "nginx.conf"
    config.write_text(text, "utf-8")
    return Start([str(NGINX), "-c", str(config)])


@dataclass(frozen=True)
class Peer:
    """`label` says in a picture what it is; `missing` says what has to be installed, or nothing."""

    label: str
    file: str
    start: Callable[[Site], Start]
    missing: Callable[[str], str]


def _go_missing(python: str) -> str:
    return "" if shutil.which("go") else "golang-go and golang-github-mattn-go-sqlite3-dev"


def _fastapi_missing(python: str) -> str:
    looked = subprocess.run([python, "-c", "import aiosqlite, fastapi, orjson, uvicorn"], capture_output=True)
    return "" if looked.returncode == 0 else "a Python with fastapi, uvicorn, aiosqlite and orjson (--python)"


def _nginx_missing(python: str) -> str:
    return "" if NGINX else "nginx-light"


PEERS = {
    "go": Peer("Go, group commit", "go/main.go", lambda site: _go(site, "group"), _go_missing),
    "go-single": Peer("Go, a commit each", "go/main.go", lambda site: _go(site, "single"), _go_missing),
    "fastapi": Peer("FastAPI + aiosqlite", "fastapi/app.py", _fastapi, _fastapi_missing),
    "nginx": Peer("nginx, stores nothing", "nginx.conf.in", _nginx, _nginx_missing),
}


def available(source: Path, wanted: list[str], python: str) -> list[str]:
    """The wanted peers that can run; stderr gets a sentence for each other one."""
    found = []
    for name in wanted:
        peer = PEERS[name]
        if not (source / peer.file).exists():
            print(f"{name} is left out: {source / peer.file} does not exist", file=sys.stderr)
        elif missing := peer.missing(python):
            print(f"{name} is left out: it needs {missing}", file=sys.stderr)
        else:
            found.append(name)
    return found


@contextmanager
def peer(name: str, source: Path, work: Path, python: str) -> Iterator[Target]:
    """A running peer with an empty database."""
    site = Site(source, work, free_port(), python)
    start = PEERS[name].start(site)
    with running(start.argv, site.port, work / f"{name}.log", start.env):
        yield Target(f"http://127.0.0.1:{site.port}", KEY)
