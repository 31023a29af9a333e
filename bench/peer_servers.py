"""The peers of evd: servers that others would write, from the folder `--peers-dir` and from bench/peers.

A peer is a row of PEERS; it is there if its source is in its folder and its programs are installed.
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
from servers import HERE, NGINX, START_S, free_port, running

KEY = "peer-key-0123456789abcdef0123456789abcdef"
OWN = HERE / "peers"
BUILT = HERE / "results" / "peers"
FILL_S = 0.005
"""How long a peer of our own may fill a vehicle's ring, at most."""

CRATES = ("hyper", "tokio", "rusqlite", "serde", "serde_derive", "serde_json", "sha2", "hex")


@dataclass(frozen=True)
class Site:
    """Where a peer's source is, where it may write, the port it takes, and a Python that has FastAPI.

    `fill` vehicles' rings are full when it listens: a peer of our own does that itself.
    """

    source: Path
    work: Path
    port: int
    python: str
    fill: int = 0


@dataclass(frozen=True)
class Start:
    """What starts a peer."""

    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


def _go_binary(source: Path, name: str) -> str:
    """Built where the next run finds it."""
    binary = BUILT / name
    env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}  # where Debian keeps Go's packages
    subprocess.run(["go", "build", "-tags", "libsqlite3", "-o", str(binary)], cwd=source / "go", env=env, check=True)
    return str(binary)


def _go(site: Site, commit: str) -> Start:
    binary = _go_binary(site.source, "peer-go")
    database = str(site.work / f"go-{commit}.db")
    flags = ["-addr", f"127.0.0.1:{site.port}", "-db", database, "-key", KEY, "-ring", str(RING), "-commit", commit]
    return Start([binary, *flags])


def _go_slots(site: Site) -> Start:
    binary = _go_binary(site.source, "peer-go-slots")
    flags = ["-db", str(site.work / "go-slots.db"), "-key", KEY, "-ring", str(RING), "-fill", str(site.fill)]
    return Start([binary, "-addr", f"127.0.0.1:{site.port}", *flags])


def _rust_binary(source: Path, name: str) -> str:
    """Built of Debian's crates, in a copy, for cargo writes beside the source; the first time takes a minute."""
    copy = BUILT / name
    for file in [source / "rust" / "Cargo.toml", *(source / "rust" / "src").iterdir()]:
        place = copy / file.relative_to(source / "rust")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() or place.read_bytes() != file.read_bytes():  # else cargo would build it again
            place.write_bytes(file.read_bytes())
    crates = ["source.crates-io.replace-with='debian'", "source.debian.directory='/usr/share/cargo/registry'"]
    command = ["cargo", "build", "--release", "--offline", "--quiet", "--target-dir", str(copy / "target")]
    options = [part for crate in crates for part in ("--config", crate)]
    subprocess.run([*command, *options, "--manifest-path", str(copy / "Cargo.toml")], check=True)
    return str(copy / "target" / "release" / name)


def _rust(site: Site) -> Start:
    binary = _rust_binary(site.source, "peer-rust")
    return Start([binary, f"127.0.0.1:{site.port}", str(site.work / "rust.db"), KEY, str(RING)])


def _rust_slots(site: Site) -> Start:
    binary = _rust_binary(site.source, "peer-rust-slots")
    database = str(site.work / "rust-slots.db")
    return Start([binary, f"127.0.0.1:{site.port}", database, KEY, str(RING), str(site.fill)])


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
    """`label` says in a picture what it is; `missing` says what has to be installed, or nothing.

    An `own` peer is in bench/peers, and fills its rings itself.
    """

    label: str
    file: str
    start: Callable[[Site], Start]
    missing: Callable[[str], str]
    own: bool = False

    def source(self, peers_dir: Path) -> Path:
        return OWN if self.own else peers_dir


def _go_missing(python: str) -> str:
    there = shutil.which("go") and Path("/usr/share/gocode/src/github.com/mattn/go-sqlite3").exists()
    return "" if there else "golang-go and golang-github-mattn-go-sqlite3-dev"


def _rust_missing(python: str) -> str:
    lacking = [crate for crate in CRATES if not list(Path("/usr/share/cargo/registry").glob(f"{crate}-[0-9]*"))]
    wanted = [*([] if shutil.which("cargo") else ["cargo"]), *(f"librust-{crate}-dev" for crate in lacking)]
    return " ".join(name.replace("_", "-") for name in wanted)


def _fastapi_missing(python: str) -> str:
    looked = subprocess.run([python, "-c", "import aiosqlite, fastapi, orjson, uvicorn"], capture_output=True)
    return "" if looked.returncode == 0 else "a Python with fastapi, uvicorn, aiosqlite and orjson (--python)"


def _nginx_missing(python: str) -> str:
    return "" if NGINX else "nginx-light"


PEERS = {
    "rust": Peer("Rust, hyper + rusqlite", "rust/Cargo.toml", _rust, _rust_missing),
    "rust-slots": Peer("Rust, rings of slots", "rust/Cargo.toml", _rust_slots, _rust_missing, own=True),
    "go": Peer("Go, group commit", "go/main.go", lambda site: _go(site, "group"), _go_missing),
    "go-slots": Peer("Go, rings of slots", "go/main.go", _go_slots, _go_missing, own=True),
    "go-single": Peer("Go, a commit each", "go/main.go", lambda site: _go(site, "single"), _go_missing),
    "fastapi": Peer("FastAPI + aiosqlite", "fastapi/app.py", _fastapi, _fastapi_missing),
    "nginx": Peer("nginx, stores nothing", "nginx.conf.in", _nginx, _nginx_missing),
}


def available(peers_dir: Path, wanted: list[str], python: str) -> list[str]:
    """The wanted peers that can run; stderr gets a sentence for each other one."""
    found = []
    for name in wanted:
        if reason := why_not(name, peers_dir, python):
            print(f"{name} is left out: {reason}", file=sys.stderr)
        else:
            found.append(name)
    return found


def why_not(name: str, peers_dir: Path, python: str) -> str:
    """Why a peer cannot run here, or nothing."""
    file = PEERS[name].source(peers_dir) / PEERS[name].file
    if not file.exists():
        return f"{file} does not exist"
    missing = PEERS[name].missing(python)
    return f"it needs {missing}" if missing else ""


@contextmanager
def peer(
    name: str, peers_dir: Path, work: Path, python: str, *, fill: int = 0
) -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    """A running peer with an empty database; one of our own has `fill` vehicles' rings full."""
    BUILT.mkdir(parents=True, exist_ok=True)
    site = Site(PEERS[name].source(peers_dir), work, free_port(), python, fill)
    start = PEERS[name].start(site)
    with running(start.argv, site.port, work / f"{name}.log", start.env, start_s=START_S + fill * FILL_S) as process:
        yield Target(f"http://127.0.0.1:{site.port}", KEY), process
