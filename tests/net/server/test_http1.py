"""Reading requests strictly: what is understood, what is refused and how, and that no cutting of the bytes matters."""

from __future__ import annotations

import orjson
import pytest
from http_wires import BODY_MAX, FIELDS_MAX, HEAD_MAX, PLACES, WIRES, cut
from hypothesis import given
from raw_http import FAULTS, Fault

from evd.errors import BadRequest, RequestError, Unauthorized, Unavailable
from evd.net.server.http1 import NO_SNIFF, RequestReader, error_reply, render
from evd.net.server.http1_body import Allowance
from evd.request.http import Reply

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


@given(WIRES, PLACES)
def test_how_bytes_are_cut_changes_nothing_for_the_reader(data: bytes, places: list[int]) -> None:
    assert read(*cut(data, places)) == read(data)


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
