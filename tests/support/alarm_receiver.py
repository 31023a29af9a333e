"""A receiver of alarms' webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Posted(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """`posted` are the requests so far; each is answered with the next of `answers`, the last one again and again."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers or (204,))
        self.posted: list[Posted] = []
        self.url = ""

    def wait_for(self, count: int, timeout_s: float = 20) -> list[Posted]:
        end = time.monotonic() + timeout_s
        while len(self.posted) < count and time.monotonic() < end:
            time.sleep(0.02)
        return self.posted


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    told = Receiver(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.posted.append(Posted(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(told.answers.pop(0) if len(told.answers) > 1 else told.answers[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join()
