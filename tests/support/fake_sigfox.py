"""A stand-in for Sigfox's REST API v2: a real HTTP server, written from Sigfox's OpenAPI document (API2)."""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

LOGIN, PASSWORD = "58f0a1b2c3", "s3cret-of-the-api-user"
PAGE_MAX = 100


class Answer(NamedTuple):
    status: int
    document: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


class FakeSigfox:
    """What the API holds. `refusals` are given first, one a request; `requests` has each as "METHOD path?query".

    Listings of messages and undelivered callbacks are filtered by since and before (ms) and given newest first.
    """

    def __init__(self) -> None:
        self.device_types: list[dict[str, Any]] = []
        self.devices: dict[str, list[dict[str, Any]]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.undelivered: dict[str, list[dict[str, Any]]] = {}
        """By device type, or by device."""
        self.callbacks: dict[str, list[dict[str, Any]]] = {}
        self.refusals: deque[Answer] = deque()
        self.at_request: dict[str, Answer] = {}
        """"METHOD path" → the answer to every such request; `seen` is set when one came."""
        self.seen = threading.Event()
        self.script: Callable[[str], Answer | None] = lambda target: None
        """Path and query → the answer, where the listings themselves are not what is tried."""
        self.requests: list[str] = []
        self.next_origin = ""
        """Where `paging.next` points in place of this server."""
        self.port = 0
        self._turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v2"

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> Answer:
        with self._turn:
            self.requests.append(f"{method} {target}")
            if self.refusals:
                return self.refusals.popleft()
            scripted = self.script(target)
            if scripted is not None:
                return scripted
            given = self.at_request.get(f"{method} {target.partition('?')[0]}")
            if given is not None:
                self.seen.set()
                return given
            wanted = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
            if authorization != f"Basic {wanted}":
                return Answer(401, {"message": f"no such user {LOGIN} with {PASSWORD}"})
            parts = urlsplit(target)
            query = dict(parse_qsl(parts.query))
            return self._route(method, parts.path.removeprefix("/v2").strip("/").split("/"), query, body)

    def _route(self, method: str, path: list[str], query: dict[str, str], body: bytes) -> Answer:
        match method, path:
            case "GET", ["device-types"]:
                return self._page(path, self.device_types, query)
            case "GET", ["devices"]:
                return self._page(path, self.devices.get(query["deviceTypeId"], []), query)
            case "GET", ["devices", device, "messages"] if device in self.messages:
                return self._page(path, _between(self.messages[device], query), query)
            case "GET", ["device-types" | "devices", one, "callbacks-not-delivered"]:
                return self._page(path, _between(self.undelivered.get(one, []), query), query)
            case "GET", ["device-types", one, "callbacks"]:
                return Answer(200, {"data": self.callbacks.get(one, [])})
            case "POST", ["device-types", one, "callbacks"]:
                there = self.callbacks.setdefault(one, [])
                there.append({**json.loads(body), "id": f"callback-{len(there)}"})
                return Answer(201, {"id": there[-1]["id"]})
            case _:
                return Answer(404, {"message": "The requested resource was not found."})

    def _page(self, path: list[str], entries: list[dict[str, Any]], query: dict[str, str]) -> Answer:
        limit, offset = int(query.get("limit", PAGE_MAX)), int(query.get("offset", 0))
        if not 1 <= limit <= PAGE_MAX:
            return Answer(400, {"message": "limit is out of range"})
        more = {**query, "offset": offset + limit}
        following = f"{self.next_origin or self.url}/{'/'.join(path)}?{urlencode(more)}"
        paging = {"next": following} if offset + limit < len(entries) else {}
        return Answer(200, {"data": entries[offset : offset + limit], "paging": paging})


def _between(entries: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    since, before = int(query.get("since", 0)), int(query.get("before", 1 << 62))
    found = [entry for entry in entries if since <= entry["time"] <= before]
    return sorted(found, key=lambda entry: -entry["time"])


@contextmanager
def fake_sigfox() -> Iterator[FakeSigfox]:
    """The API on a free port of 127.0.0.1."""
    fake = FakeSigfox()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            given = fake.answer(self.command, self.path, self.headers.get("authorization", ""), body)
            content = json.dumps(given.document).encode()
            self.send_response(given.status)
            for name, value in {**given.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _reply

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client that was interrupted
                super().handle()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing: `requests` has it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
