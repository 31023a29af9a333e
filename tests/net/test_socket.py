"""Sockets that never block, plain and under TLS: what has arrived, what is left to send, and the end."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing

import pytest
import trustme

from evd.net.socket import RECEIVE_MAX, PlainSocket, TlsSocket, tls_context

LARGE = bytes(range(256)) * 32_768  # 8 MiB: more than the buffers of a socket
DEADLINE_S = 10


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority, folder = trustme.CA(key_type=trustme.KeyType.ECDSA), tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return tls_context(folder / "cert.pem", folder / "key.pem"), client


@pytest.fixture(params=["plain", "TLS"])
def pair(
    request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> Iterator[tuple[PlainSocket, PlainSocket]]:
    """The two ends of a connection, greeted."""
    one, other = socket.socketpair()
    if request.param == "plain":
        ends = PlainSocket(one), PlainSocket(other)
    else:
        server, client = contexts
        ends = TlsSocket(one, server), TlsSocket(other, client, "localhost")
        ends[1].greet()
        for _ in range(3):
            assert [end.receive() for end in ends] == [None, None]
    assert all(end.greeted for end in ends)
    with closing(ends[0]), closing(ends[1]):
        yield ends


def received(wire: PlainSocket, size: int, sender: PlainSocket | None = None) -> bytes:
    """So many bytes, while the sender goes on."""
    data = b""
    while len(data) < size:
        if sender is not None and sender.unsent:
            sender.flush()
        part = wire.receive()
        if part is None:
            assert select.select([wire.socket], [], [], DEADLINE_S)[0]
        else:
            assert part, "the other end is gone"
            data += part
    return data


def test_bytes_arrive_and_then_there_are_none(pair: tuple[PlainSocket, PlainSocket]) -> None:
    one, other = pair
    assert one.send(b"hello")
    assert received(other, 5) == b"hello"
    assert other.receive() is None
    assert not other.more


def test_after_a_full_read_there_may_be_more(pair: tuple[PlainSocket, PlainSocket]) -> None:
    one, other = pair
    assert one.send(bytes(RECEIVE_MAX + 1))
    assert len(other.receive() or b"") == RECEIVE_MAX
    assert other.more
    assert other.receive() == b"\0"


def test_what_the_socket_does_not_take_waits_its_turn(pair: tuple[PlainSocket, PlainSocket]) -> None:
    one, other = pair
    assert not one.send(LARGE)
    assert one.unsent
    begun = received(other, 100_000)
    assert not one.send(b"behind"), "though there is room for it: order is kept"
    assert begun + received(other, len(LARGE) + 6 - len(begun), one) == LARGE + b"behind"
    assert one.flush() and not one.unsent


def test_the_end_comes_after_the_last_bytes(pair: tuple[PlainSocket, PlainSocket]) -> None:
    one, other = pair
    one.send(b"last")
    one.end()
    assert received(other, 4) == b"last"
    assert other.receive() == b""
    assert other.send(b"answer")
    assert received(one, 6) == b"answer", "half is open still"


def test_of_an_end_that_was_announced_more_is_to_be_found() -> None:
    one, other = socket.socketpair()
    with closing(PlainSocket(one)) as reader, closing(other):
        reader.ending = True
        other.sendall(b"a")
        assert (reader.receive(), reader.more) == (b"a", True)


def test_a_certificate_for_another_name_ends_the_handshake(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    one, other = socket.socketpair()
    server, client = contexts
    with closing(TlsSocket(one, server)) as here, closing(TlsSocket(other, client, "example.org")) as there:
        there.greet()
        assert here.receive() is None
        with pytest.raises(ssl.SSLCertVerificationError):
            there.receive()
        assert not there.greeted
        with pytest.raises(ssl.SSLError):
            here.receive()  # the alert


def test_what_is_no_tls_is_an_error_of_the_connection(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    one, other = socket.socketpair()
    with closing(TlsSocket(one, contexts[0])) as here, closing(other):
        other.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(OSError):
            here.receive()
