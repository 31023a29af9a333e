"""Reading requests strictly: what is understood, what is refused and how, and that no cutting of the bytes matters."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise, product

import h11
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_http import FAULTS, H2C, Fault, get

from evd.errors import BadRequest, RequestError, Unauthorized, Unavailable
from evd.net.server.http1 import NO_SNIFF, RequestReader, error_reply, render
from evd.net.server.http1_body import CHUNKS_MANY, Allowance, BodyWalk
from evd.net.server.http1_guard import RequestGuard
from evd.request.http import Reply

HEAD_MAX, FIELDS_MAX, BODY_MAX = 16 * 1024, 64, 1000

Outcome = list[tuple[object, ...]]


def read(*pieces: bytes, body_max: int = BODY_MAX) -> Outcome:
    """What a reader makes of a connection: its requests, then the refusal if there is one."""
    reader = RequestReader(head_max=HEAD_MAX, fields_max=FIELDS_MAX)
    outcome: Outcome = []
    head = None
    for piece in pieces:
        reader.feed(piece)
        try:
            while True:
                head = head or reader.next_head()
                if head is None:
                    break
                body = reader.body(Allowance(body_max))
                if body is None:
                    break
                outcome.append((head.method, head.path, head.query, tuple(head.headers.items()), body))
                head = None
        except RequestError as error:
            return [*outcome, (type(error), error.detail)]
    return outcome


def guard(*pieces: bytes) -> tuple[bytes, str | None, bool]:
    """What a guard lets through, the sentence of its refusal, and whether that was in a body."""
    walker = RequestGuard(head_max=HEAD_MAX, fields_max=FIELDS_MAX, allow=lambda head: Allowance(BODY_MAX))
    passed = b"".join(walker.feed(piece) for piece in pieces)
    return passed, walker.error and walker.error.detail, walker.in_body


def post(*lines: bytes) -> bytes:
    return get(*lines).replace(b"GET", b"POST")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)] or [b""]


def only_head(data: bytes) -> object:
    reader = RequestReader(head_max=HEAD_MAX, fields_max=FIELDS_MAX)
    reader.feed(data)
    head = reader.next_head()
    assert head is not None
    return head


@pytest.mark.parametrize(
    ("data", "field", "value"),
    [
        (b"POST /sigfox/uplink HTTP/1.1\r\nHost: x\r\n\r\n", "method", "POST"),
        (b"GET /a%20b%2Fc HTTP/1.1\r\nHost: x\r\n\r\n", "path", "/a b/c"),
        (b"GET /%C3%A9 HTTP/1.1\r\nHost: x\r\n\r\n", "path", "/é"),
        (b"GET /a?b=%20c?d HTTP/1.1\r\nHost: x\r\n\r\n", "query", b"b=%20c?d"),
        (b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n", "target", b"/a?b"),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "path", "*"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "length", 0),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0012\r\n\r\n", "length", 12),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", "length", None),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "keep_alive", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", "keep_alive", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo\r\nConnection: close\r\n\r\n", "keep_alive", False),
        (b"GET / HTTP/1.0\r\n\r\n", "keep_alive", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "keep_alive", True),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "keep_alive", False),
        (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n\r\n", "expects_continue", True),
        (b"GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", "expects_continue", False),
        (b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "headers", {b"host": b"[::1]:8080"}),
        (b"GET / HTTP/1.1\r\nHost:\r\nX:\t a \t\r\n\r\n", "headers", {b"host": b"", b"x": b"a"}),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\na: 2\r\n\r\n", "headers", {b"host": b"x", b"a": b"1, 2"}),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nCookie: 1\r\ncookie: 2\r\n\r\n",
            "headers",
            {b"host": b"x", b"cookie": b"1; 2"},
        ),
        (b"GET / HTTP/1.1\r\nHost: x\r\nName: Zo\xc3\xab\r\n\r\n", "headers", {b"host": b"x", b"name": b"Zo\xc3\xab"}),
        (b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "method", "GET"),
        (get(*H2C), "keep_alive", True),
        (get(b"Upgrade: ,H2C, h2c"), "length", 0),
    ],
)
def test_a_head_is_understood(data: bytes, field: str, value: object) -> None:
    assert getattr(only_head(data), field) == value


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0004\r\nello\r\n0\r\n\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nDigest: x\r\n\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n\r\nA\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n\r\n\r\n\r\n"),
    ],
)
def test_a_body_is_read_by_length_or_by_chunks_and_the_next_request_follows(framing: bytes, body: bytes) -> None:
    first = b"POST /a HTTP/1.1\r\nHost: x\r\n" + framing
    requests = read(first + b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert [(request[1], request[4]) for request in requests] == [("/a", body), ("/b", b"")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_refused_with_its_status_and_one_sentence(fault: Fault) -> None:
    reader = RequestReader(head_max=HEAD_MAX, fields_max=FIELDS_MAX)
    reader.feed(fault.data)
    with pytest.raises(RequestError) as caught:
        assert reader.next_head() is not None, "not even a fault"
        reader.body(Allowance(64 * 1024))
    assert caught.value.status == fault.status
    assert caught.value.detail.endswith(".")
    assert fault.says in caught.value.detail


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_refused_alike_byte_by_byte(fault: Fault) -> None:
    whole = read(fault.data, body_max=64 * 1024)
    assert read(*cut(fault.data, list(range(len(fault.data)))), body_max=64 * 1024) == whole


@pytest.mark.parametrize(
    ("data", "refused"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", True),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n", True),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n3e8\r\n", True),
    ],
)
def test_a_body_over_the_limit_is_refused_as_soon_as_it_says_so(data: bytes, refused: bool) -> None:
    (error,) = read(data) or [(None,)]
    assert (getattr(error[0], "status", None) == 413) is refused


@pytest.mark.parametrize(("size", "taken"), [(HEAD_MAX, True), (HEAD_MAX + 1, False)])
@pytest.mark.parametrize("step", [HEAD_MAX * 2, 1000, 7])
def test_a_head_may_have_its_limit_in_bytes_and_not_one_more(size: int, taken: bool, step: int) -> None:
    start = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
    data = start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"
    outcome = read(*(data[place : place + step] for place in range(0, len(data), step)))
    assert (outcome[0][0] == "GET") is taken


@pytest.mark.parametrize(("count", "taken"), [(FIELDS_MAX, True), (FIELDS_MAX + 1, False)])
def test_a_head_may_have_its_limit_in_fields_and_not_one_more(count: int, taken: bool) -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: 1\r\n" * (count - 1) + b"\r\n"
    assert (read(data)[0][0] == "GET") is taken


def test_one_fault_among_many_is_found_at_its_own_line_before_the_head_is_whole() -> None:
    assert read(b"GET / HTTP/1.1\r\nBad Name: x\r\n")[0][0] is BadRequest
    assert read(b"GET / HTTP/1.1\n")[0][0] is BadRequest
    assert read(b"\x16\x03\x01")[0][0] is BadRequest


PIECES = (
    *(b"GET", b"POST", b"OPTIONS", b" ", b"/", b"/a?b", b"*", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0"),
    *(b"\r\n", b"\n", b"\r", b"\t", b":", b"\x00", b"\xff", b"abc", b"Host: x\r\n", b"X-Y: z\r\n"),
    *(b"Content-Length: 3\r\n", b"Content-Length: +3\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Connection: close\r\n", b"Upgrade: h2c\r\n"),
    *(b"3\r\nabc\r\n", b"3;x\r\n", b"ffffffff\r\n", b"0\r\n\r\n"),
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /l HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
)
WIRES = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
PLACES = st.lists(st.integers(0, 400), max_size=12)


@given(WIRES, PLACES)
def test_how_bytes_are_cut_changes_nothing_for_the_reader(data: bytes, places: list[int]) -> None:
    assert read(*cut(data, places)) == read(data)


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


@pytest.mark.parametrize("size", [1, 2, 7])
def test_tiny_chunks_are_joined_whatever_their_number_unless_it_is_bounded(size: int) -> None:
    content = bytes(range(256)) * 7
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in batched(content, size)) + b"0\r\n\r\n"
    number = -(-len(content) // size)
    for allowed, step in product((number, number - 1), (len(chunks), 100, 1)):
        walk = BodyWalk(None, Allowance(len(content), allowed))
        buffer, refused = b"", False
        for start in range(0, len(chunks), step):
            buffer += chunks[start : start + step]
            try:
                walk.step(buffer)
                while walk.paused:
                    buffer = buffer[walk.used :]
                    walk.step(buffer)
            except BadRequest as error:
                refused = str(error) == CHUNKS_MANY
                break
            buffer = buffer[walk.used :]
        assert (refused, walk.done) == ((allowed < number), (allowed == number))
        assert refused or bytes(walk.content) == content


def batched(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def test_a_connection_is_given_away_with_every_byte_from_the_head_on() -> None:
    reader = RequestReader(head_max=HEAD_MAX, fields_max=FIELDS_MAX)
    first = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
    second = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HT"
    reader.feed(first + second)
    assert reader.next_head() is not None
    assert reader.body(Allowance(1)) == b"1"
    assert reader.next_head() is not None
    assert reader.unread() == second


@pytest.mark.parametrize(
    ("reply", "how", "data"),
    [
        (Reply(201), {}, b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
        (Reply(200, b"hi"), {}, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + NO_SNIFF + b"\r\nhi"),
        (Reply(200, b"hi"), {"head_only": True}, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + NO_SNIFF + b"\r\n"),
        (Reply(204), {}, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (Reply(304, headers=((b"ETag", b"x"),)), {}, b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        (Reply(200), {"keep_alive": False}, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        (Reply(200), {"minor": 0}, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"),
    ],
)
def test_a_reply_is_written(reply: Reply, how: dict[str, bool], data: bytes) -> None:
    assert render(reply, **how) == data


def test_an_error_is_answered_as_json_with_the_short_text_and_the_sentence() -> None:
    reply = error_reply(Unauthorized("The key is unknown; send another."))
    assert reply.status == 401
    assert orjson.loads(reply.body) == {"Error": "Unauthorized", "detail": "The key is unknown; send another."}
    assert reply.headers == ((b"Content-Type", b"application/json"), (b"Access-Control-Allow-Origin", b"*"))


def test_an_unavailable_server_says_when_to_come_back() -> None:
    assert (b"Retry-After", b"7") in error_reply(Unavailable("Full.", retry_after_s=7)).headers


def test_a_blank_line_behind_each_body_is_no_fault_however_many_requests_follow() -> None:
    reader = RequestReader(head_max=1000, fields_max=10)
    for _ in range(20):
        reader.feed(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb")
        assert reader.next_head() is not None
        assert reader.body(Allowance(10)) == b"b"
        reader.feed(b"\r\n")
        assert reader.next_head() is None
