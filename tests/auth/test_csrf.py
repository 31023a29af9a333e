"""Requests that a browser sends on behalf of another site."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.auth.csrf import require_intent, require_own_origin
from evd.auth.sessions import csrf_token, new_session
from evd.errors import Forbidden

COOKIE, _ = new_session("anna", admin=False, at=NOW)
GOOD = {b"x-csrf-token": csrf_token(COOKIE).encode(), b"host": b"evd.example:8443"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_changes_something_needs_the_csrf_token(method: str) -> None:
    require_intent(method, GOOD, COOKIE, secure=True)
    with pytest.raises(Forbidden, match="X-CSRF-Token"):
        require_intent(method, {b"host": b"evd.example"}, COOKIE, secure=True)
    for safe in ("GET", "HEAD"):
        require_intent(safe, {}, COOKIE, secure=True)


@pytest.mark.parametrize(
    ("origin", "secure", "is_own"),
    [
        (b"https://evd.example:8443", True, True),
        (b"https://EVD.example:8443", True, True),
        (b"http://evd.example:8443", False, True),
        (b"http://evd.example:8443", True, False),  # a page that a network can forge
        (b"https://evd.example", True, False),
        (b"https://evil.example", True, False),
        (b"https://evd.example:8443.evil.example", True, False),
        (b"https://x@evd.example:8443", True, False),
        (b"null", True, False),
        (b"", True, False),
        (b"https://[", True, False),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: bytes, secure: bool, is_own: bool) -> None:
    headers = {**GOOD, b"origin": origin}
    if is_own:
        require_own_origin(headers, secure=secure)
        return
    with pytest.raises(Forbidden, match="another site"):
        require_intent("POST", headers, COOKIE, secure=secure)


def test_a_page_of_a_named_origin_is_as_good_as_evd_s_own_but_needs_the_csrf_token() -> None:
    headers, origins = {**GOOD, b"origin": b"https://cars.example"}, ["https://cars.example"]
    require_intent("POST", headers, COOKIE, secure=True, origins=origins)
    with pytest.raises(Forbidden, match="X-CSRF-Token"):
        require_intent("POST", headers | {b"x-csrf-token": b"x"}, COOKIE, secure=True, origins=origins)


def test_an_origin_has_no_port_where_its_scheme_implies_it() -> None:
    require_own_origin({b"host": b"evd.example:443", b"origin": b"https://evd.example"}, secure=True)
    require_own_origin({b"host": b"evd.example:80", b"origin": b"http://evd.example"}, secure=False)
    proxied = {b"host": b"127.0.0.1:8080", b"x-forwarded-host": b"evd.example", b"origin": b"https://evd.example"}
    require_own_origin(proxied, secure=False)
