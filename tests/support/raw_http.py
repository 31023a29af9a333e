"""HTTP by hand, for tests of what no HTTP library would send: the faults, and a client that sends bytes as they are."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import hpack
import trio
from hyperframe.frame import DataFrame, Frame, HeadersFrame, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass(frozen=True)
class Fault:
    """Bytes of one request that must be refused with `status` and a sentence with `says` in it."""

    name: str
    data: bytes
    status: int
    says: str


def get(*lines: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"GET / HTTP/1.1", b"Host: x", *lines, b""))


def chunked(body: bytes) -> bytes:
    return get(b"Transfer-Encoding: chunked") + body


def h2_headers(*fields: tuple[bytes, bytes], end: bool = True) -> Frame:
    frame = HeadersFrame(1, hpack.Encoder().encode(fields))
    frame.flags.add("END_HEADERS")
    if end:
        frame.flags.add("END_STREAM")
    return frame


def h2(*frames: Frame) -> bytes:
    """An HTTP/2 connection, unasked for, as its client starts it."""
    return PREFACE + b"".join(frame.serialize() for frame in (SettingsFrame(0), *frames))


H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")
"""What curl --http2 and Java's HttpClient ask for in clear text, and go on without."""

SCHEME, AUTHORITY = (b":scheme", b"http"), (b":authority", b"x")
VERSION, LINE, LINE_END, NAME, VALUE = "another version", "request line", "CR LF", "valid name", "control characters"
TARGET, UPGRADE, LENGTH, CHUNKS, HOST = "target", "another protocol", "in doubt", "chunks", "Host"

NO_HOSTS = (
    *(".", "..", ".a", "a..b", "x..", "..:80", "a" * 64, "a" * 300, ".".join(["a" * 60] * 5), "a_b..c,d;e=%zz!", "%"),
    *("x:65536", "x:99999999", "x:y", "x:1:2", ":80", "[1.2.3]", "[:::]", "[::1]x", "[::1]:y", "[fe80::1%eth0]", "[]"),
)

FAULTS = [
    # each of these ends an unguarded hypercorn
    Fault(
        "websocket upgrade and a byte (S05)",
        get(
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        + b"x",
        400,
        UPGRADE,
    ),
    Fault("h2 preface", PREFACE, 400, VERSION),
    Fault("h2c upgrade beside another one", get(b"Connection: Upgrade", b"Upgrade: h2c, websocket"), 400, UPGRADE),
    Fault(
        "h2 non-ASCII path",
        h2(h2_headers((b":method", b"GET"), (b":path", b"/\xc3\xa9"), SCHEME, AUTHORITY)),
        400,
        VERSION,
    ),
    Fault(
        "h2 non-ASCII method",
        h2(h2_headers((b":method", b"G\xc3\x89T"), (b":path", b"/"), SCHEME, AUTHORITY)),
        400,
        VERSION,
    ),
    Fault("h2 CONNECT", h2(h2_headers((b":method", b"CONNECT"), AUTHORITY)), 400, VERSION),
    Fault(
        "h2 DATA after an early 401",
        h2(
            h2_headers((b":method", b"POST"), (b":path", b"/early"), SCHEME, AUTHORITY, end=False),
            *(DataFrame(1, b"x" * 1000) for _ in range(8)),
        ),
        400,
        VERSION,
    ),
    # what two servers in a row may read differently
    Fault("CL+TE", get(b"Content-Length: 4", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, LENGTH),
    Fault("TE+CL", get(b"Transfer-Encoding: chunked", b"Content-Length: 4") + b"0\r\n\r\n", 400, LENGTH),
    Fault("TE.TE", get(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"), 400, "more than one transfer-encoding"),
    Fault("TE twice", get(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400, "more than one"),
    Fault("TE list", get(b"Transfer-Encoding: gzip, chunked"), 400, LENGTH),
    Fault("TE identity", get(b"Transfer-Encoding: identity"), 400, LENGTH),
    Fault("TE quoted", get(b'Transfer-Encoding: "chunked"'), 400, LENGTH),
    Fault("TE empty", get(b"Transfer-Encoding:"), 400, LENGTH),
    Fault("TE in HTTP/1.0", b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, LENGTH),
    Fault("two CLs", get(b"Content-Length: 1", b"Content-Length: 2") + b"x", 400, "more than one content-length"),
    Fault("two equal CLs", get(b"Content-Length: 1", b"Content-Length: 1") + b"x", 400, "more than one"),
    Fault("CL list", get(b"Content-Length: 1, 1") + b"x", 400, "no number"),
    Fault("CL with a sign", get(b"Content-Length: +1") + b"x", 400, "no number"),
    Fault("CL negative", get(b"Content-Length: -1"), 400, "no number"),
    Fault("CL in hex", get(b"Content-Length: 0x1") + b"x", 400, "no number"),
    Fault("CL empty", get(b"Content-Length:"), 400, "no number"),
    Fault("CL with underscore", get(b"Content-Length: 1_0") + b"x" * 10, 400, "no number"),
    Fault("bare LF, all lines", b"GET / HTTP/1.1\nHost: x\n\n", 400, LINE_END),
    Fault("bare LF, one field", b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, LINE_END),
    Fault("bare LF, blank line", b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400, LINE_END),
    Fault("bare CR, in a value", get(b"A: b\rContent-Length: 5"), 400, LINE_END),
    Fault("bare CR, request line", b"GET / HTTP/1.1\r\r\nHost: x\r\n\r\n", 400, LINE_END),
    Fault("obs-fold", get(b"A: b", b" c"), 400, "folded"),
    Fault("obs-fold first", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "folded"),
    Fault("obs-fold by tab", get(b"Transfer-Encoding:", b"\tchunked"), 400, "folded"),
    Fault("space before colon", get(b"Content-Length : 5"), 400, NAME),
    Fault("tab before colon", get(b"Transfer-Encoding\t: chunked"), 400, NAME),
    Fault("no colon", get(b"nonsense"), 400, NAME),
    Fault("empty name", get(b": x"), 400, NAME),
    Fault("name with NUL", get(b"A\0: x"), 400, NAME),
    Fault("name with non-ASCII", get(b"\xc3\xa9: x"), 400, NAME),
    Fault("NUL in a value", get(b"A: \0"), 400, VALUE),
    Fault("DEL in a value", get(b"A: \x7f"), 400, VALUE),
    Fault("chunk extension", chunked(b"1;a=b\r\nx\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk size with sign", chunked(b"+1\r\nx\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk size with 0x", chunked(b"0x1\r\nx\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk size with space", chunked(b"1 \r\nx\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk size empty", chunked(b"\r\n"), 400, CHUNKS),
    Fault("chunk size of nine digits", chunked(b"000000001\r\nx\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk size with bare LF", chunked(b"1\nx\n0\n\n"), 400, CHUNKS),
    Fault("chunk longer than it says", chunked(b"1\r\nxy\r\n0\r\n\r\n"), 400, CHUNKS),
    Fault("chunk end with bare LF", chunked(b"1\r\nx\n0\r\n\r\n"), 400, CHUNKS),
    Fault("trailer without colon", chunked(b"0\r\nnonsense\r\n\r\n"), 400, NAME),
    Fault("trailers without end", chunked(b"0\r\n" + b"A: b\r\n" * 200), 400, CHUNKS),
    # what is no request to this server
    Fault("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "does not start with"),
    Fault("no Host", b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
    Fault("two Hosts", get(b"Host: y"), 400, "more than one host"),
    Fault("Host with a path", b"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400, HOST),
    *(
        Fault(f"Host {name[:20]!r} of {len(name)}", b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % name.encode(), 400, HOST)
        for name in NO_HOSTS
    ),
    Fault("Host with a half bracket", b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, HOST),
    Fault("HTTP/2.0", b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400, VERSION),
    Fault("HTTP/1.2", b"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 400, VERSION),
    Fault("HTTP/0.9", b"GET /\r\n", 400, LINE),
    Fault("lower-case version", b"GET / http/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("two spaces", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("method too long", b"A" * 17 + b" / HTTP/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("method no token", b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("CONNECT", b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400, TARGET),
    Fault("CONNECT to a path", b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 400, TARGET),
    Fault("absolute target", b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, TARGET),
    Fault("star target", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400, TARGET),
    Fault("non-ASCII target", b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("control byte in target", b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400, LINE),
    Fault("blank lines for ever", b"\r\n" * 5, 400, "blank lines"),
    Fault("gzip", get(b"Content-Encoding: gzip", b"Content-Length: 3") + b"abc", 415, "Content-Encoding"),
    Fault("head too large", get(b"A: " + b"a" * 17 * 1024), 431, "over 16384 bytes"),
    Fault("target too large", b"GET /" + b"a" * 17 * 1024, 431, "over 16384 bytes"),
    Fault("65 fields", get(*[b"A: b"] * 64), 431, "more than 64"),
    Fault("body too large", get(b"Content-Length: 1073741824"), 413, "body is over"),
    Fault("chunk too large", chunked(b"7fffffff\r\n"), 413, "body is over"),
]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Ended(Exception):
    """The server closed the connection where an answer was due."""


@dataclass
class Client:
    """One connection. `read` gives the next answer; `ended` waits for the server to close."""

    stream: trio.abc.Stream
    buffer: bytes = field(default=b"")

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def _more(self) -> None:
        data = bytes(await self.stream.receive_some())
        if not data:
            raise Ended(f"after {self.buffer!r}")
        self.buffer += data

    async def read(self, *, head_only: bool = False) -> Answer:
        with trio.fail_after(30):
            while b"\r\n\r\n" not in self.buffer:
                await self._more()
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            status_line, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            length = 0 if head_only else int(headers.get("content-length", 0))
            while len(self.buffer) < length:
                await self._more()
            body, self.buffer = self.buffer[:length], self.buffer[length:]
            return Answer(int(status_line.split()[1]), headers, body)

    async def ended(self) -> bool:
        """Whether the server closes without another word, be it by a reset."""
        with trio.fail_after(30):
            try:
                return not self.buffer and not await self.stream.receive_some()
            except trio.BrokenResourceError:
                return True

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *args: object) -> None:
        await trio.aclose_forcefully(self.stream)


async def connect(port: int, tls: ssl.SSLContext | None = None) -> Client:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    if tls is None:
        return Client(stream)
    return Client(trio.SSLStream(stream, tls, server_hostname="127.0.0.1", https_compatible=True))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a server does on its own account, where there is nothing on the wire to wait for."""
    with trio.fail_after(30):
        while not condition():
            await trio.sleep(0.005)
