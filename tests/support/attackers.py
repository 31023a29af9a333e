"""Clients that mean harm to evd's port, each a function of an Aim: bytes by hand, from plain sockets and under TLS."""

from __future__ import annotations

import random
import socket
import ssl
import struct
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from hyperframe.frame import ContinuationFrame, Frame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame
from odd_requests import post
from raw_http import AUTHORITY, PREFACE, SCHEME, h2, h2_headers

KIB, MIB, GIB = 1024, 1024**2, 1024**3
WAITS_S = 20.0
"""For what must come."""
TO_WEB = b"HEAD /online HTTP/1.1\r\nHost: x\r\n\r\n"
"""After it, a connection is the web application's to its end."""
UPLINK = b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\n"
STRANGE = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"
"""A request for the web application that nobody need prove anything for."""


@dataclass(frozen=True)
class Aim:
    """evd's port; `tls` where it speaks TLS. Whoever attacks may have stolen the key of a client."""

    port: int
    key: bytes
    tls: ssl.SSLContext | None

    def knock(self) -> socket.socket:
        """A bare connection, with no TLS on it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAITS_S)

    @contextmanager
    def connect(self, *, web: bool = False, tls: ssl.SSLContext | None = None) -> Iterator[socket.socket]:
        """A connection as clients have it; with `web` it is the web application's already."""
        context = tls or self.tls
        bare = self.knock()
        with bare if context is None else context.wrap_socket(bare, server_hostname="127.0.0.1") as sock:
            if web:
                sock.sendall(TO_WEB)
                assert status_of(read_head(sock)) == 200
            yield sock

    def keyed(self, data: bytes) -> bytes:
        return data.replace(b"@sigfox@", self.key)


def read_head(sock: socket.socket) -> bytes:
    """The head of the next answer; what came of it where the connection ended before. Reads no byte behind it."""
    head = b""
    with suppress(ConnectionError, ssl.SSLError):
        while not head.endswith(b"\r\n\r\n") and (byte := sock.recv(1)):
            head += byte
    return head


def status_of(head: bytes) -> int | None:
    return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else None


def ends_within(sock: socket.socket, seconds: float) -> bool:
    """Whether the server ends the connection, be it with an answer before and by a reset."""
    until = time.monotonic() + seconds
    with suppress(ConnectionError, ssl.SSLError):
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                if not sock.recv(64 * KIB):
                    return True
            except TimeoutError:
                return False
        return False
    return True


def pour(sock: socket.socket, piece: bytes, total: int) -> int:
    """Send `piece` again and again until `total` bytes or until the server has enough; how many bytes were taken."""
    taken = 0
    with suppress(ConnectionError, ssl.SSLError):
        while taken < total:
            sock.sendall(piece)
            taken += len(piece)
    return taken


# What an HTTP/2 client may send unasked; the first seven of R19's twelve are in raw_http.FAULTS.

_GET = ((b":method", b"GET"), (b":path", b"/"), SCHEME, AUTHORITY)


def _without_end() -> list[Frame]:
    first = HeadersFrame(1, b"\x00\x01a\x01b")
    return [first, *(ContinuationFrame(1, b"\x00\x01a\x01b" * 100) for _ in range(500))]


def _resets(count: int) -> list[Frame]:
    frames: list[Frame] = []
    for number in range(1, 2 * count, 2):
        headers = h2_headers(*_GET, end=False)
        headers.stream_id = number
        frames += [headers, RstStreamFrame(number, error_code=8)]
    return frames


H2_ATTACKS = {
    "rapid reset": h2(*_resets(2000)),
    "a flood of PING": h2(*(PingFrame(0, b"12345678") for _ in range(5000))),
    "a flood of SETTINGS": h2(*(SettingsFrame(0) for _ in range(5000))),
    "CONTINUATION without end": h2(*_without_end()),
    "a frame of 16 MiB that does not come": PREFACE + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01",
}


# ---- attacks of one idea, each a function; `web` says which of the two servers behind the port is meant ----


def slow_heads(aim: Aim, web: bool) -> None:
    """Slowloris: a hundred heads of which a byte comes now and then. Each is cut at its deadline all the same."""
    with ExitStack() as all_of_them:
        crowd = [all_of_them.enter_context(aim.connect(web=web)) for _ in range(100)]
        for sock in crowd:
            sock.sendall(UPLINK)
        _drip(crowd, b"a", 5)
        assert all(ends_within(sock, WAITS_S) for sock in crowd)


def slow_bodies(aim: Aim, web: bool) -> None:
    """A hundred bodies, with the right key, of which a byte comes now and then."""
    with ExitStack() as all_of_them:
        crowd = [all_of_them.enter_context(aim.connect(web=web)) for _ in range(100)]
        for sock in crowd:
            sock.sendall(aim.keyed(post(b"{", length=b"9000")))
        _drip(crowd, b" ", 5)
        assert all(ends_within(sock, WAITS_S) for sock in crowd)


def _drip(crowd: list[socket.socket], drop: bytes, times: int) -> None:
    for _ in range(times):
        for sock in crowd:
            with suppress(ConnectionError, ssl.SSLError):
                sock.sendall(drop)
        time.sleep(0.2)


def deaf(aim: Aim, web: bool) -> None:
    """Twenty clients that ask and ask and take no byte of the answers."""
    with ExitStack() as all_of_them:
        for _ in range(20):
            sock = all_of_them.enter_context(aim.connect(web=web))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
            asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" if web else aim.keyed(post())
            sock.settimeout(0.2)
            with suppress(TimeoutError, ConnectionError, ssl.SSLError):
                for _ in range(500):
                    sock.sendall(asked * 20)


def huge_body(aim: Aim, web: bool) -> None:
    """A GiB, announced: refused by its head, and little of it is taken."""
    _huge(aim, web, b"Content-Length: %d\r\n\r\n" % GIB, b"x" * 64 * KIB)


def huge_chunks(aim: Aim, web: bool) -> None:
    """A GiB in chunks of 64 KiB."""
    _huge(aim, web, b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 64 * KIB + b"\r\n")


def crumbs(aim: Aim, web: bool) -> None:
    """A GiB in chunks of one byte."""
    _huge(aim, web, b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000)


def _huge(aim: Aim, web: bool, head: bytes, piece: bytes) -> None:
    for key in (b"", aim.keyed(b"x-api-key: @sigfox@\r\n")):
        with aim.connect(web=web) as sock:
            sock.sendall((STRANGE if web else UPLINK) + key + head)
            taken = pour(sock, piece, GIB)
            assert taken < TAKEN_MAX, f"{taken / MIB:.1f} MiB were taken"
            assert ends_within(sock, WAITS_S)


TAKEN_MAX = 16 * MIB
"""R17 has 4 MiB beside the sockets' buffers, which on the loopback hold some MiB on either side."""


def head_flood(aim: Aim, web: bool) -> None:
    """Fields without end: refused at the bound, whether they come at once or each by itself."""
    for piece in (b"A: b\r\n", b"A: b\r\n" * 1500, b"A: " + b"b" * 64 * KIB):
        with aim.connect(web=web) as sock:
            sock.sendall(UPLINK)
            assert pour(sock, piece, GIB) < TAKEN_MAX
            assert ends_within(sock, WAITS_S)


def blank_lines(aim: Aim, web: bool) -> None:
    """Line ends without end, which some servers skip."""
    with aim.connect(web=web) as sock:
        assert pour(sock, b"\r\n" * 1000, GIB) < TAKEN_MAX
        assert ends_within(sock, WAITS_S)


def h2_unasked(aim: Aim, web: bool) -> None:
    """HTTP/2 as its attacks have it: each gets one 400 in HTTP/1.1, and nothing of it is read as HTTP/2."""
    for name, data in H2_ATTACKS.items():
        with aim.connect(web=web) as sock:
            with suppress(ConnectionError, ssl.SSLError):
                sock.sendall(data)
            assert status_of(read_head(sock)) in (400, None), name  # a reset may overtake the answer
            assert ends_within(sock, WAITS_S), name


def resets(aim: Aim, web: bool) -> None:
    """Two hundred connections that end by a reset, before, within, and behind a request."""
    for number in range(200):
        data = aim.keyed(post())
        with aim.connect(web=web and number % 2 == 0) as sock:
            sock.sendall(data[: len(data) * (number % 5) // 4])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garbage(aim: Aim, web: bool, seed: int = 0) -> None:
    """Three hundred connections with random bytes, some behind the beginning of a request."""
    chance = random.Random(seed)
    for _ in range(300):
        with aim.connect(web=web) as sock, suppress(ConnectionError, ssl.SSLError):
            sock.sendall(chance.choice((b"", UPLINK, b"GET /")) + chance.randbytes(chance.randrange(1, 4000)))


# ---- of TLS ----


def no_hello(aim: Aim) -> None:
    """A hundred connections that say nothing, or half a hello: all are closed at the handshake's deadline."""
    with ExitStack() as all_of_them:
        crowd = [all_of_them.enter_context(aim.knock()) for _ in range(100)]
        for number, sock in enumerate(crowd):
            sock.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[: number % 12])
        assert all(ends_within(sock, WAITS_S) for sock in crowd)


def no_tls(aim: Aim, seed: int = 0) -> None:
    """Plain HTTP, alerts, records that lie about their length, random bytes: 500 connections."""
    chance = random.Random(seed)
    starts = (
        b"",
        b"\x16\x03\x01",
        b"\x16\x03\x03\xff\xff",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x80\x2e\x01\x03\x01",
        UPLINK,
    )
    for _ in range(500):
        with aim.knock() as sock, suppress(ConnectionError):
            sock.sendall(chance.choice(starts) + chance.randbytes(chance.randrange(600)))


def broken_records(aim: Aim) -> None:
    """Random bytes in the place of a record, after a good handshake."""
    for number in range(50):
        with aim.knock() as bare:
            assert aim.tls is not None
            sock = aim.tls.wrap_socket(bare, server_hostname="127.0.0.1")
            with suppress(OSError):
                under = socket.socket(fileno=sock.detach())
                with under:
                    under.sendall(b"\x17\x03\x03" + struct.pack(">H", 40) + bytes([number]) * 40)
                    assert ends_within(under, WAITS_S)


def old_versions(aim: Aim) -> None:
    """TLS 1.0 and 1.1."""
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # so are these versions
            context.minimum_version = context.maximum_version = version
        try:
            with aim.connect(tls=context) as sock:
                raise AssertionError(f"{sock.version()} was taken")  # type: ignore[attr-defined]
        except (ssl.SSLError, ConnectionError):
            pass


def hellos(aim: Aim) -> None:
    """Two hundred handshakes as fast as one client can, each left at once."""
    for _ in range(200):
        with aim.connect():
            pass
