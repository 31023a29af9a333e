"""Sessions: the cookie, the CSRF token that belongs to it, and when a session ends."""

from __future__ import annotations

import pytest
from builders import NOW

from evd.auth.sessions import (
    SEEN_EVERY_MS,
    SessionLife,
    Sessions,
    cookie_in,
    csrf_token,
    has_csrf_token,
    new_session,
)
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
