"""The head of an HTTP/1.1 request: its syntax and its meaning (RFC 9112, RFC 9110).

Pure. A head is checked as a whole by one pattern, or line by line by the pattern's own parts, so that both agree. Every
refusal is a BadRequest with a sentence.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote

import msgspec

from evd.errors import BadRequest, UnsupportedMedia
from evd.request.gzip_body import GZIP
from evd.sigfox.routes import may_be_zipped

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"  # RFC 9110 §5.6.2
REQUEST_LINE = rb"(" + TOKEN + rb"{1,16}) ([\x21-\x7e]++) HTTP/1\.([01])\r\n"
FIELD_LINE = TOKEN + rb"++:[\t\x20-\x7e\x80-\xff]*+\r\n"  # no obs-fold (RFC 9112 §5.2), no control characters

# The quantifiers are possessive, so that matching is linear in the bytes whatever they are.
_request_line = re.compile(REQUEST_LINE)
_field_line = re.compile(FIELD_LINE)
whole_head = re.compile(REQUEST_LINE + rb"((?:" + FIELD_LINE + rb")*)\r\n")
method_byte = re.compile(TOKEN)
_other_version = re.compile(rb"[^ ]+ [^ ]+ HTTP/(?!1\.[01]\r)[0-9](?:\.[0-9])?\r\n")
_name = re.compile(r"(?=.{1,254}\Z)[0-9A-Za-z_-]{1,63}(?:\.[0-9A-Za-z_-]{1,63})*\.?")  # RFC 1123 §2.1, and underscores
_port = re.compile(r"[0-9]{0,5}")
PORT_MAX = 65535

# Fields that are no lists: a second one is an error and never joined by a comma (RFC 9110, section 5.3).
SINGULAR = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"content-type", b"content-encoding", b"authorization")
)
LENGTH_DIGITS_MAX = 15  # below 2^53; a longer number exceeds any limit


class RequestHead(msgspec.Struct, frozen=True):
    """The head of a request. `path` is percent-decoded, `query` is raw; names of `headers` are in lower case."""

    method: str
    target: bytes
    path: str
    query: bytes
    minor: int
    """The x of HTTP/1.x."""
    headers: dict[bytes, bytes]
    length: int | None
    """Bytes of the body; None if it comes in chunks."""
    keep_alive: bool
    expects_continue: bool


def check_request_line(line: bytes) -> None:
    if _request_line.fullmatch(line):
        return
    _check_line_end(line)
    if _other_version.fullmatch(line):
        raise BadRequest("The request is in another version of HTTP; speak HTTP/1.1.")
    raise BadRequest("The request line is malformed; send METHOD, space, /path in ASCII, space, HTTP/1.1.")


def check_field_line(line: bytes) -> None:
    if _field_line.fullmatch(line):
        return
    _check_line_end(line)
    if line[0] in b" \t":
        raise BadRequest("A header field is folded over two lines; send it on one.")
    name, colon, _ = line.partition(b":")
    if not colon or not name or method_byte.sub(b"", name):
        raise BadRequest("A header field has no valid name before its colon; send Name: value.")
    raise BadRequest("The value of a header field has control characters; send printable ones.")


def _check_line_end(line: bytes) -> None:
    if b"\r" in line[:-2] or not line.endswith(b"\r\n"):
        raise BadRequest("A line of the request does not end with CR LF; send both, and neither alone.")


def understand(match: re.Match[bytes], lines: list[bytes]) -> RequestHead:
    """The meaning of a well-formed head. Raises BadRequest for a meaning that is not allowed here."""
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        value = value.strip(b" \t")
        if name not in headers:
            headers[name] = value
        elif name in SINGULAR:
            raise BadRequest(f"The request has more than one {name.decode()}; send one.")
        else:
            headers[name] += (b"; " if name == b"cookie" else b", ") + value
    method = match[1].decode()
    target = match[2]
    minor = 1 if match[3] == b"1" else 0
    if method == "CONNECT" or not (target[0] == 0x2F or (target == b"*" and method == "OPTIONS")):
        raise BadRequest("The request target is no path of this server; send one that starts with a slash.")
    if not _stays(headers.get(b"upgrade", b"")):
        raise BadRequest("The request asks for another protocol; send it without Upgrade, in HTTP/1.1.")
    host = headers.get(b"host")
    if host is None:
        if minor:
            raise BadRequest("The request has no Host; send one.")
    elif not is_host(host):
        raise BadRequest("The Host of the request is malformed; send name or name:port.")
    raw_path, _, query = target.partition(b"?")
    path = raw_path.decode("ascii")
    coding = headers.get(b"content-encoding", b"identity").lower()
    if coding != b"identity" and not (coding in GZIP and may_be_zipped(path)):
        raise UnsupportedMedia("The body is compressed or otherwise encoded; send it without Content-Encoding.")
    return RequestHead(
        method=method,
        target=target,
        path=unquote(path) if "%" in path else path,
        query=query,
        minor=minor,
        headers=headers,
        length=_body_length(headers, minor),
        keep_alive=_keep_alive(headers.get(b"connection"), minor),
        expects_continue=minor == 1 and headers.get(b"expect", b"").lower() == b"100-continue",
    )


def _stays(upgrade: bytes) -> bool:
    """Whether an Upgrade may be ignored, which a server always may (RFC 9110, section 7.8).

    Clients that prefer HTTP/2 send `h2c` with their first request and continue without it; a client that asks for
    another protocol may send bytes of that afterwards.
    """
    return {one.strip(b" \t").lower() for one in upgrade.split(b",")} <= {b"", b"h2c"}


def is_host(value: bytes) -> bool:
    """Whether this is `name`, an IPv4 address, or `[IPv6]`, with or without `:port`; or empty (RFC 9110, section 7.2).

    Both servers use it. Whatever else the grammar of a URI allows is the name of no server.
    """
    text = value.decode("latin-1")
    if not text:
        return True
    if text[0] == "[":
        address, bracket, port = text[1:].partition("]")
        return bool(bracket) and _is_ipv6(address) and (not port or (port[0] == ":" and _is_port(port[1:])))
    name, _, port = text.partition(":")
    return bool(_name.fullmatch(name)) and _is_port(port)


def _is_port(text: str) -> bool:
    return bool(_port.fullmatch(text)) and int(text or 0) <= PORT_MAX


def _is_ipv6(text: str) -> bool:
    try:
        return not IPv6Address(text).scope_id
    except AddressValueError:
        return False


def _body_length(headers: dict[bytes, bytes], minor: int) -> int | None:
    """Bytes of the body, None for chunks; an ambiguous length is refused (RFC 9112, sections 6.1 and 6.3)."""
    length = headers.get(b"content-length")
    coding = headers.get(b"transfer-encoding")
    if coding is not None:
        if length is not None or minor == 0 or coding.lower() != b"chunked":
            raise BadRequest("The length of the body is in doubt; send Content-Length, or Transfer-Encoding: chunked.")
        return None
    if length is None:
        return 0
    if not length.isdigit():
        raise BadRequest("The Content-Length is no number; send the bytes of the body in decimal digits.")
    return int(length) if len(length) <= LENGTH_DIGITS_MAX else 10**LENGTH_DIGITS_MAX


def _keep_alive(connection: bytes | None, minor: int) -> bool:
    """Whether another request may follow (RFC 9112, section 9.3)."""
    if connection is None:
        return minor == 1
    options = {option.strip(b" \t") for option in connection.lower().split(b",")}
    return b"close" not in options and (minor == 1 or b"keep-alive" in options)
