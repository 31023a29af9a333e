"""A stand-in for FCM: a real HTTP server on this machine, in front of what `fake_answers` decides."""

from __future__ import annotations

import secrets
import ssl
import struct
import time
from collections import deque
from http import HTTPStatus
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import Any, BinaryIO, NamedTuple

import httptools
import orjson
import trio

from evd.push.fake_answers import Google, Reply, refusal

READ_MAX = 65_536

# Head and body; FCM's own limit is 4 KiB of data.
REQUEST_MAX = 65_536

# A connection without a request, or with one that hangs, is let go after this: longer than a client should wait.
IDLE_MAX_S = 300.0

HANDSHAKE_MAX_S = 5.0

# RFC 2606: this name is never anyone's, so a file that has it was made here.
FAKE_DOMAIN = "invalid"

_REASONS = {status.value: status.phrase for status in HTTPStatus}

_Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


class FakeFcm:
    """The server: `await nursery.start(fake.serve)`, then look at `port`, `url` and `requests`.

    `requests` holds the newest `requests_max` requests, `record` gets each as a line of JSON at once: `{"at": epoch ms,
    "kind": "send" or "token", "project", "message", "status"}`, where status 0 is one that is never answered. More than
    `connections_max` connections are closed as they come.
    """

    def __init__(
        self,
        record: Path | BinaryIO | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        connections_max: int = 1000,
        requests_max: int = 10_000,
        idle_max_s: float = IDLE_MAX_S,
        token_lifetime_s: int = 3599,
    ) -> None:
        self.host = host
        self.port = port
        self.requests: deque[dict[str, Any]] = deque(maxlen=requests_max)
        self.google = Google(token_lifetime_s=token_lifetime_s)
        self._record = record
        self._file: BinaryIO | None = None
        self._ssl_context = ssl_context
        self._idle_max_s = idle_max_s
        self._connections = trio.CapacityLimiter(connections_max)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._ssl_context else 'http'}://{host}:{self.port}"

    @property
    def token_uri(self) -> str:
        return f"{self.url}/token"

    @property
    def sends(self) -> list[dict[str, Any]]:
        """Those of `requests` that are messages."""
        return [request for request in self.requests if request["kind"] == "send"]

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises OSError, in a group, if the address or the record cannot be used."""
        if isinstance(self._record, Path):
            with self._record.open("ab") as file:
                await self._serve(file, task_status)
        else:
            await self._serve(self._record, task_status)

    async def _serve(self, file: BinaryIO | None, task_status: trio.TaskStatus[None]) -> None:
        self._file = file
        listeners = await trio.open_tcp_listeners(self.port, host=self.host)
        self.port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._handle, listeners)
            task_status.started()

    async def _handle(self, tcp: trio.SocketStream) -> None:
        borrower = object()
        try:
            self._connections.acquire_on_behalf_of_nowait(borrower)
        except trio.WouldBlock:
            tcp.socket.close()
            return
        try:
            with trio.CancelScope(deadline=trio.current_time() + HANDSHAKE_MAX_S) as scope:
                stream: _Stream = tcp
                if self._ssl_context is not None:
                    stream = trio.SSLStream(tcp, self._ssl_context, server_side=True, https_compatible=True)
                    await stream.do_handshake()
                await self._converse(stream, tcp, scope)
        except trio.BrokenResourceError:
            pass  # the client has gone
        finally:
            tcp.socket.close()
            self._connections.release_on_behalf_of(borrower)

    async def _converse(self, stream: _Stream, tcp: trio.SocketStream, scope: trio.CancelScope) -> None:
        """Answer one request after the other; `scope` is the connection's, and each request gives it a new deadline."""
        reader = _Reader()
        while True:
            scope.deadline = trio.current_time() + self._idle_max_s
            data = await stream.receive_some(READ_MAX)
            if not data:
                return
            for request in reader.feed(data):
                reply = self._answer(request)
                if reply.end == "reset":
                    # Closing a socket that lingers for 0 s sends RST, not FIN (socket(7)).
                    tcp.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if reply.end == "hang":
                    while await stream.receive_some(READ_MAX):
                        pass
                    return
                if reply.delay_s:
                    scope.deadline += reply.delay_s
                    await trio.sleep(reply.delay_s)
                await stream.send_all(_wire(reply))
                if not request.keep_alive:
                    return
            if reader.refused is not None:
                await stream.send_all(_wire(reader.refused))
                return

    def _answer(self, request: _Request) -> Reply:
        reply, line = self.google.answer(request.method, request.path, request.authorization, request.body, time.time())
        if line is not None:
            self.requests.append(line)
            if self._file is not None:
                self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                self._file.flush()
        return reply


def make_service_account(project_id: str, token_uri: str) -> dict[str, str]:
    """A service account as Google's JSON files have it, with a fresh key of its own. Good for a FakeFcm only."""
    # Needed once, and its import costs as much as the whole server's.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "project_id": project_id,
        "private_key_id": secrets.token_hex(20),
        "private_key": pem.decode(),
        "client_email": f"fake-fcm@{project_id}.{FAKE_DOMAIN}",
        "client_id": "0",
        "token_uri": token_uri,
    }


class _Request(NamedTuple):
    method: bytes
    path: bytes
    authorization: bytes
    body: bytes
    keep_alive: bool


class _Reader:
    """Requests out of a stream of bytes; the `on_…` methods are httptools' callbacks."""

    def __init__(self) -> None:
        self.refused: Reply | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._ready: list[_Request] = []
        self._size = 0

    def feed(self, data: bytes | bytearray) -> list[_Request]:
        """The requests that `data` completes. After rubbish, `refused` is the answer to it, and the stream is over."""
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.refused = refusal(400, "INVALID_ARGUMENT", "This is not HTTP/1.1.")
        ready, self._ready = self._ready, []
        if ready:
            self._size = 0
        elif self._size > REQUEST_MAX:
            self.refused = refusal(413, "INVALID_ARGUMENT", f"A request may have {REQUEST_MAX} bytes.")
        return ready

    def on_message_begin(self) -> None:
        self._path = b""
        self._authorization = b""
        self._body: list[bytes] = []

    def on_url(self, part: bytes) -> None:
        self._path += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"authorization":
            self._authorization = value

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        method, keep_alive = self._parser.get_method(), self._parser.should_keep_alive()
        self._ready.append(_Request(method, self._path, self._authorization, b"".join(self._body), keep_alive))


def _wire(reply: Reply) -> bytes:
    more = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    return (
        f"HTTP/1.1 {reply.status} {_REASONS[reply.status]}\r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"Content-Length: {len(reply.body)}\r\n{more}\r\n"
    ).encode() + reply.body
