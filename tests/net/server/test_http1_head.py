"""The head of a request: what is understood of it, and what is wrong with it, by its line."""

from __future__ import annotations

import pytest
from http_wires import FIELDS_MAX, HEAD_MAX
from raw_http import H2C, NO_HOSTS, get

from evd.errors import BadRequest
from evd.net.server.http1 import RequestReader
from evd.net.server.http1_head import check_field_line, check_request_line, is_host


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


HOSTS = (
    "",
    "x",
    "x.",
    "a_b.c-d:80",
    "x:",
    "x:65535",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:8080",
    ".".join(["a" * 62] * 4),
)


@pytest.mark.parametrize(("host", "good"), [*((host, True) for host in HOSTS), *((host, False) for host in NO_HOSTS)])
def test_a_host_is_a_name_or_an_address_with_or_without_a_port(host: str, good: bool) -> None:
    assert is_host(host.encode()) is good


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"GET / HTTP/1.1\n", "CR LF"),
        (b"GET / HTTP/2.0\r\n", "another version"),
        (b"GET / HTTP/1.11\r\n", "malformed"),
        (b"GET /\r\n", "malformed"),
        (b"A" * 17 + b" / HTTP/1.1\r\n", "malformed"),
    ],
)
def test_a_wrong_request_line_is_named(line: bytes, says: str) -> None:
    check_request_line(b"A" * 16 + b" /?! HTTP/1.0\r\n")
    with pytest.raises(BadRequest, match=says):
        check_request_line(line)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"A: b\n", "CR LF"),
        (b" a: b\r\n", "folded"),
        (b"A : b\r\n", "no valid name"),
        (b": b\r\n", "no valid name"),
        (b"A: \x1b\r\n", "control characters"),
    ],
)
def test_a_wrong_field_is_named(line: bytes, says: str) -> None:
    check_field_line(b"!#$%&'*+.^_`|~:\t\xff \r\n")
    with pytest.raises(BadRequest, match=says):
        check_field_line(line)
