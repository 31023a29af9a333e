"""A pool of kept-alive HTTP/1.1 connections to one origin: what evd itself sends goes through here.

`HttpPool` is thin: trio streams, httptools' response parser, a deadline and a bound on everything. No redirects (an
answer is untrusted and must not choose whom evd talks to), no cookies, no compression, no proxies.
"""

from __future__ import annotations

import select
import ssl
from collections import deque
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

import httptools
import msgspec
import trio

from evd.errors import ConfigError, HttpBroken, HttpError, HttpTimeout
from evd.version import VERSION

# One read; also the head an answer may have (FCM's are 400 bytes, nginx and Apache send at most 8 KiB).
READ_MAX = 65_536
HEAD_MAX = 65_536

# Routers and load balancers forget a silent connection, some after 60 s, without telling either end; a request sent
# into one waits for its whole deadline.
IDLE_MAX_S = 50.0

DEFAULT_PORTS = {"http": 80, "https": 443}


class Response(msgspec.Struct, frozen=True):
    """An answer, whole. Header names are lower case; values of a repeated name are joined by ", " (RFC 9110 §5.3)."""

    status: int
    headers: dict[str, str]
    body: bytes


class HttpPool:
    """At most `connections_max` connections to `base_url`, each with one request in flight.

    `base_url` may end in a path, which goes before every request's path. `timeout_s` (s) is for a whole request:
    waiting for a connection, connecting, sending, and the last byte of the answer. An answer's body may have `body_max`
    bytes.

    A request is **sent again**, once and on a new connection, if it went out on a connection that had been idle and the
    other side closed it without one byte of an answer: a server may close an idle connection at any time, and did so,
    most likely, before it read the request. RFC 9112 §9.3.1 allows that for what may safely be done twice, so nothing
    else belongs in this pool.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connections_max: int,
        timeout_s: float,
        body_max: int,
        idle_max_s: float = IDLE_MAX_S,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Raises ConfigError if `base_url` is no http:// or https:// address."""
        self.origin = parse_origin(base_url)
        self._timeout_s = timeout_s
        self._body_max = body_max
        self._idle_max_s = idle_max_s
        self._ssl_context: ssl.SSLContext | None = None
        if self.origin.scheme == "https":
            self._ssl_context = ssl_context or default_ssl_context()
        self._common_head = f"Host: {self.origin.netloc}\r\nUser-Agent: evd/{VERSION}\r\n"
        self._slots = trio.Semaphore(connections_max, max_value=connections_max)
        self._idle: deque[_PooledConnection] = deque()  # the newest at the right end; never more than there are slots
        self._closed = False

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """Send one request and read its answer, whatever its status. A cancelled request closes its connection.

        Raises HttpTimeout after `timeout_s`, HttpBroken if there is no usable answer, and HttpError if the pool is
        closed or the request cannot be written as HTTP.
        """
        wire = self._encode(method, path, headers, body)
        with trio.CancelScope(deadline=trio.current_time() + self._timeout_s):
            async with self._slots:
                return await self._exchange(wire, bodyless=method == "HEAD")
        raise HttpTimeout(f"{self.origin.url} did not answer within {self._timeout_s:g} s.")

    async def aclose(self) -> None:
        """Close what is idle at once, and what is in use when its request ends. Further requests raise HttpError."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        await trio.lowlevel.checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return len(self._idle)

    def _encode(self, method: str, path: str, headers: Mapping[str, str] | None, body: bytes | None) -> bytes:
        fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]) if headers else ""
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        line = f"{method} {self.origin.prefix}{path} HTTP/1.1\r\n"
        head = f"{line}{self._common_head}{fields}{length}\r\n"
        # Line ends and spaces are counted, so that no value can smuggle in a field or a request of its own.
        lines = 4 + len(headers or ()) + (body is not None)
        counted = (head.count("\n"), head.count("\r"), line.count(" "))
        if counted != (lines, lines, 2) or not path.startswith("/") or not head.isascii():
            raise HttpError(f"A request to {self.origin.url} has a path or a header that HTTP forbids.")
        return head.encode() + (body or b"")

    async def _exchange(self, wire: bytes, *, bodyless: bool) -> Response:
        connection = self._take_idle()
        if connection is not None:
            try:
                return await self._use(connection, wire, bodyless)
            except _NoAnswer:
                pass
        return await self._use(await self._connect(), wire, bodyless)

    async def _use(self, connection: _PooledConnection, wire: bytes, bodyless: bool) -> Response:
        try:
            response = await connection.exchange(wire, bodyless)
        except BaseException:
            connection.close()
            raise
        if connection.reusable and not self._closed:
            connection.idle_since = trio.current_time()
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def _take_idle(self) -> _PooledConnection | None:
        """The connection used last, if it still lives; those too long idle, or closed by the other side, are let go."""
        oldest = trio.current_time() - self._idle_max_s
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()
        while self._idle:
            connection = self._idle.pop()
            if not connection.stale():
                return connection
            connection.close()
        return None

    async def _connect(self) -> _PooledConnection:
        if self._closed:
            raise HttpError(f"The connections to {self.origin.url} are closed.")
        try:
            # trio sets TCP_NODELAY: without it, head and body in separate segments wait for each other (Nagle).
            tcp = await trio.open_tcp_stream(self.origin.host, self.origin.port)
        except OSError as error:
            raise HttpBroken(f"Cannot connect to {self.origin.url}: {error}.") from error
        if self._ssl_context is None:
            return _PooledConnection(tcp, tcp.socket, self.origin.url, self._body_max)
        tls = trio.SSLStream(tcp, self._ssl_context, server_hostname=self.origin.host, https_compatible=True)
        try:
            await tls.do_handshake()
        except BaseException as error:
            tcp.socket.close()
            if isinstance(error, trio.BrokenResourceError):
                reason = error.__cause__ or "the connection was closed"
                raise HttpBroken(f"No TLS connection to {self.origin.url}: {reason}.") from error
            raise
        return _PooledConnection(tls, tcp.socket, self.origin.url, self._body_max)


class Origin(msgspec.Struct, frozen=True):
    """Where a pool connects to: `prefix` is the path before every request's path, without its last slash."""

    scheme: str
    host: str
    port: int
    netloc: str
    prefix: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.prefix}"


def parse_origin(base_url: str) -> Origin:
    """Raises ConfigError, without repeating a password, if this is no plain http:// or https:// address."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    printable = base_url.isascii() and base_url.isprintable() and " " not in base_url
    surplus = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not host or not printable or surplus:
        raise ConfigError(
            f"{base_url.rpartition('@')[2]!r} is no base address: write http://HOST[:PORT][/PATH] or https://…, "
            "without a user, a query or a fragment."
        )
    default = DEFAULT_PORTS[parts.scheme]
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port in (None, default) else f"{bracketed}:{port}"
    return Origin(parts.scheme, host, default if port is None else port, netloc, parts.path.rstrip("/"))


def default_ssl_context() -> ssl.SSLContext:
    """Verifies the certificate and its name against the system's authorities, or those of SSL_CERT_FILE; TLS ≥ 1.2."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def retry_after_s(response: Response, now: float) -> float | None:
    """What Retry-After asks for, in s from `now` (epoch s); None if it is absent or nonsense.

    RFC 9110 §10.2.3: a number of seconds or an HTTP date. A date that is past gives 0.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:10])  # 300 years; more digits than a float holds would be infinite
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


class _NoAnswer(HttpBroken):
    """The other side closed the connection before the first byte of an answer."""


class _Stream(Protocol):
    async def send_all(self, data: bytes) -> None: ...

    async def receive_some(self, max_bytes: int) -> bytes | bytearray: ...


class _PooledConnection:
    """One connection and the answer it is reading; the `on_…` methods are httptools' callbacks."""

    def __init__(self, stream: _Stream, socket: trio.socket.SocketType, peer: str, body_max: int) -> None:
        self._stream = stream
        self._socket = socket
        self._peer = peer
        self._body_max = body_max
        # A chunked body has its frames on top; one whose frames outweigh it is refused.
        self._wire_max = HEAD_MAX + 2 * body_max
        self._poll = select.poll()
        self._poll.register(socket.fileno(), select.POLLIN)
        self._parser = httptools.HttpResponseParser(self)
        self.reusable = True
        self.idle_since = 0.0
        self._expect(bodyless=False)

    def stale(self) -> bool:
        """Whether the other side has closed an idle connection, or sent what nobody asked for."""
        return bool(self._poll.poll(0))

    def close(self) -> None:
        self._socket.close()
        self.reusable = False

    async def exchange(self, wire: bytes, bodyless: bool) -> Response:
        """Raises _NoAnswer or HttpBroken; the caller closes the connection after any exception."""
        self._expect(bodyless)
        received = 0
        try:
            await self._stream.send_all(wire)
            while not self._complete:
                data = await self._stream.receive_some(READ_MAX)
                received += len(data)
                if not data:
                    self._end_of_stream(received)
                    break
                if received > self._wire_max:
                    raise HttpBroken(f"{self._peer} sent an answer of more than {self._wire_max} bytes.")
                self._parser.feed_data(data)
        except trio.BrokenResourceError as error:
            kind = HttpBroken if received else _NoAnswer
            raise kind(f"{self._peer} broke the connection before its answer was complete.") from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._too_big:
                raise HttpBroken(f"{self._peer} answered with a body of more than {self._body_max} bytes.") from None
            if not self._complete:
                raise HttpBroken(f"{self._peer} answered with something that is not HTTP/1.1.") from error
            self.reusable = False  # the answer was whole; what came after it is rubbish
        return Response(self._status, self._headers, b"".join(self._body))

    def _expect(self, bodyless: bool) -> None:
        self._bodyless = bodyless
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_size = 0
        self._head_read = False
        self._complete = False
        self._too_big = False

    def _end_of_stream(self, received: int) -> None:
        """RFC 9112 §6.3: an answer with neither a length nor chunks ends with its connection."""
        if not received:
            raise _NoAnswer(f"{self._peer} closed the connection without an answer.")
        framed = "content-length" in self._headers or "chunked" in self._headers.get("transfer-encoding", "")
        if not self._head_read or framed:
            raise HttpBroken(f"{self._peer} closed the connection in the middle of its answer.")
        self.reusable = False

    def on_message_begin(self) -> None:
        if self._complete:
            self.reusable = False  # an answer nobody asked for: what follows belongs to no request

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete or self._head_read:
            return  # of an unasked answer, or a trailer
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        self._status = self._parser.get_status_code()
        self._head_read = True
        if self._bodyless and self._status >= 200:
            # The parser waits for the body that Content-Length speaks of, and no HEAD answer has: it cannot go on.
            self._complete = True
            self.reusable = False

    def on_body(self, data: bytes) -> None:
        if self._complete:
            return
        self._body_size += len(data)
        if self._body_size > self._body_max:
            self._too_big = True
            raise ValueError("too big")  # the only way to stop the parser
        self._body.append(data)

    def on_message_complete(self) -> None:
        if self._complete:
            return
        if self._status < 200:  # RFC 9110 §15.2: an interim answer; the real one follows
            self._expect(self._bodyless)
            return
        self._complete = True
        self.reusable = self._parser.should_keep_alive()
