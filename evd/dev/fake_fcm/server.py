"""A stand-in for FCM: a real HTTP server on this machine, in front of what `fake_answers` decides.

It shares a machine with the sender it is to keep busy, so it is built like evd's edge: one task, one epoll.
"""

from __future__ import annotations

import functools
import heapq
import math
import secrets
import select
import socket
import ssl
import struct
import time
from collections import deque
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import httptools
import orjson
import trio

from evd.dev.fake_fcm.answers import Google
from evd.dev.fake_fcm.behaviours import FakeReply, refusal
from evd.net.socket import PlainSocket, TlsSocket

# Head and body; FCM's own limit is 4 KiB of data.
REQUEST_MAX = 65_536

# Requests of one connection that wait for an answer to be sent; a client that sends more without reading is let go.
QUEUE_MAX = 100

# A connection without a request, or with one that hangs, is let go after this: longer than a client should wait.
IDLE_MAX_S = 300.0

HANDSHAKE_MAX_S = 5.0

# How often connections are looked at for that, at most, and within the time they may be idle.
SWEEP_MAX_S = 1.0
SWEEPS = 5

# Events attended to in one go.
EVENTS_MAX = 64

# The record is written this often at most: a system call for each line would cost as much as the rest of its request.
WRITE_S = 0.01

# RFC 2606: this name is never anyone's, so a file that has it was made here.
FAKE_DOMAIN = "invalid"

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _Records:
    """The newest requests, as lines of JSON, and those of them that are to be written to a file soon."""

    def __init__(self, most: int) -> None:
        self.recent: deque[bytes] = deque(maxlen=most)
        self.write_at = math.inf
        self._unwritten: list[bytes] = []

    def add(self, line: bytes, now: float) -> None:
        self.recent.append(line)
        if not self._unwritten:
            self.write_at = now + WRITE_S
        self._unwritten.append(line)

    def write(self, file: BinaryIO | None) -> None:
        if file is not None and self._unwritten:
            self._unwritten.append(b"")
            file.write(b"\n".join(self._unwritten))
            file.flush()
        self._unwritten.clear()
        self.write_at = math.inf


class _Delayed:
    """Answers that are sent later, in the order of their times."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Client, bytes]] = []
        self._count = 0

    @property
    def due_at(self) -> float:
        """When the next one is to be sent; infinity where none waits."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, at: float, client: _Client, data: bytes) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, client, data))

    def due(self, now: float) -> Iterator[tuple[_Client, bytes]]:
        """Take out those whose time has come."""
        while self.due_at <= now:
            yield heapq.heappop(self._heap)[2:]


class FakeFcm:
    """The server: `await nursery.start(fake.serve)`, then look at `port`, `url` and `requests`.

    `google` takes moods and has the counts. The newest `requests_max` requests are kept, `record` gets each
    as a line of JSON, within milliseconds: `{"at": epoch ms, "kind": "send" or "token", "project", "message",
    "status"}`, where status 0 is one that is never answered. More than `connections_max` connections are closed as they
    come.
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
        self.google = Google(token_lifetime_s=token_lifetime_s)
        self._record = record
        self._records = _Records(requests_max)
        self._ssl_context = ssl_context
        self._idle_max_s = idle_max_s
        self._connections_max = connections_max
        self._clients: dict[int, _Client] = {}  # by file descriptor
        self._delayed = _Delayed()
        self._now = 0.0

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._ssl_context else 'http'}://{host}:{self.port}"

    @property
    def token_uri(self) -> str:
        return f"{self.url}/token"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The newest requests, the oldest of them first."""
        return [orjson.loads(line) for line in self._records.recent]

    @property
    def sends(self) -> list[dict[str, Any]]:
        """Those of `requests` that are messages."""
        return [request for request in self.requests if request["kind"] == "send"]

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled. Raises OSError if the address or the record cannot be used."""
        if isinstance(self._record, Path):
            with self._record.open("ab") as file:
                await self._serve(file, task_status)
        else:
            await self._serve(self._record, task_status)

    async def _serve(self, file: BinaryIO | None, task_status: trio.TaskStatus[None]) -> None:
        listeners = await trio.open_tcp_listeners(self.port, host=self.host)
        listening = [socket.socket(fileno=listener.socket.detach()) for listener in listeners]
        self.port = listening[0].getsockname()[1]
        poll = select.epoll()
        try:
            for listener in listening:
                poll.register(listener, select.EPOLLIN)
            task_status.started()
            await self._attend(poll, {listener.fileno(): listener for listener in listening}, file)
        finally:
            self._records.write(file)
            poll.close()
            for one in (*listening, *(client.wire.socket for client in self._clients.values())):
                one.close()
            self._clients.clear()

    async def _attend(self, poll: select.epoll, listening: dict[int, socket.socket], file: BinaryIO | None) -> None:
        every_s = min(SWEEP_MAX_S, self._idle_max_s / SWEEPS)
        sweep_at = trio.current_time() + every_s
        while True:
            due_at = min(self._delayed.due_at, sweep_at)
            with trio.CancelScope(deadline=min(due_at, self._records.write_at)):
                await trio.lowlevel.wait_readable(poll.fileno())
            self._now = trio.current_time()
            for descriptor, events in poll.poll(0, EVENTS_MAX):
                if descriptor in listening:
                    self._welcome(listening[descriptor], poll)
                elif descriptor in self._clients:
                    self._happened(self._clients[descriptor], events, poll)
            self._send_delayed(poll)
            if self._now >= sweep_at:
                self._sweep()
                sweep_at = self._now + every_s
            if self._now >= self._records.write_at:
                self._records.write(file)

    def _welcome(self, listener: socket.socket, poll: select.epoll) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:  # it was reset in the backlog
            return
        if len(self._clients) >= self._connections_max:
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = PlainSocket(sock) if self._ssl_context is None else TlsSocket(sock, self._ssl_context)
        patience_s = self._idle_max_s if wire.greeted else min(HANDSHAKE_MAX_S, self._idle_max_s)
        self._clients[sock.fileno()] = _Client(wire, self._now + patience_s)
        poll.register(sock, select.EPOLLIN)

    def _happened(self, client: _Client, events: int, poll: select.epoll) -> None:
        wire = client.wire
        try:
            if events & select.EPOLLOUT and wire.flush():
                poll.modify(wire.socket, select.EPOLLIN)
            while (data := wire.receive()) is not None:
                if not data or not self._take(client, client.reader.feed(data)):
                    self._close(client)
                    return
                if not wire.more:
                    break
            self._await_room(client, poll)
        except OSError:  # the client has gone
            self._close(client)

    def _take(self, client: _Client, requests: Iterable[_Request]) -> bool:
        """Answer what has come, in its order; whether the connection goes on."""
        client.deadline = self._now + self._idle_max_s
        if client.hangs:
            return True
        client.queue.extend(requests)
        return len(client.queue) <= QUEUE_MAX and self._proceed(client)

    def _proceed(self, client: _Client) -> bool:
        while client.queue and not client.delayed:
            request = client.queue.popleft()
            reply = self._answer(request)
            client.last = not request.keep_alive
            if reply.end == "hang":
                client.hangs = True
                client.queue.clear()
                return True
            if reply.end == "reset":
                # Closing a socket that lingers for 0 s sends RST, not FIN (socket(7)).
                client.wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            if reply.delay_s:
                self._delay(client, reply)
            else:
                client.wire.send(_wire(reply))
                if client.last:
                    return False
        refused = client.reader.refused
        if refused is not None and not client.delayed:
            client.wire.send(_wire(refused))
            return False
        return True

    def _delay(self, client: _Client, reply: FakeReply) -> None:
        client.delayed = True
        client.deadline = self._now + self._idle_max_s + reply.delay_s
        self._delayed.add(self._now + reply.delay_s, client, _wire(reply))

    def _send_delayed(self, poll: select.epoll) -> None:
        for client, data in self._delayed.due(self._now):
            if client.closed:
                continue
            client.delayed = False
            try:
                client.wire.send(data)
                if not client.last and self._proceed(client):
                    self._await_room(client, poll)
                    continue
            except OSError:
                pass
            self._close(client)

    def _await_room(self, client: _Client, poll: select.epoll) -> None:
        if client.wire.unsent:
            poll.modify(client.wire.socket, select.EPOLLIN | select.EPOLLOUT)

    def _close(self, client: _Client) -> None:
        client.closed = True
        del self._clients[client.wire.socket.fileno()]
        client.wire.close()

    def _sweep(self) -> None:
        for client in [client for client in self._clients.values() if client.deadline <= self._now]:
            self._close(client)

    def _answer(self, request: _Request) -> FakeReply:
        reply, line = self.google.answer(request.method, request.path, request.authorization, request.body, time.time())
        if line is not None:
            self._records.add(line, self._now)
        return reply


class _Client:
    """A connection of the fake's."""

    def __init__(self, wire: PlainSocket, deadline: float) -> None:
        self.wire = wire
        self.reader = _Reader()
        self.deadline = deadline
        """When it is closed, unless a request comes (trio's time)."""
        self.queue: deque[_Request] = deque()
        self.last = False
        """The request answered next, or last, is the last of the connection."""
        self.delayed = False
        self.hangs = False
        self.closed = False


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
        self.refused: FakeReply | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._ready: list[_Request] = []
        self._size = 0

    def feed(self, data: bytes) -> list[_Request]:
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


def _wire(reply: FakeReply) -> bytes:
    head = _head(reply.status, reply.headers)
    return b"%b%d\r\n\r\n%b" % (head, len(reply.body), reply.body)


@functools.lru_cache(256)
def _head(status: int, headers: tuple[tuple[str, str], ...]) -> bytes:
    """All of an answer's head but the number at its end."""
    more = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json; charset=UTF-8\r\n"
        f"{more}Content-Length: "
    ).encode()
