"""The byte layer of a connection: a socket that never blocks, plain or under TLS.

Made for edge-triggered readiness: after `receive` returned bytes, `more` says whether others may be there already, so
that a request costs one system call to read and one to answer. Both classes raise OSError (ssl.SSLError is one) for a
broken connection.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

RECEIVE_MAX = 16 * 1024  # bytes taken from a socket at once: a TLS record, and dozens of callbacks


class PlainSocket:
    """A TCP connection without TLS."""

    tls = False
    greeted = True
    """Whether the handshake is done; always true, as there is none."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.socket = sock
        self.more = False
        """Whether bytes or the end may be there already; whoever learns that some have arrived sets it."""
        self.ending = False
        """Whether the peer has ended, so that after its bytes there is more to find: the end."""
        self.unsent = b""
        """Bytes that the socket has not taken yet; `flush` them when it is writable."""

    def receive(self) -> bytes | None:
        """The bytes that have arrived: None if there are none, b"" at the end."""
        try:
            data = self.socket.recv(RECEIVE_MAX)
        except BlockingIOError:
            self.more = False
            return None
        self.more = self.ending or len(data) == RECEIVE_MAX
        return data

    def send(self, data: bytes) -> bool:
        """Send after the unsent bytes; returns whether the socket took everything."""
        if not self.unsent:
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return True
            data = data[sent:]
        self.unsent += data
        return False

    def flush(self) -> bool:
        """Send the unsent bytes; returns whether none are left."""
        unsent, self.unsent = self.unsent, b""
        return not unsent or PlainSocket.send(self, unsent)

    def end(self) -> None:
        """Half-close: nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


class TlsSocket(PlainSocket):
    """A TCP connection under TLS. It ends without close_notify, as usual in HTTP: lengths show where a reply ends.

    `receive` also does the handshake. TLS works on memory here: ssl's own sockets read a record in two system calls,
    and report by an exception that there is no third.

    It is a server's end; with `server_hostname` it is a client's, which verifies the server by that name and begins
    with `greet`.
    """

    tls = True

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, server_hostname: str | None = None) -> None:
        super().__init__(sock)
        self.greeted = False
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._arrived, self._leaving, server_side=server_hostname is None, server_hostname=server_hostname
        )

    def greet(self) -> None:
        """Send a client's hello; `receive` does the rest of the handshake."""
        self._decrypt()

    def receive(self) -> bytes | None:
        """The bytes that have arrived: None if there are none, b"" at the end."""
        while True:
            if self._arrived.pending or self._tls.pending():
                data = self._decrypt()
                if data is not None:
                    self.more = self.more or bool(self._arrived.pending or self._tls.pending())
                    return data
            raw = super().receive()
            if not raw:
                return raw
            self._arrived.write(raw)

    def _decrypt(self) -> bytes | None:
        try:
            if not self.greeted:
                self._tls.do_handshake()
                self.greeted = True
            return self._tls.read(RECEIVE_MAX)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        finally:
            if self._leaving.pending:  # part of the handshake, or an alert
                super().send(self._leaving.read())

    def send(self, data: bytes) -> bool:
        """Send after the unsent bytes; returns whether the socket took everything."""
        taken = self._tls.write(data)
        while taken < len(data):  # a record at a time
            taken += self._tls.write(memoryview(data)[taken:])
        return super().send(self._leaving.read())


class ServedTls:
    """The TLS of a server's new connections: a renewed certificate replaces `context`, open connections keep theirs."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer, HTTP/1.1 only. Raises OSError or ssl.SSLError if the files cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context
