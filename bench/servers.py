"""The servers that benches load: evd itself, nginx that answers an empty 201, and any other process with a port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loads import RING, Target

__all__ = ["RunningDaemon", "init"]

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "support"))

from daemon_process import RunningDaemon, init, running_daemon  # noqa: E402

START_S = 30.0
STOP_S = 15.0
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

#: One worker, like evd's one loop; it reads the request, and that is all it does.
NGINX_CONF = """\
worker_processes 1;
daemon off;
error_log /dev/null;
pid {directory}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path {directory}/nginx-body;
  server {{
    listen 127.0.0.1:{port} {ssl};
    {certificate}
    location / {{ return 201; }}
  }}
}}
"""


@dataclass(frozen=True)
class Certificate:
    """Paths of a PEM chain and its key."""

    chain: Path
    key: Path


def make_certificate(directory: Path) -> Certificate:
    """For 127.0.0.1, ECDSA P-256."""
    import trustme

    made = trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA)
    certificate = Certificate(directory / "chain.pem", directory / "key.pem")
    certificate.chain.write_bytes(b"".join(pem.bytes() for pem in made.cert_chain_pems))
    certificate.key.write_bytes(made.private_key_pem.bytes())
    return certificate


@contextmanager
def evd(
    directory: Path,
    *,
    ring: int = RING,
    keys: Mapping[str, str] | None = None,
    certificate: Certificate | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[tuple[Target, RunningDaemon]]:
    """A whole daemon on a directory of its own; `keys` if it was made before."""
    settings = {"EVD_RETENTION__STATUSES_PER_VEHICLE": str(ring)}
    if certificate:
        settings |= {"EVD_SERVER__TLS_CERT": str(certificate.chain), "EVD_SERVER__TLS_KEY": str(certificate.key)}
    with running_daemon(directory, keys=keys, env={**settings, **(env or {})}) as daemon:
        yield Target(daemon.url, daemon.keys["sigfox"]), daemon


@contextmanager
def evd_alone(
    directory: Path, keys: Mapping[str, str], env: Mapping[str, str]
) -> Iterator[tuple[Target, subprocess.Popen[bytes]]]:
    """`evd serve` as systemd starts it, without the tests' watchdog, on a directory that was made before.

    It listens once it takes callbacks.
    """
    port = free_port()
    argv = [str(Path(sys.executable).parent / "evd"), "serve", "--dir", str(directory), "--bind", f"127.0.0.1:{port}"]
    with running(argv, port, directory.with_suffix(".log"), env) as process:
        yield Target(f"http://127.0.0.1:{port}", keys["sigfox"]), process


@contextmanager
def nginx(directory: Path, *, certificate: Certificate | None = None) -> Iterator[Target]:
    """Needs NGINX."""
    assert NGINX is not None
    port = free_port()
    lines = f"ssl_certificate {certificate.chain}; ssl_certificate_key {certificate.key};" if certificate else ""
    config = directory / "nginx.conf"
    config.write_text(
        NGINX_CONF.format(directory=directory, port=port, ssl="ssl" if certificate else "", certificate=lines)
    )
    with running([NGINX, "-c", str(config)], port, directory / "nginx.log"):
        yield Target(f"http{'s' if certificate else ''}://127.0.0.1:{port}", "any")


@contextmanager
def running(
    argv: Sequence[str],
    port: int,
    log: Path,
    env: Mapping[str, str] | None = None,
    *,
    start_s: float = START_S,
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that listens on `port`; its whole group ends with the context. Raises RuntimeError with its words."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            argv, stdout=words, stderr=words, env={**os.environ, **(env or {})}, start_new_session=True
        )
        try:
            _wait_until_it_listens(process, port, log, start_s)
            yield process
        finally:
            _end(process)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path, start_s: float) -> None:
    give_up = time.monotonic() + start_s
    while time.monotonic() < give_up and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} does not listen on port {port}:\n{log.read_text('utf-8', 'replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
