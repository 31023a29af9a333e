"""The guard passes whole requests on, written again, and nothing else."""

from __future__ import annotations

from contextlib import suppress

import h11
import pytest
from http_wires import BODY_MAX, FIELDS_MAX, HEAD_MAX, PLACES, WIRES, cut
from hypothesis import given
from raw_http import H2C, get

from evd.errors import RequestError
from evd.net.server.http1 import RequestReader
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_guard import RequestGuard


def guard(*pieces: bytes) -> tuple[bytes, str | None, bool]:
    """What a guard lets through, the sentence of its refusal, and whether that was in a body."""
    walker = RequestGuard(head_max=HEAD_MAX, fields_max=FIELDS_MAX, allow=lambda head: Allowance(BODY_MAX))
    passed = b"".join(walker.feed(piece) for piece in pieces)
    return passed, walker.error and walker.error.detail, walker.in_body


def post(*lines: bytes) -> bytes:
    return get(*lines).replace(b"GET", b"POST")


@given(WIRES, PLACES)
def test_how_bytes_are_cut_changes_nothing_for_the_guard(data: bytes, places: list[int]) -> None:
    assert guard(*cut(data, places)) == guard(data)


def by_h11(data: bytes) -> tuple[list[tuple[str, bytes, bytes]], bool]:
    """The whole requests h11 finds, and whether it finds a fault."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    requests: list[tuple[str, bytes, bytes]] = []
    method, target, body = "", b"", b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                method, target, body = event.method.decode(), event.target, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                requests.append((method, target, body))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is h11.MUST_CLOSE:
                    return requests, False
                connection.start_next_cycle()
            else:
                return requests, False
    except h11.RemoteProtocolError:
        return requests, True


def until_close(data: bytes) -> list[tuple[str, bytes, bytes]]:
    """The requests of a reader up to a fault, or to the one that is the last of its connection."""
    reader = RequestReader(head_max=HEAD_MAX, fields_max=FIELDS_MAX)
    reader.feed(data)
    requests: list[tuple[str, bytes, bytes]] = []
    with suppress(RequestError):
        while (head := reader.next_head()) is not None and (body := reader.body(Allowance(BODY_MAX))) is not None:
            requests.append((head.method, head.target, body))
            if not head.keep_alive or head.minor == 0:
                break
    return requests


@given(WIRES)
def test_what_the_guard_lets_through_h11_reads_as_the_reader_does(data: bytes) -> None:
    passed, _, _ = guard(data)
    requests, fault = by_h11(passed)
    assert not fault
    assert requests == until_close(data)


def test_after_its_last_request_nothing_of_a_connection_is_let_through() -> None:
    last = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    assert guard(last + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == (last, None, False)


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (
            post(b"Transfer-Encoding: chunked", b"Trailer: a") + b"2\r\nab\r\n1\r\nc\r\n0\r\na: b\r\n\r\n",
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
        ),
        (post(b"Content-Length: 003") + b"abc", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"),
        (post(b"Content-Length: 0"), b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"),
        (post(b"Expect: 100-continue", *H2C, b"TE: trailers"), b"POST / HTTP/1.1\r\nhost: x\r\n\r\n"),
        (post(b"A: b", b"a: c", b"X:\xe9 "), b"POST / HTTP/1.1\r\nhost: x\r\na: b, c\r\nx: \xe9\r\n\r\n"),
        (
            post(b"Connection: keep-alive, x").replace(b"HTTP/1.1", b"HTTP/1.0"),
            b"POST / HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\n\r\n",
        ),
    ],
)
def test_the_guard_gives_a_request_in_its_own_words(sent: bytes, seen: bytes) -> None:
    assert guard(sent) == (seen, None, False)


def test_the_guard_gives_nothing_of_a_request_before_it_is_whole() -> None:
    whole = post(b"Content-Length: 2") + b"ab"
    walker = RequestGuard(head_max=HEAD_MAX, fields_max=FIELDS_MAX, allow=lambda head: Allowance(BODY_MAX))
    for byte in whole[:-1]:
        assert walker.feed(bytes([byte])) == b""
    assert walker.feed(whole[-1:]).endswith(b"\r\n\r\nab")


@pytest.mark.parametrize("framing", [b"Content-Length: 5000000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("rest", [b"", b"2\r\nab\r\n0\r\n\r\n" + post()])
def test_a_request_that_may_send_no_body_is_the_last_one_and_given_without(framing: bytes, rest: bytes) -> None:
    walker = RequestGuard(head_max=HEAD_MAX, fields_max=FIELDS_MAX, allow=lambda head: Allowance(9, reads=False))
    assert walker.feed(post(b"Content-Length: 2") + b"ab").endswith(b"content-length: 2\r\n\r\nab")
    given = walker.feed(post(framing) + rest)
    assert given == b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    assert (walker.feed(post()), walker.held, walker.in_body, walker.error) == (b"", 0, False, None)


def test_the_guard_gives_the_good_requests_before_a_fault_and_nothing_of_the_faulty_head() -> None:
    good = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab"
    passed, error, in_body = guard(good + b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")
    assert (passed, in_body) == (good, False)
    assert error == "The request has more than one host; send one."


def test_the_guard_gives_nothing_of_a_request_with_a_fault_in_its_body() -> None:
    good = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
    passed, error, in_body = guard(good + b"2;x=y\r\nab\r\n0\r\n\r\n")
    assert (passed, in_body) == (b"", True)
    assert error is not None
