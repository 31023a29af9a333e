"""Two hundred odd ingest requests, one a line, with the statuses they must get whichever server reads them.

No answer depends on an earlier one: the same status document is the same status, however often it comes. `@NAME@`
stands for the key of that name, `@basic NAME@` for it as a Basic password.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from raw_http import H2C, NO_HOSTS, get

GOOD = b'{"device":"386625","time":1639400000,"data":"130a4c0f","seqNumber":7}'
BODY_MAX = 64 * 1024
HEAD_MAX = 16 * 1024


@dataclass(frozen=True)
class Odd:
    """`data` is sent on one connection: at once, piece by piece where it is a tuple, or byte by byte (`drip`).

    `statuses` are those of the answers; none where the connection ends without one. After the first piece a row that
    `waits` reads a 100 Continue. With `ends` the client half-closes.

    `why` says for what good reason quart may differ: it keeps no connection, or gives the statuses of `quart`.
    """

    name: str
    data: bytes | tuple[bytes, ...]
    statuses: int | tuple[int, ...]
    drip: bool = False
    waits: bool = False
    ends: bool = False
    why: str = ""
    quart: tuple[int, ...] | None = None


def post(
    body: bytes = GOOD,
    *fields: bytes,
    path: bytes = b"/sigfox/uplink",
    key: bytes = b"sigfox",
    method: bytes = b"POST",
    version: bytes = b"1.1",
    length: bytes | None = None,
) -> bytes:
    """A request in order, but for what is said. `key` b"" sends none; `length` b"" sends no Content-Length."""
    lines = [b"%s %s HTTP/%s" % (method, path, version), b"Host: x"]
    if key:
        lines.append(b"x-api-key: @%s@" % key)
    if length != b"":
        lines.append(b"Content-Length: " + (b"%d" % len(body) if length is None else length))
    return b"".join(line + b"\r\n" for line in (*lines, *fields, b"")) + body


def chunked(chunks: bytes, *fields: bytes) -> bytes:
    return post(chunks, b"Transfer-Encoding: chunked", *fields, length=b"")


def chunk(content: bytes, size: bytes = b"%x") -> bytes:
    return size % len(content) + b"\r\n" + content + b"\r\n"


def status(**members: bytes) -> bytes:
    """GOOD with these members, as JSON text, in place of its own; b"" leaves one out."""
    own = {"device": b'"386625"', "time": b"1639400000", "data": b'"130a4c0f"', "seqNumber": b"7"}
    return b"{" + b",".join(b'"%s":%s' % (n.encode(), v) for n, v in (own | members).items() if v) + b"}"


def padded(size: int) -> bytes:
    """GOOD as `size` bytes."""
    return GOOD + b" " * (size - len(GOOD))


def filled_head(size: int) -> bytes:
    """A good request whose head has `size` bytes."""
    empty = len(post(GOOD, b"Filler: ")) - len(GOOD)
    return post(GOOD, b"Filler: " + b"a" * (size - empty - KEY_EXTRA))


KEY_EXTRA = 62
"""So many bytes more has a key than its `@sigfox@`: it is evd_sigfox_, and 8, 43 and 6 characters with _ between."""

LAST = chunk(b"")

GZIP = b"Content-Encoding: gzip"
CHUNKED, FORM = b"Transfer-Encoding: chunked", b"Content-Type: application/x-www-form-urlencoded"
CRUMBS = chunk(b"x") * 1000
KEYED_FORM = (b"device=386625&time=1639400000&", b"data=130a4c0f&seqNumber=7&key=@sigfox@")
FORM_LENGTH = sum(map(len, KEYED_FORM)) + KEY_EXTRA

# Why quart may differ.
H11 = "h11 keeps no connection of HTTP/1.0, which a server need not (RFC 9112 §9.3)"

TOGETHER = "pieces may come together, and then the connection is kept"

ODD_REQUESTS = [
    # methods: only POST is an ingest request, everything else the original's teapot
    *(
        Odd(f"method {one.decode()}", post(method=one), status)
        for one, status in ((b"GET", 400), (b"PUT", 201), (b"DELETE", 418), (b"PATCH", 418), (b"OPTIONS", 418))
    ),
    *(Odd(f"method {one.decode()}", post(method=one), 418) for one in (b"TRACE", b"BREW", b"M!")),
    Odd("method in small letters", post(method=b"post"), 201),
    Odd("method HEAD", post(b"", method=b"HEAD"), 418),
    Odd("method CONNECT", post(method=b"CONNECT"), 400),
    Odd("OPTIONS *", post(b"", method=b"OPTIONS", path=b"*"), 418),
    # versions, and whether the connection is kept
    Odd("1.0", post(version=b"1.0"), 201),
    Odd("1.0 kept", post(GOOD, b"Connection: keep-alive", version=b"1.0"), 201, why=H11),
    Odd("1.0 kept, in capitals", post(GOOD, b"CONNECTION: Keep-Alive", version=b"1.0"), 201, why=H11),
    Odd("1.0 kept and closed", post(GOOD, b"Connection: keep-alive, close", version=b"1.0"), 201),
    Odd("1.0 refused", post(b"{", version=b"1.0"), 400),
    Odd("1.0 refused and kept", post(b"{", b"Connection: keep-alive", version=b"1.0"), 400, why=H11),
    Odd("1.0 without Host", post(version=b"1.0").replace(b"Host: x\r\n", b""), 201),
    Odd("1.0 without length", post(b"", version=b"1.0", length=b""), 400),
    Odd("1.0 expects nothing", post(GOOD, b"Expect: 100-continue", version=b"1.0"), 201),
    Odd("1.1 closed", post(GOOD, b"Connection: close"), 201),
    Odd("1.1 closed, in capitals", post(GOOD, b"connection: CLOSE"), 201),
    Odd("1.1 closed in a list", post(GOOD, b"Connection: te ,\tclose"), 201),
    Odd("1.1 closed in a second field", post(GOOD, b"Connection: te", b"Connection: close"), 201),
    Odd("1.1 unknown option", post(GOOD, b"Connection: closed"), 201),
    Odd("1.1 empty option", post(GOOD, b"Connection:"), 201),
    Odd("1.1 refused and closed", post(b"{", b"Connection: close"), 400),
    Odd("1.1 without Host", post().replace(b"Host: x\r\n", b""), 400),
    Odd("1.2", post(version=b"1.2"), 400),
    Odd("2.0", post(version=b"2.0"), 400),
    Odd("0.9", b"POST /sigfox/uplink\r\n\r\n", 400),
    # paths: percent escapes are decoded once, and nothing else is made of a path
    *(
        Odd(f"path {p}/sigfox/uplink{e}", post(path=f"{p}/sigfox/uplink{e}".encode()), 201)
        for p in ("/v2", "/v3")
        for e in ("", "/")
    ),
    *(
        Odd(f"path {p}/wlan{e}", post(path=f"{p}/wlan{e}".encode(), key=b"device"), 201)
        for p in ("", "/v2", "/v3")
        for e in ("", "/")
    ),
    *(
        Odd(f"path {p}/wifi{e}", post(path=f"{p}/wifi{e}".encode(), key=b"device"), 201)
        for p in ("", "/v2", "/v3")
        for e in ("", "/")
    ),
    Odd("path ends with a slash", post(path=b"/sigfox/uplink/"), 201),
    Odd("path with an escaped letter", post(path=b"/sigfox/%75plink"), 201),
    Odd("path with an escaped slash", post(path=b"/sigfox%2Fuplink"), 201),
    Odd("path with an escaped slash at its end", post(path=b"/sigfox/uplink%2f"), 201),
    Odd("path escaped twice", post(path=b"/sigfox/%2575plink"), 418),
    Odd("path with an escaped NUL", post(path=b"/sigfox/uplink%00"), 418),
    Odd("path with an escaped line end", post(path=b"/sigfox/uplink%0D%0A"), 418),
    Odd("path with an escaped space", post(path=b"/sigfox/uplink%20"), 418),
    Odd("path with an escaped question mark", post(path=b"/sigfox/uplink%3Fa=b"), 418),
    Odd("path with half an escape", post(path=b"/sigfox/uplink%"), 418),
    Odd("path with a wrong escape", post(path=b"/sigfox/%zzuplink"), 418),
    Odd("path escaped in UTF-8", post(path=b"/sigfox/%C3%BCplink"), 418),
    Odd("path escaped in no UTF-8", post(path=b"/sigfox/%FFplink"), 418),
    Odd("path in capitals", post(path=b"/SIGFOX/UPLINK"), 418),
    Odd("path with two slashes", post(path=b"/sigfox//uplink"), 418),
    Odd("path begins with two slashes", post(path=b"//sigfox/uplink"), 201),
    Odd("path begins with an escaped slash", post(path=b"/%2Fsigfox/uplink"), 201),
    Odd("path ends with two slashes", post(path=b"/sigfox/uplink//"), 418),
    Odd("path with a dot", post(path=b"/./sigfox/uplink"), 418),
    Odd("path with a parameter", post(path=b"/sigfox/uplink;a=b"), 418),
    Odd("path with a fragment", post(path=b"/sigfox/uplink#a"), 418),
    Odd("path with a backslash", post(path=b"/sigfox\\uplink"), 418),
    Odd("path of another version", post(path=b"/v4/sigfox/uplink"), 418),
    Odd("path goes on", post(path=b"/sigfox/uplink/386625/more"), 418),
    Odd("path is a URL", post(path=b"http://x/sigfox/uplink"), 400),
    Odd("path lacks its slash", post(path=b"sigfox/uplink"), 400),
    Odd("path in bare UTF-8", post(path="/sigfox/üplink".encode()), 400),
    Odd("query", post(path=b"/sigfox/uplink?a=b&a=c&=&%00=%FF"), 201),
    Odd("query empty", post(path=b"/sigfox/uplink?"), 201),
    Odd("query of question marks", post(path=b"/sigfox/uplink??/?"), 201),
    Odd("query after the slash", post(path=b"/sigfox/uplink/?key=@sigfox@"), 201),
    Odd("query in place of a key", post(path=b"/sigfox/uplink?key=@sigfox@", key=b""), 401),
    # keys
    Odd("key missing", post(key=b""), 401),
    Odd("key empty", post(GOOD, b"x-api-key:", key=b""), 401),
    Odd("key empty, but Bearer", post(GOOD, b"x-api-key:", b"Authorization: Bearer @sigfox@", key=b""), 201),
    Odd("key wrong", post(GOOD, b"x-api-key: wrong", key=b""), 401),
    Odd("key wrong, Bearer right", post(GOOD, b"x-api-key: wrong", b"Authorization: Bearer @sigfox@", key=b""), 401),
    Odd("key wrong and body no JSON", post(b"{", b"x-api-key: wrong", key=b""), 401),
    Odd("key cut short", post(GOOD, b"x-api-key: evd_sigfox_12345678_x", key=b""), 401),
    Odd("key quoted", post(GOOD, b'x-api-key: "@sigfox@"', key=b""), 401),
    Odd("key not ASCII", post(GOOD, b"x-api-key: \xe9\xff", key=b""), 401),
    Odd("key of 8 KiB", post(GOOD, b"x-api-key: " + b"k" * 8192, key=b""), 401),
    Odd("key revoked", post(key=b"revoked"), 401),
    Odd("key of an app", post(key=b"app"), 403),
    Odd("key of a device", post(key=b"device"), 403),
    Odd("key of a device and body no JSON", post(b"{", key=b"device"), 403),
    Odd("key of Sigfox for the WLAN", post(path=b"/wlan"), 403),
    Odd("key of an admin", post(key=b"admin"), 201),
    Odd("key bound to this vehicle", post(path=b"/wlan", key=b"bound"), 201),
    Odd("key bound to another", post(status(device=b'"386626"'), path=b"/wlan", key=b"bound"), 403),
    Odd("key bound, body no JSON", post(b"{", path=b"/wlan", key=b"bound"), 400),
    Odd("key imported", post(key=b"imported"), 201),
    Odd("key name in capitals", post(GOOD, b"X-API-KEY: @sigfox@", key=b""), 201),
    Odd("key name with underscores", post(GOOD, b"x_api_key: @sigfox@", key=b""), 401),
    Odd("key without space", post(GOOD, b"x-api-key:@sigfox@", key=b""), 201),
    Odd("key among spaces and tabs", post(GOOD, b"x-api-key: \t @sigfox@ \t", key=b""), 201),
    Odd("key twice", post(GOOD, b"x-api-key: @sigfox@"), 401),
    Odd(
        "key twice, the first wrong",
        post(GOOD, b"x-api-key: wrong", b"x-api-key: @sigfox@", key=b""),
        401,
    ),
    Odd("key twice, the last wrong", post(GOOD, b"x-api-key: wrong"), 401),
    Odd("key twice, the last empty", post(GOOD, b"x-api-key:"), 401),
    Odd("Bearer", post(GOOD, b"Authorization: Bearer @sigfox@", key=b""), 201),
    Odd("Bearer in capitals", post(GOOD, b"AUTHORIZATION: BEARER @sigfox@", key=b""), 201),
    Odd("Bearer after two spaces", post(GOOD, b"Authorization: Bearer  @sigfox@", key=b""), 201),
    Odd("Bearer after a tab", post(GOOD, b"Authorization: Bearer\t@sigfox@", key=b""), 401),
    Odd("Bearer empty", post(GOOD, b"Authorization: Bearer", key=b""), 401),
    Odd("Bearer is an ID token", post(GOOD, b"Authorization: Bearer a.b.c", key=b""), 401),
    Odd("Bearer is an ID token, beside a key", post(GOOD, b"Authorization: Bearer a.b.c"), 201),
    Odd("Bearer twice", post(GOOD, *[b"Authorization: Bearer @sigfox@"] * 2, key=b""), 400),
    Odd("Basic", post(GOOD, b"Authorization: Basic @basic sigfox@", key=b""), 201),
    Odd("Basic in small letters", post(GOOD, b"authorization: basic @basic sigfox@", key=b""), 201),
    Odd("Basic in no base64", post(GOOD, b"Authorization: Basic @sigfox@", key=b""), 401),
    Odd("Basic without a colon", post(GOOD, b"Authorization: Basic YWJj", key=b""), 401),
    Odd("Basic without a password", post(GOOD, b"Authorization: Basic YTo=", key=b""), 401),
    Odd("Digest", post(GOOD, b"Authorization: Digest @sigfox@", key=b""), 401),
    # fields that say nothing here, and fields that are refused
    Odd("field name of all signs", post(GOOD, b"!#$%&'*+.^_`|~: x"), 201),
    Odd("field without value", post(GOOD, b"Accept:"), 201),
    Odd("field in Latin-1", post(GOOD, b"A: \xe9\xff\x80"), 201),
    Odd("fields of one name", post(GOOD, b"A: b", b"a: c", b"Cookie: d", b"cookie: e"), 201),
    Odd("64 fields", post(GOOD, *[b"A: b"] * 61), 201),
    Odd("65 fields", post(GOOD, *[b"A: b"] * 62), 431),
    Odd("head of 16 KiB", filled_head(HEAD_MAX), 201),
    Odd("head of 16 KiB and a byte", filled_head(HEAD_MAX + 1), 431),
    Odd("Host empty", post().replace(b"Host: x", b"Host:"), 201),
    Odd("Host is IPv6", post().replace(b"Host: x", b"Host: [::1]:8080"), 201),
    Odd("Host with an empty port", post().replace(b"Host: x", b"Host: x:"), 201),
    Odd("Host with a port of its own", post().replace(b"Host: x", b"Host: x:65535"), 201),
    Odd("Host with a final dot", post().replace(b"Host: x", b"Host: a_b.c-d.:80"), 201),
    Odd("Host as long as a name may be", post().replace(b"Host: x", b"Host: " + b".".join([b"a" * 62] * 4)), 201),
    Odd("Host is an address", post().replace(b"Host: x", b"Host: 127.0.0.1:8080"), 201),
    *(
        Odd(
            f"Host {name[:20]!r} of {len(name)}, which is none",
            post().replace(b"Host: x", b"Host: " + name.encode()),
            400,
        )
        for name in (*NO_HOSTS, "/x")
    ),
    Odd("Host twice", post(GOOD, b"Host: x"), 400),
    Odd("Upgrade to h2c", post(GOOD, *H2C), 201),
    Odd("Upgrade to h2c, without a wish for 1.1's", post(GOOD, b"Upgrade: H2C"), 201),
    Odd("Upgrade to h2c, twice", post(GOOD, *H2C) + post(GOOD, *H2C), (201, 201)),
    Odd("Upgrade to h2c, elsewhere", get(*H2C).replace(b"GET /", b"GET /nowhere") * 2, (418, 418)),
    Odd("Upgrade to h2c and another one", post(GOOD, b"Connection: Upgrade", b"Upgrade: h2c, websocket"), 400),
    Odd("Upgrade", post(GOOD, b"Connection: Upgrade", b"Upgrade: websocket"), 400),
    Odd("Content-Encoding identity", post(GOOD, b"Content-Encoding: Identity"), 201),
    Odd("Content-Encoding gzip", post(gzip.compress(GOOD, mtime=0), b"Content-Encoding: gzip"), 415),
    Odd("gzip of a vehicle", post(gzip.compress(GOOD, mtime=0), GZIP, path=b"/wlan", key=b"device"), 201),
    Odd(
        "gzip of a vehicle, twice",
        post(gzip.compress(GOOD, mtime=0), GZIP, path=b"/wlan", key=b"device") * 2,
        (201, 201),
    ),
    Odd("gzip of a vehicle, none", post(GOOD, GZIP, path=b"/wlan", key=b"device"), 400),
    Odd(
        "gzip of a vehicle, a bomb",
        post(gzip.compress(bytes(9 << 20), mtime=0), GZIP, path=b"/wlan", key=b"device"),
        413,
    ),
    Odd("a list", post(b"[%s,%s]" % (GOOD, GOOD), path=b"/wlan", key=b"device"), 201),
    Odd("a list, half of it", post(b"[%s,1]" % GOOD, path=b"/wlan", key=b"device"), 207),
    Odd("a list of nothing", post(b"[]", path=b"/wlan", key=b"device"), 400),
    Odd("a list for Sigfox", post(b"[%s]" % GOOD), 400),
    Odd("the device in the path", post(status(device=b""), path=b"/v2/sigfox/uplink/386625"), 201),
    Odd("the device in the path, and a slash", post(status(device=b""), path=b"/sigfox/uplink/386625/"), 201),
    Odd("two parts more in the path", post(status(device=b""), path=b"/sigfox/uplink/386625/1"), 418),
    Odd("the device in a batch's path", post(GOOD, path=b"/sigfox/batch/386625"), 418),
    Odd("the device in the path of the WLAN", post(GOOD, path=b"/wlan/386625", key=b"device"), 418),
    Odd("gzip unsaid", post(gzip.compress(GOOD, mtime=0)), 400),
    *(
        Odd(f"Content-Type {kind.decode()}", post(GOOD, b"Content-Type: " + kind), 201)
        for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=a", b"//;;=")
    ),
    Odd("Content-Type in UTF-16", post(GOOD, b"Content-Type: application/json; charset=utf-16"), 201),
    Odd("Content-Type twice", post(GOOD, *[b"Content-Type: application/json"] * 2), 400),
    Odd("conditions", post(GOOD, b"If-None-Match: *", b"If-Modified-Since: x", b"Range: bytes=0-1"), 201),
    Odd("another method said", post(GOOD, b"X-HTTP-Method-Override: DELETE"), 201),
    Odd("another address said", post(GOOD, b"X-Forwarded-For: nonsense, ::", b"Forwarded: for=_x"), 201),
    Odd("trailers said", post(GOOD, b"TE: trailers", b"Trailer: A"), 201),
    Odd("expects something else", post(GOOD, b"Expect: a miracle"), 201),
    # JSON
    *(
        Odd(f"body {body!r}", post(body), 400)
        for body in (
            *(b"", b" ", b"null", b"true", b"1", b'"x"', b"[]", b"[{}]", b"{}", b"{", b'{"device"', GOOD[:-1], b"\0"),
            *(GOOD + b"}", GOOD + GOOD, GOOD + b"\0", GOOD.replace(b'"', b"'"), GOOD.replace(b"}", b",}")),
            *(b"/**/" + GOOD, b"device=386625&time=1639400000", b"<xml/>", b'{"a":nan}', b'{"a":Infinity}', b"{a:1}"),
            *(b"\xff\xfe", b'{"device":"\xff"}', b'{"device":"\xed\xa0\x80"}', b'{"device":"\\ud800"}', b'{"a":"\n"}'),
        )
    ),
    Odd("body with a BOM", post(b"\xef\xbb\xbf" + GOOD), 400),
    Odd("body in UTF-16", post(GOOD.decode().encode("utf-16")), 400),
    Odd("body among blanks", post(b"\r\n\t " + GOOD + b" \t\r\n"), 201),
    Odd("body with a name twice", post(GOOD.replace(b"{", b'{"device":5,')), 201),
    Odd("body with escapes", post(status(device=b'"\\u0033\\u003866\\u00325"')), 201),
    Odd("body of 32 levels", post(status(extra=b"[" * 31 + b"]" * 31)), 201),
    Odd("body of 33 levels", post(status(extra=b"[" * 33 + b"]" * 33)), 400),
    Odd("body of 20,000 levels", post(b"[" * 20_000 + b"]" * 20_000), 400),
    Odd("body at the limit", post(padded(BODY_MAX)), 201),
    Odd("body over the limit", post(padded(BODY_MAX + 1)), 413),
    # the message in it
    *(
        Odd(f"device {device.decode()}", post(status(device=device)), expected)
        for device, expected in (
            *((b"", 400), (b"null", 400), (b'"null"', 400), (b'""', 400), (b"1.5", 400), (b"true", 400), (b"[]", 400)),
            *((b"{}", 400), (b'"a\\u0000b"', 400), (b'"a\\nb"', 400), (b'"%s"' % (b"x" * 65), 400)),
            *((b'"%s"' % (b"x" * 64), 201), (b"386625", 201), (b"-1", 201), (b'"00386625"', 201), (b'"0"', 201)),
            *((b'" "', 201), ('"Käfer"'.encode(), 201), (b'"\\ud83d\\ude97"', 201), (b'"\\u202e"', 400)),
        )
    ),
    *(
        Odd(f"time {time.decode()}", post(status(time=time)), expected)
        for time, expected in (
            *((b"", 400), (b"null", 400), (b'""', 400), (b'"soon"', 400), (b"true", 400), (b"[1]", 400), (b"0", 400)),
            *((b"-1", 400), (b"1e20", 400), (b"1e308", 400), (b"1e400", 400), (b"9223372036854775808", 400)),
            *((b"1" * 400, 400), (b'"%s"' % (b"1" * 400), 400), (b"01639400000", 400), (b"0x10", 400), (b'"nan"', 400)),
            *((b"1639400000.9", 201), (b"1639400000123", 201), (b'"1639400000"', 201), (b'" 1639400000 "', 201)),
            *((b"253402300799", 201), (b'"inf"', 400), (b"0.0001", 400)),
        )
    ),
    *(
        Odd(f"data {data.decode()}", post(status(data=data)), expected)
        for data, expected in (
            *((b'"1"', 400), (b'"130a4c0"', 400), (b'"xy"', 400), (b'"13 0a"', 400), (b"13", 400), (b"[]", 400)),
            *((b'"%s"' % (b"00" * 13), 400), ('"１３"'.encode(), 400), (b'"0x13"', 400), (b'"13\\u0000a"', 400)),
            *((b'"%s"' % (b"00" * 12), 201), (b'""', 201), (b"null", 201), (b'"null"', 201), (b'"130A4C0F"', 201)),
        )
    ),
    *(
        Odd(f"seqNumber {seq.decode()}", post(status(seqNumber=seq)), expected)
        for seq, expected in (
            *((b"-1", 400), (b"1.5", 400), (b"4294967296", 400), (b"true", 400), (b'"x"', 400), (b"{}", 400)),
            *((b"", 201), (b"null", 201), (b"4294967295", 201), (b"7.0", 201), (b'"7"', 201), (b"-0", 201)),
        )
    ),
    *(
        Odd(f"{name} {value.decode()}", post(status(**{name: value})), expected)
        for name, value, expected in (
            *(("state", b'"x"', 400), ("state", b"[]", 400), ("state", b'"3"', 201), ("location", b"5", 400)),
            *(
                ("advanced", b'"yes"', 400),
                ("advanced", b'"1"', 201),
                ("range", b"1e999", 400),
                ("range", b"1e18", 201),
            ),
            *(("extra", b'{"a":[null,true,"\\u0000"]}', 201), ("extra", b"123456789012345678901234567890", 201)),
        )
    ),
    # framing
    Odd("Content-Length missing", post(b"", length=b""), 400),
    Odd("Content-Length with zeros", post(length=b"0000%d" % len(GOOD)), 201),
    Odd("Content-Length of 20 digits", post(length=b"9" * 20), 413),
    Odd("Content-Length with a sign", post(length=b"+%d" % len(GOOD)), 400),
    Odd("Content-Length in other digits", post(length="٦٩".encode()), 400),
    Odd("Content-Length twice", post(GOOD, b"Content-Length: 1"), 400),
    Odd("Content-Length too small", post(GOOD + b"\r\n", length=b"5"), (400, 400)),
    Odd("Content-Length too small by one", post(length=b"%d" % (len(GOOD) - 1)), (400, 400)),
    Odd("Content-Length 0 before a body", post(length=b"0"), (400, 400)),
    Odd("body unsaid", post(length=b""), (400, 400)),
    Odd("Content-Length too large, and the end", post(length=b"70"), (), ends=True),
    Odd("Content-Length too large, and silence", post(length=b"70"), 408),
    Odd("chunks, one", chunked(chunk(GOOD) + LAST), 201),
    Odd("chunks of one byte", chunked(b"".join(chunk(bytes([one])) for one in GOOD) + LAST), 201),
    Odd("chunk size in capitals", chunked(chunk(padded(0xAB), b"%X") + LAST), 201),
    Odd("chunk size with zeros", chunked(chunk(GOOD, b"%08x") + b"00000000\r\n\r\n"), 201),
    Odd(
        "chunks with trailers",
        chunked(chunk(GOOD) + b"0\r\nA: b\r\nContent-Length: 5\r\nx-api-key: wrong\r\n\r\n"),
        201,
    ),
    Odd("chunks of a body no JSON", chunked(chunk(b"{") + LAST), 400),
    Odd("chunks, none", chunked(LAST), 400),
    Odd("chunks, Chunked in capitals", post(chunk(GOOD) + LAST, b"Transfer-Encoding: CHUNKED", length=b""), 201),
    Odd("chunks at the limit", chunked(chunk(padded(BODY_MAX)) + LAST), 201),
    Odd("chunks over the limit", chunked(chunk(padded(BODY_MAX)) + chunk(b" ") + LAST), 413),
    Odd("chunk over the limit", chunked(b"7fffffff\r\n"), 413),
    Odd("chunk with an extension", chunked(b"45;a=b\r\n" + GOOD), 400),
    Odd("chunk longer than it says", chunked(b"5\r\n" + GOOD + b"\r\n" + LAST), 400),
    Odd("chunk with a bare line feed", chunked(b"5\n"), 400),
    Odd("chunk of no size", chunked(b"\r\n\r\n"), 400),
    Odd("chunks and silence", chunked(chunk(GOOD)), 408),
    Odd("chunks and the end", chunked(chunk(GOOD)), (), ends=True),
    Odd("chunks and a length", post(chunk(GOOD) + LAST, b"Transfer-Encoding: chunked"), 400),
    Odd("chunks in gzip", post(LAST, b"Transfer-Encoding: gzip, chunked", length=b""), 400),
    Odd("a folded field", post(GOOD, b"A: b", b" c"), 400),
    Odd("a bare line feed", post(GOOD, b"A: b\nB: c"), 400),
    Odd("a bare carriage return", post(GOOD, b"A: b\rB: c"), 400),
    Odd("a space before the colon", post(GOOD, b"A : b"), 400),
    Odd("a NUL in a field", post(GOOD, b"A: \0"), 400),
    Odd("blank lines first", b"\r\n\r\n" + post(), 201),
    Odd("blank lines for ever", b"\r\n" * 5, 400),
    Odd("half a head, and silence", post()[:40], 408),
    Odd("half a head, and the end", post()[:40], (), ends=True),
    Odd("a request, and the end", post(), 201, ends=True),
    Odd("a bad request, and the end", post(b"{"), 400, ends=True),
    Odd("Expect, and the wait", (post(b"", b"Expect: 100-continue", length=b"69"), GOOD), 201, waits=True),
    Odd("Expect in capitals, and the wait", (post(b"", b"EXPECT: 100-CONTINUE", length=b"69"), GOOD), 201, waits=True),
    Odd("Expect with chunks", (chunked(b"", b"Expect: 100-continue"), chunk(GOOD) + LAST), 201, waits=True),
    Odd("Expect before a body no JSON", (post(b"", b"Expect: 100-continue", length=b"1"), b"{"), 400, waits=True),
    Odd("Expect before too much", post(b"", b"Expect: 100-continue", length=b"65537"), 413),
    Odd("Expect without a body", post(b"", b"Expect: 100-continue"), 400),
    Odd("Expect without a wait", post(GOOD, b"Expect: 100-continue"), 201),
    # without a key in the head, a body is not waited for
    Odd("no key, half a body", post(key=b"", length=b"99999"), 401),
    Odd("no key, a body in two pieces", (post(b"", key=b"", length=b"69"), GOOD), 401, why=TOGETHER),
    Odd("a wrong key, chunks of one byte", post(CRUMBS, CHUNKED, key=b"", length=b""), 401),
    Odd("no key, Expect", post(b"", b"Expect: 100-continue", key=b"", length=b"69"), 401),
    Odd("no key, a form in two pieces", (post(b"", FORM, key=b"", length=b"25"), b"device=386625&time=1639400"), 401),
    Odd("a key in a form in two pieces", (post(b"", FORM, key=b"", length=b"%d" % FORM_LENGTH), *KEYED_FORM), 201),
    Odd("a key in a form, too many chunks", post(2 * CRUMBS, FORM, CHUNKED, key=b"", length=b""), 400),
    Odd("a key, chunks of one byte", post(CRUMBS + LAST, CHUNKED, length=b""), 400),
    Odd("a key, a body in three pieces", (post(b"", length=b"69"), GOOD[:9], GOOD[9:]), 201),
    # several on a connection, in order
    Odd("two", post() + post(status(seqNumber=b"8")), (201, 201)),
    Odd("one bad between two good", post() + post(b"{") + post(status(seqNumber=b"8")), (201, 400, 201)),
    Odd("a wrong key before a good one", post(key=b"") + post(), (401, 201)),
    Odd(
        "two keys in turn", post(key=b"app") + post(path=b"/wlan", key=b"device") + post(key=b"admin"), (403, 201, 201)
    ),
    Odd("chunks before a length", chunked(chunk(GOOD) + LAST) + post(), (201, 201)),
    Odd("the last first", post(GOOD, b"Connection: close") + post(), 201),
    Odd("one before garbage", post() + b"\x16\x03\x01", (201, 400)),
    Odd("one before too much", post() + post(length=b"99999"), (201, 413)),
    Odd("one before another route", post() + get().replace(b"GET /", b"GET /nowhere"), (201, 418)),
    Odd("one before half a head, and silence", post() + post()[:40], (201, 408)),
    Odd("twenty", post() * 20, (201,) * 20),
    # cut anywhere
    Odd("byte by byte", post(), 201, drip=True),
    Odd("byte by byte, chunks", chunked(chunk(GOOD[:9]) + chunk(GOOD[9:]) + b"0\r\nA: b\r\n\r\n"), 201, drip=True),
    Odd("byte by byte, two", post() + post(b"{"), (201, 400), drip=True),
    Odd("byte by byte, no HTTP", b"\x16\x03\x01", 400, drip=True),
    Odd("byte by byte, a bare line feed", post(GOOD, b"A: b\nB: c"), 400, drip=True),
]
