"""Sessions: the cookie, the CSRF token that belongs to it, and when a session ends."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.auth.csrf import require_intent, require_own_origin
from evd.auth.sessions import (
    SEEN_EVERY_MS,
    SessionLife,
    Sessions,
    cookie_in,
    csrf_token,
    has_csrf_token,
    new_session,
)
from evd.errors import Forbidden
from evd.model.units import DAY_MS

LIFE = SessionLife(idle_ms=30 * DAY_MS, longest_ms=365 * DAY_MS)
COOKIE, SESSION = new_session("anna", admin=False, at=NOW)
OTHER, _ = new_session("anna", admin=False, at=NOW)


def test_a_cookie_gives_its_session_and_no_other_text_does() -> None:
    sessions = Sessions([SESSION], LIFE)
    assert sessions.find(COOKIE, NOW) == SESSION
    id_of_one_secret_of_another = f"evd_session_{SESSION.session_id}_{OTHER.split('_', 3)[3]}"
    for wrong in ("", OTHER, COOKIE[:-1], COOKIE.replace("session", "admin"), id_of_one_secret_of_another):
        assert sessions.find(wrong, NOW) is None, wrong


def test_only_a_digest_is_kept() -> None:
    assert COOKIE.encode() not in SESSION.digest and len(SESSION.digest) == 32


def test_a_session_ends_when_it_was_not_used_and_slides_while_it_is() -> None:
    sessions = Sessions([SESSION], LIFE)
    assert sessions.find(COOKIE, NOW + LIFE.idle_ms - 1)
    assert sessions.find(COOKIE, NOW + LIFE.idle_ms) is None
    assert sessions.note_use(SESSION, NOW + LIFE.idle_ms - 1)
    assert sessions.find(COOKIE, NOW + 2 * LIFE.idle_ms - 2)


def test_a_session_ends_at_last_however_often_it_is_used() -> None:
    used = SESSION._replace(seen=NOW + LIFE.longest_ms - 1)
    assert Sessions([used], LIFE).find(COOKIE, NOW + LIFE.longest_ms - 1)
    assert Sessions([used], LIFE).find(COOKIE, NOW + LIFE.longest_ms) is None


def test_a_use_is_written_once_an_hour_and_never_of_a_session_that_ended() -> None:
    sessions = Sessions([SESSION], LIFE)
    later = NOW + SEEN_EVERY_MS
    assert not sessions.note_use(SESSION, later - 1)
    assert sessions.note_use(SESSION, later)
    found = sessions.find(COOKIE, later)
    assert found and not sessions.note_use(found, later + 1)
    sessions.remove([SESSION.session_id])
    assert not sessions.note_use(found, later + SEEN_EVERY_MS) and sessions.find(COOKIE, later) is None


@pytest.mark.parametrize(
    ("header", "value"),
    [
        (b"evd=x", "x"),
        (b"a=1; evd=x; b=2", "x"),
        (b"evd=x=y", "x=y"),
        (b"evd=x; evd=y", ""),  # another site of the domain may have planted one of them
        (b"__Host-evd=x", ""),
        (b"Evd=x", ""),
        (b"", ""),
    ],
)
def test_a_cookie_is_read_by_its_whole_name(header: bytes, value: str) -> None:
    assert cookie_in({b"cookie": header}, "evd") == value


def test_a_csrf_token_belongs_to_one_session_and_does_not_show_its_cookie() -> None:
    assert has_csrf_token({b"x-csrf-token": csrf_token(COOKIE).encode()}, COOKIE)
    assert csrf_token(COOKIE) == csrf_token(COOKIE) != csrf_token(OTHER)
    for wrong in ({}, {b"x-csrf-token": b""}, {b"x-csrf-token": csrf_token(OTHER).encode()}):
        assert not has_csrf_token(wrong, COOKIE)
    assert COOKIE.split("_")[3] not in csrf_token(COOKIE)


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
