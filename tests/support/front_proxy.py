"""nginx or haproxy in front of evd, and a wire between them that counts what evd answers."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

STARTS_S = 15.0

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format seen 'forwarded $upstream_status';
  access_log {folder}/seen.log seen;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_header_timeout 1s; client_body_timeout 1s; lingering_close off;
  upstream evd {{ server 127.0.0.1:{behind}; keepalive 1; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://evd; proxy_http_version 1.1; proxy_next_upstream off;
      proxy_ignore_client_abort on;
      proxy_set_header Host $http_host; proxy_set_header Connection "";
    }}
  }}
}}
"""

HAPROXY = """
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option http-buffer-request
  log-format "forwarded %s %ts"
  timeout connect 2s
  timeout client 1s
  timeout http-request 1s
  timeout http-keep-alive 1s
  timeout server 10s
  retries 0
  http-reuse always
frontend world
  bind 127.0.0.1:{port}
  default_backend evd
backend evd
  server evd 127.0.0.1:{behind}
"""


@dataclass
class Relay:
    """What the proxy takes for evd. It passes all bytes on and keeps what evd says."""

    target: int
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=128))
    said: list[bytearray] = field(default_factory=list)
    """By connection."""

    def __post_init__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def answers(self) -> int:
        """Final answers of evd's so far."""
        statuses = (status for said in list(self.said) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", bytes(said)))
        return sum(status[:1] != b"1" for status in statuses)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                front, _ = self.listener.accept()
                behind = socket.create_connection(("127.0.0.1", self.target))
                self.said.append(said := bytearray())
                for one, other, kept in ((front, behind, None), (behind, front, said)):
                    threading.Thread(target=_pass_on, args=(one, other, kept), daemon=True).start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def _pass_on(one: socket.socket, other: socket.socket, kept: bytearray | None) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            if kept is not None:
                kept += data
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
    one.close()  # the other thread learns of it by an error


@dataclass(frozen=True)
class Front:
    """A proxy that runs: `port` is where it listens, `forwarded` how many requests it says that evd answered."""

    port: int
    relay: Relay
    forwarded: Callable[[], int]

    def agrees(self, within_s: float) -> bool:
        """Whether the proxy and evd count the same requests, soon."""
        until = time.monotonic() + within_s
        while self.forwarded() != self.relay.answers:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True


def installed(name: str) -> bool:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


@contextmanager
def front_of(target: int, name: str, folder: Path) -> Iterator[Front]:
    """`name` in front of evd's port `target`; it ends with this."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    relay = Relay(target)
    settings, seen = folder / "settings", folder / "seen.log"
    settings.write_text((NGINX if name == "nginx" else HAPROXY).format(folder=folder, port=port, behind=relay.port))
    program = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") or name
    arguments = ["-c", str(settings), "-p", str(folder)] if name == "nginx" else ["-db", "-f", str(settings)]
    log = seen if name == "haproxy" else folder / "out.log"  # haproxy has its log on stdout
    with (folder / "errors.log").open("wb") as errors, log.open("wb") as out:
        process = subprocess.Popen([program, *arguments], stdout=out, stderr=errors)
    pattern = re.compile(r"forwarded \d{3}" if name == "nginx" else "forwarded evd ")
    try:
        _wait_for(port, process, folder / "errors.log")
        yield Front(port, relay, lambda: len(pattern.findall(seen.read_text())) if seen.exists() else 0)
    finally:
        process.terminate()
        process.wait()
        relay.close()


def _wait_for(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    until = time.monotonic() + STARTS_S
    while True:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        assert process.poll() is None and time.monotonic() < until, errors.read_text()
        time.sleep(0.02)
