"""What the fake FCM answers, by itself."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from fcm_message import NOW, SEND, ask, google, message, recorded
from hypothesis import given
from hypothesis import strategies as st

from evd.dev.fake_fcm.answers import GRANT_TYPE, SCOPES, Google
from evd.dev.fake_fcm.behaviours import MOODS

# Messages


@pytest.mark.parametrize(
    "accepted",
    [
        message(),
        message(android={"ttl": "0.500000000s", "priority": "HIGH", "restricted_package_name": "com.x"}),
        {"token": "phone"},
        {"fid": "an-installation"},
        {"topic": "news", "notification": {"title": "x"}},
        message(data={"serialized": "x" * 4086}),
    ],
)
def test_a_message_in_fcms_form_is_delivered(accepted: dict[str, Any]) -> None:
    status, answer, line = ask({"message": accepted})
    assert status == 200
    assert answer["name"].startswith("projects/evd-demo/messages/")
    assert line == {"at": 1_700_000_000_000, "kind": "send", "project": "evd-demo", "message": accepted, "status": 200}


def test_every_message_has_a_name_of_its_own() -> None:
    fake = google()
    assert len({ask({"message": message()}, fake)[1]["name"] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"{", "Invalid JSON"),
        (b"\xff", "Invalid JSON"),
        (b"null", "Invalid JSON"),
        ([], "Invalid JSON"),
        ({}, "message"),
        ({"message": []}, "Expected `object`"),
        ({"message": message(), "more": 1}, "more"),
        ({"message": message(more=1)}, "more"),
        ({"message": message(token=5)}, "token"),
        ({"message": message(token="")}, "Recipient of the message is not set"),
        ({"message": message(topic="news")}, "more than one"),
        ({"message": message(data={"serialized": {}})}, "data"),
        ({"message": message(data={"n": 1})}, "data"),
        ({"message": message(data={"from": "x"})}, "Invalid data payload key: from"),
        ({"message": message(data={"google.x": "x"})}, "Invalid data payload key"),
        ({"message": message(data={"serialized": "x" * 4087})}, "too big"),
        ({"message": message(data={"serialized": "é" * 2044})}, "too big"),
        ({"message": message(android={"ttl": "60"})}, "ttl"),
        ({"message": message(android={"ttl": 60})}, "ttl"),
        ({"message": message(android={"ttl": "2419201s"})}, "Invalid TTL"),
        ({"message": message(android={"priority": "urgent"})}, "priority"),
        ({"message": message(android={"packageName": "x"})}, "packageName"),
    ],
)
def test_what_fcm_would_refuse_is_refused_in_fcms_form(document: Any, says: str) -> None:
    status, answer, line = ask(document)
    assert (status, answer["error"]["code"], answer["error"]["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert says in answer["error"]["message"]
    assert line is not None and line["status"] == 400


NAMES = st.sampled_from(["message", "token", "data", "android", "ttl", "x"])
DOCUMENTS = st.recursive(
    st.none() | st.text(max_size=9) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200) | DOCUMENTS.map(lambda document: json.dumps(document).encode()))
def test_no_body_is_too_strange_to_be_answered(body: bytes) -> None:
    assert ask(body)[0] in (200, 400)


def test_a_message_over_several_lines_is_one_line_of_the_record() -> None:
    body = json.dumps({"message": message()}, indent=2).encode()
    _, line = google().answer(b"POST", SEND, b"Bearer good", body, NOW)
    assert line is not None and b"\n" not in line
    assert json.loads(line)["message"] == message()


# Moods


def put_mood(fake: Google, body: bytes) -> int:
    return fake.answer(b"PUT", b"/mood", b"", body, NOW)[0].status


@pytest.mark.parametrize(
    ("mood", "status", "end"),
    [
        ("ok", 200, "answer"),
        ("hang", 0, "hang"),
        ("unavailable", 503, "answer"),
        ("refuse", 0, "reset"),
        ("quota", 429, "answer"),
        ("unauthorized", 401, "answer"),
    ],
)
def test_a_mood_befalls_every_message_until_the_next_one(mood: str, status: int, end: str) -> None:
    fake = google()
    body = json.dumps({"message": message()}).encode()
    assert put_mood(fake, json.dumps({"mood": mood, "latency_s": 0.05}).encode()) == 200
    reply, _ = fake.answer(b"POST", SEND, b"Bearer good", body, NOW)
    assert (reply.status, reply.end, reply.delay_s) == (status, end, 0.05)
    assert put_mood(fake, b"{}") == 200
    assert fake.answer(b"POST", SEND, b"Bearer good", body, NOW)[0].delay_s == 0
    counts, _ = fake.answer(b"GET", b"/counts", b"", b"", NOW)
    assert json.loads(counts.body) == {"sends": 2, "delivered": 1 + (mood == "ok")}


def test_the_table_of_moods_is_tested_whole() -> None:
    assert list(MOODS) == ["ok", "hang", "unavailable", "refuse", "quota", "unauthorized"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"mood": "sad"}', b'{"latency_s": -1}', b'{"more": 1}', b"\xff"])
def test_a_mood_that_is_none_is_refused(body: bytes) -> None:
    assert put_mood(google(), body) == 400


# Access tokens


def assertion(**changes: Any) -> str:
    claims = {"iss": "evd@evd-demo", "scope": SCOPES[0], "exp": NOW + 60, **changes}
    encoded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{encoded}.c2ln"


def token_body(**changes: str) -> bytes:
    return urlencode({"grant_type": GRANT_TYPE, "assertion": assertion(), **changes}).encode()


def test_a_token_is_issued_known_until_its_end_and_never_recorded() -> None:
    fake = Google(token_lifetime_s=100)
    reply, line = fake.answer(b"POST", b"/token", b"", token_body(), NOW)
    granted = json.loads(reply.body)
    assert (reply.status, granted["expires_in"], granted["token_type"]) == (200, 100, "Bearer")
    assert recorded(line) == {"at": 1_700_000_000_000, "kind": "token", "project": None, "message": None, "status": 200}
    body = json.dumps({"message": message()}).encode()
    bearer = f"Bearer {granted['access_token']}".encode()
    statuses = [fake.answer(b"POST", SEND, bearer, body, now)[0].status for now in (NOW, NOW + 99, NOW + 100)]
    assert statuses == [200, 200, 401]


@pytest.mark.parametrize("authorization", [b"", b"Bearer ", b"Bearer other", b"good", b"Basic good", b"Bearer \xff"])
def test_a_message_without_an_issued_token_is_401(authorization: bytes) -> None:
    reply, line = google().answer(b"POST", SEND, authorization, json.dumps({"message": message()}).encode(), NOW)
    assert json.loads(reply.body)["error"]["status"] == "UNAUTHENTICATED"
    assert reply.status == 401
    assert b'"status":401' in (line or b"")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "unsupported_grant_type"),
        (token_body(grant_type="password"), "unsupported_grant_type"),
        (token_body(assertion=""), "invalid_grant"),
        (token_body(assertion="a.b"), "invalid_grant"),
        (token_body(assertion="a.b.c"), "invalid_grant"),
        (token_body(assertion="a.é.c"), "invalid_grant"),
        (token_body(assertion=assertion(exp=NOW - 1)), "invalid_grant"),
        (token_body(assertion=assertion(exp="x")), "invalid_grant"),
        (token_body(assertion=assertion(scope="https://www.googleapis.com/auth/drive")), "invalid_grant"),
    ],
)
def test_a_bad_token_request_is_refused_as_oauth2_says(body: bytes, error: str) -> None:
    reply, line = google().answer(b"POST", b"/token", b"", body, NOW)
    assert (reply.status, json.loads(reply.body)["error"]) == (400, error)
    assert b'"status":400' in (line or b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [(b"GET", SEND), (b"POST", b"/"), (b"POST", b"/v1/projects//messages:send"), (b"GET", b"/token")],
)
def test_anything_else_is_404_and_not_recorded(method: bytes, path: bytes) -> None:
    reply, line = google().answer(method, path, b"Bearer good", b"{}", NOW)
    assert (reply.status, line) == (404, None)
