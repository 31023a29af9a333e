"""How much of a body a request may send, by its head."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from evd.auth.api_keys import KeyRing, new_key
from evd.ingest.request_policy import SIGN_IN_BODY_MAX, STRANGERS_CHUNKS_MAX, RequestPolicy
from evd.net.server.http1 import RequestReader
from evd.net.server.http1_body import Allowance
from evd.net.server.http1_head import RequestHead

KEYS = {role: new_key(role) for role in ("sigfox", "device", "app", "admin")}
USUAL, BATCH, IMAGE = Allowance(64), Allowance(1024), Allowance(2048, seconds=60)
SIGN_IN = Allowance(SIGN_IN_BODY_MAX, STRANGERS_CHUNKS_MAX, known=False)
FORM = Allowance(64, STRANGERS_CHUNKS_MAX, known=False)
NONE = Allowance(64, STRANGERS_CHUNKS_MAX, reads=False, known=False)


def head(path: str, *fields: str, method: str = "POST") -> RequestHead:
    reader = RequestReader(head_max=16_384, fields_max=64)
    reader.feed("\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *fields, "", "")).encode())
    read = reader.next_head()
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("path", "key", "kind", "allowance", "local"),
    [
        ("/sigfox/uplink", "sigfox", "application/json", USUAL, USUAL),
        ("/sigfox/uplink", "app", "application/json", USUAL, USUAL),
        ("/sigfox/uplink", "", "application/json", NONE, USUAL),
        ("/sigfox/uplink", "wrong", "", NONE, USUAL),
        ("/sigfox/uplink", "", "application/x-www-form-urlencoded", FORM, USUAL),
        ("/sigfox/uplink", "wrong", "Application/X-WWW-Form-Urlencoded; charset=utf-8", FORM, USUAL),
        ("/v2/sigfox/batch", "sigfox", "text/plain", BATCH, BATCH),
        ("/sigfox/batch/", "admin", "application/x-www-form-urlencoded", BATCH, BATCH),
        ("/sigfox/batch", "device", "text/plain", USUAL, USUAL),
        ("/sigfox/batch", "", "text/plain", NONE, USUAL),
        ("/sigfox/batch", "", "application/x-www-form-urlencoded", FORM, USUAL),
        ("/api/v1/keys", "admin", "application/json", USUAL, USUAL),
        ("/api/v1/keys", "", "application/x-www-form-urlencoded", NONE, USUAL),
        ("/nowhere", "", "", NONE, USUAL),
        ("/api/v1/session", "", "application/json", SIGN_IN, USUAL),
    ],
)
def test_a_body_is_read_for_a_good_key_or_for_a_form_that_may_hold_one(
    path: str, key: str, kind: str, allowance: Allowance, local: Allowance
) -> None:
    keys = KeyRing([key for _, key in KEYS.values()])
    keeper = RequestPolicy(keys, lambda headers: False, body_max=64, large_body_max=1024, image=IMAGE)
    shown = KEYS[key][0] if key in KEYS else key
    asked = head(path, *([f"x-api-key: {shown}"] if shown else []), *([f"Content-Type: {kind}"] if kind else []))
    assert keeper.allow(asked, "192.0.2.1") == allowance
    assert keeper.allow_local(asked, "") == local


def test_a_session_s_cookie_counts_as_a_key() -> None:
    def has_session(headers: Mapping[bytes, bytes]) -> bool:
        return headers[b"cookie"] == b"evd=good"

    keeper = RequestPolicy(KeyRing([]), has_session, body_max=64, large_body_max=1024, image=IMAGE)
    assert keeper.allow(head("/api/v1/preferences", "Cookie: evd=good"), "192.0.2.1") == USUAL
    assert keeper.allow(head("/api/v1/preferences", "Cookie: evd=bad"), "192.0.2.1") == NONE


def test_only_a_picture_of_a_client_with_a_key_may_be_long() -> None:
    keys = KeyRing([key for _, key in KEYS.values()])
    keeper = RequestPolicy(keys, lambda headers: False, body_max=64, large_body_max=1024, image=IMAGE)
    path, key = "/api/v1/vehicles/A%201/image", f"x-api-key: {KEYS['app'][0]}"
    assert keeper.allow(head(path, key, method="PUT"), "192.0.2.1") == IMAGE
    assert keeper.allow(head(path, method="PUT"), "192.0.2.1") == NONE
    assert keeper.allow_local(head(path, method="PUT"), "") == IMAGE
    for method, other in (("POST", path), ("PUT", f"{path}/more"), ("PUT", "/api/v1/vehicles/A/B/image")):
        assert keeper.allow(head(other, key, method=method), "192.0.2.1") == USUAL


def test_who_shows_a_key_may_send_as_many_chunks_as_they_like() -> None:
    assert USUAL.chunks == sys.maxsize
