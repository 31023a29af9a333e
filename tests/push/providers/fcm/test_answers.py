"""FCM's answers: each means one thing for the push, its registration and the rate, and shows no secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evd.errors import (
    DropRegistration,
    ForeignSender,
    GiveUp,
    Pause,
    PushError,
    QuotaExceeded,
    RetryAfter,
    Unreachable,
)
from evd.net.client.response import Response
from evd.push.providers.fcm.answers import ANSWERS, read_answer


def fcm_error(status: str = "", message: str = "", code: str = "", **details: Any) -> bytes:
    listed = [{"@type": "type.googleapis.com/google.rpc.Whatever", **details}] if details else []
    if code:
        listed.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
    return json.dumps({"error": {"code": 0, "status": status, "message": message, "details": listed}}).encode()


BAD_TOKEN = "The registration token is not a valid FCM registration token"


@pytest.mark.parametrize(
    ("status", "body", "verb", "delay_s"),
    [
        (404, fcm_error("NOT_FOUND", code="UNREGISTERED"), DropRegistration, None),
        (404, fcm_error("NOT_FOUND", "no such project"), Pause, 60),
        (404, b"<html>Not found</html>", Pause, 60),
        (403, fcm_error("PERMISSION_DENIED", code="SENDER_ID_MISMATCH"), ForeignSender, None),
        (403, fcm_error("PERMISSION_DENIED", "the API has not been used in project 1 before"), Pause, 60),
        (400, fcm_error("INVALID_ARGUMENT", BAD_TOKEN, "INVALID_ARGUMENT"), DropRegistration, None),
        (
            400,
            fcm_error("INVALID_ARGUMENT", "x", "INVALID_ARGUMENT", fieldViolations=[{"field": "message.token"}]),
            DropRegistration,
            None,
        ),
        (400, fcm_error("INVALID_ARGUMENT", BAD_TOKEN), GiveUp, None),
        (400, fcm_error("INVALID_ARGUMENT", "Invalid data payload key", "INVALID_ARGUMENT"), GiveUp, None),
        (
            400,
            fcm_error("INVALID_ARGUMENT", BAD_TOKEN, "INVALID_ARGUMENT", fieldViolations=[{"field": "message.data"}]),
            GiveUp,
            None,
        ),
        (400, fcm_error("INVALID_ARGUMENT", fieldViolations=[{"field": "message.token"}]), GiveUp, None),
        (400, b"", GiveUp, None),
        (413, b"", GiveUp, None),
        (401, fcm_error("UNAUTHENTICATED"), Pause, 60),
        (401, fcm_error("UNAUTHENTICATED", code="THIRD_PARTY_AUTH_ERROR"), Pause, 60),
        (429, fcm_error("RESOURCE_EXHAUSTED", code="QUOTA_EXCEEDED"), QuotaExceeded, 60),
        (429, fcm_error("X", "q", "QUOTA_EXCEEDED", violations=[{"subject": "device:abc"}]), RetryAfter, 60),
        (429, b"slow down", QuotaExceeded, 60),
        (408, b"", RetryAfter, 10),
        (405, b"", Pause, 60),
        (500, fcm_error("INTERNAL", code="INTERNAL"), Unreachable, 10),
        (502, b"<html>", Unreachable, 10),
        (503, fcm_error("UNAVAILABLE", code="UNAVAILABLE"), Unreachable, 10),
        (500, fcm_error("NOT_FOUND", code="UNREGISTERED"), Unreachable, 10),
        (302, b"", Unreachable, 10),
        (204, b"", Unreachable, 10),
        (200, b"<html>Log in to the hotel's network</html>", Unreachable, 10),
        (200, b'{"name": 5}', Unreachable, 10),
        (200, b"[" * 60_000, Unreachable, 10),
    ],
)
def test_the_table_of_answers(status: int, body: bytes, verb: type[PushError], delay_s: float | None) -> None:
    answer = read_answer(Response(status, {}, body), "phone", 0)
    assert type(answer) is verb
    assert getattr(answer, "delay_s", None) == delay_s


NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("status", [503, 429, 401])
@pytest.mark.parametrize(
    ("retry_after", "delay_s"),
    [("2", 10), ("75", 75), ("86400", 3600), ("Mon, 23 Nov 2026 12:01:30 GMT", 90), ("later", None), ("", None)],
)
def test_retry_after_is_obeyed_between_ten_seconds_and_an_hour(
    status: int, retry_after: str, delay_s: float | None
) -> None:
    answer = read_answer(Response(status, {"retry-after": retry_after}, b""), "phone", NOW)
    assert isinstance(answer, RetryAfter)
    assert answer.delay_s == (delay_s or {503: 10, 429: 60, 401: 60}[status])


ERRORS = st.recursive(
    st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["UNREGISTERED", "INVALID_ARGUMENT", BAD_TOKEN]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "details", "@type", "errorCode", "message", "status", "field"]), inner, max_size=4
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.integers(100, 999), st.binary(max_size=60) | ERRORS.map(lambda value: json.dumps(value).encode()))
def test_no_answer_removes_a_registration_unless_fcm_itself_says_so(status: int, body: bytes) -> None:
    answer = read_answer(Response(status, {}, body), "phone", NOW)
    assert isinstance(answer, PushError) or status == 200
    assert not isinstance(answer, DropRegistration)
    assert str(answer).isprintable()


def test_every_status_has_a_row() -> None:
    assert all(any(status in row.statuses for row in ANSWERS) for status in range(1000))


def test_fcms_words_are_shortened_and_never_repeat_the_token() -> None:
    answer = read_answer(Response(500, {}, fcm_error(message="phone-123 is\n down " + "x" * 900)), "phone-123", NOW)
    assert isinstance(answer, RetryAfter)
    assert "phone-123" not in str(answer)
    assert len(str(answer)) < 300


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 429, 500])
def test_fcms_words_show_no_secret_and_move_no_cursor(status: int) -> None:
    words = "x" * 190 + " Bearer C4nary-12345 for ya29.C4nary-abc, key=C4nary \x9b31m\u202e [x](https://u:C4nary@h/)"
    for message in (words, words[185:]):
        answer = read_answer(Response(status, {}, fcm_error(message=message)), "phone", NOW)
        assert isinstance(answer, PushError)
        assert "C4nary" not in str(answer)
        assert str(answer).isprintable()
