"""The FCM pusher against the fake FCM, and its table of answers by itself."""

from __future__ import annotations

import base64
import json
import ssl
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trio
import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from evd.dev.fake_fcm.server import FakeFcm, make_service_account
from evd.errors import (
    ConfigError,
    DropRegistration,
    ForeignSender,
    GiveUp,
    Pause,
    PushError,
    QuotaExceeded,
    RetryAfter,
    Unreachable,
)
from evd.net.client.http import HttpClient
from evd.net.client.push_pool import PushPool
from evd.net.client.response import Response
from evd.push.protocols import STATE, Push
from evd.push.providers.fcm.answers import ANSWERS, read_answer
from evd.push.providers.fcm.credentials import (
    AHEAD_S,
    FAILURE_HELD_S,
    AccessTokens,
    ServiceAccount,
    load_service_account,
)
from evd.push.providers.fcm.message import encode
from evd.push.providers.fcm.sender import FcmPusher

Account = dict[str, str]


def push(target: str = "phone", **changes: Any) -> Push:
    arguments: dict[str, Any] = {
        "target_kind": "token",
        "target": target,
        "what": STATE,
        "event_id": "s1",
        "time_ms": 1_700_000_000_000,
        "serialized": '{"vehicleId": "386625", "location": "Plzeň"}',
        "ttl_s": 60,
        "priority": "normal",
        "package": "com.martin.carcharge",
        **changes,
    }
    return Push(**arguments)


@pytest.fixture(scope="module")
def account() -> Account:
    return make_service_account("evd-demo", "http://127.0.0.1:1/token")


@pytest.fixture
async def fake(nursery: trio.Nursery) -> FakeFcm:
    server = FakeFcm()
    await nursery.start(server.serve)
    return server


Connect = Callable[..., FcmPusher]


@pytest.fixture
async def connect(fake: FakeFcm, account: Account, tmp_path: Path) -> AsyncIterator[Connect]:
    """Makes pushers of the fake's credentials; they are closed afterwards."""
    made: list[FcmPusher] = []

    def make(endpoint: str = "", token_uri: str = "", timeout_s: float = 5, **more: Any) -> FcmPusher:
        path = tmp_path / "account.json"
        path.write_text(json.dumps({**account, "token_uri": token_uri or fake.token_uri}))
        pusher = FcmPusher.from_file(path, endpoint or fake.url, connections_max=8, timeout_s=timeout_s, **more)
        made.append(pusher)
        return pusher

    yield make
    for pusher in made:
        await pusher.aclose()


async def answer_all(nursery: trio.Nursery, answer: bytes) -> str:
    """A server that answers whatever comes with `answer`, and closes; returns its base URL."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(65536)
            await stream.send_all(answer)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, listeners)
    return f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"


def http(status: int, body: bytes, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


# Messages


async def test_a_message_arrives_and_its_name_comes_back(fake: FakeFcm, connect: Connect) -> None:
    name = await connect().send(push())
    assert name.startswith("projects/evd-demo/messages/")
    [sent] = fake.sends
    assert (sent["project"], sent["message"]) == ("evd-demo", json.loads(encode(push()))["message"])


async def test_it_goes_over_tls_too(nursery: trio.Nursery, connect: Connect) -> None:
    authority, server, client = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), None
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    secure = FakeFcm(ssl_context=server)
    await nursery.start(secure.serve)
    pusher = connect(secure.url, ssl_context=client)
    with pytest.raises(Pause):  # the token is the other fake's
        await pusher.send(push())
    assert [request["status"] for request in secure.sends] == [401, 401]


# Answers and what to do next


@pytest.mark.parametrize(
    ("target", "verb", "delay_s"),
    [
        ("unregistered-1", DropRegistration, None),
        ("mismatch-1", ForeignSender, None),
        ("invalid-1", DropRegistration, None),
        ("badpayload-1", GiveUp, None),
        ("thirdparty-1", Pause, 60),
        ("quota-1", QuotaExceeded, 10),  # Retry-After: 2 is less than FCM's own guide allows
        ("quotadevice-1", RetryAfter, 60),
        ("unavailable-1", Unreachable, 10),
        ("retry503-75", Unreachable, 75),
        ("internal-1", Unreachable, 10),
        ("flaky-1", Unreachable, 10),
        ("reset-1", Unreachable, 10),
    ],
)
async def test_each_misbehaviour_of_fcm_is_one_verb(
    target: str, verb: type[PushError], delay_s: float | None, connect: Connect, fake: FakeFcm
) -> None:
    with pytest.raises(verb) as caught:
        await connect().send(push(target))
    assert type(caught.value) is verb
    assert getattr(caught.value, "delay_s", None) == delay_s
    assert target not in str(caught.value)
    assert len(fake.sends) == 1


@pytest.mark.parametrize(
    ("mood", "verb", "delay_s", "sends"),
    [
        ("unavailable", Unreachable, 10, 1),
        ("refuse", Unreachable, 10, 1),
        ("quota", QuotaExceeded, 60, 1),
        ("unauthorized", Pause, 60, 2),  # a fresh access token is tried first
    ],
)
async def test_a_mood_of_fcm_is_one_verb_and_passes(
    mood: str, verb: type[PushError], delay_s: float, sends: int, connect: Connect, fake: FakeFcm
) -> None:
    pusher = connect()
    fake.google.set_mood(mood)
    with pytest.raises(verb) as caught:
        await pusher.send(push())
    assert (type(caught.value), caught.value.delay_s) == (verb, delay_s)  # type: ignore[attr-defined]
    assert len(fake.sends) == sends
    fake.google.set_mood("ok")
    assert await pusher.send(push())


async def test_an_installation_is_no_registration_token(connect: Connect, fake: FakeFcm) -> None:
    pusher = connect()
    await pusher.send(push("an-installation", target_kind="fid"))
    [sent] = fake.sends
    assert sent["message"]["fid"] == "an-installation"
    assert "token" not in sent["message"]


async def test_an_fcm_that_never_answers_is_left_at_the_deadline(fake: FakeFcm) -> None:
    tokens = tokens_of(StubAccount())
    transport = PushPool(fake.url, connections_max=1, timeout_s=0.1, body_max=1000)
    fake.google.issue("token-1", 4e9)
    with trio.fail_after(30), pytest.raises(Unreachable, match=r"did not answer within 0\.1 s") as caught:
        await FcmPusher("evd-demo", tokens, transport).send(push("hang-1"))
    await transport.aclose()
    assert caught.value.delay_s == 10
    assert fake.sends[0]["status"] == 0


@pytest.mark.parametrize(
    "changes", [{"ttl_s": 3_000_000}, {"serialized": "x" * 4100}], ids=["ttl over four weeks", "over 4 KiB"]
)
async def test_a_message_fcm_finds_fault_with_is_given_up_and_its_registration_kept(
    changes: dict[str, Any], connect: Connect
) -> None:
    with pytest.raises(GiveUp, match="FCM does not accept this message"):
        await connect().send(push(**changes))


async def test_after_a_failure_the_next_attempt_can_succeed(connect: Connect) -> None:
    pusher = connect()
    with pytest.raises(Unreachable):
        await pusher.send(push("flaky-2"))
    assert await pusher.send(push("flaky-2"))
    assert await pusher.send(push("slow0.02-x"))


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


@pytest.mark.parametrize(
    "answer",
    [http(200, b"x" * 10_000_000), http(302, b"", "Location: /elsewhere\r\n"), b"garbage\r\n\r\n", b""],
    ids=["10 MiB", "redirect", "garbage", "nothing"],
)
async def test_an_fcm_gone_mad_is_tried_again_later(answer: bytes, nursery: trio.Nursery, connect: Connect) -> None:
    pusher = connect(await answer_all(nursery, answer))
    with pytest.raises(Unreachable) as caught:
        await pusher.send(push())
    assert type(caught.value) is Unreachable
    assert caught.value.delay_s == 10


async def test_an_fcm_that_is_not_there_is_tried_again_later(connect: Connect) -> None:
    with pytest.raises(Unreachable, match=r"Cannot connect to http://127\.0\.0\.1:1"):
        await connect("http://127.0.0.1:1").send(push())


# Access tokens


def token_requests(fake: FakeFcm) -> int:
    return sum(request["kind"] == "token" for request in fake.requests)


async def send_many(pusher: FcmPusher, count: int) -> None:
    async with trio.open_nursery() as senders:
        for number in range(count):
            senders.start_soon(pusher.send, push(f"phone-{number}"))


async def test_many_sends_at_once_ask_for_one_token(fake: FakeFcm, connect: Connect) -> None:
    pusher = connect()
    await send_many(pusher, 40)
    await send_many(pusher, 40)
    assert (token_requests(fake), len(fake.sends)) == (1, 80)


async def test_a_token_withdrawn_before_its_time_is_replaced_once_for_all(fake: FakeFcm, connect: Connect) -> None:
    pusher = connect()
    await send_many(pusher, 8)
    fake.google.revoke_tokens()
    await send_many(pusher, 8)
    assert token_requests(fake) == 2
    assert [request["status"] for request in fake.sends].count(200) == 16


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (http(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'), "Invalid JWT Signat"),
        (http(401, b"unheard of"), "unheard of"),
        (http(200, b"[]"), "No access token from"),
        (http(200, b'{"access_token": 5, "expires_in": 3600}'), "no usable access token"),
        (http(200, b'{"access_token": "a\\r\\nX: y", "expires_in": 3600}'), "no usable access token"),
        (http(200, b'{"access_token": "", "expires_in": 3600}'), "empty or has already expired"),
        (http(200, b'{"access_token": "a", "expires_in": -5}'), "empty or has already expired"),
        (http(200, b'{"access_token": "a", "expires_in": "soon"}'), "No access token from"),
        (http(302, b"", "Location: /elsewhere\r\n"), "cannot be reached, or answered with a redirect"),
        (b"garbage\r\n\r\n", "cannot be reached"),
    ],
)
async def test_a_token_endpoint_that_refuses_or_raves_pauses_the_sender(
    answer: bytes, says: str, nursery: trio.Nursery, connect: Connect, fake: FakeFcm
) -> None:
    token_uri = await answer_all(nursery, answer)
    with pytest.raises(Unreachable if "cannot be reached" in says else Pause, match=says) as caught:
        await connect(token_uri=token_uri).send(push())
    assert caught.value.delay_s == 60
    assert token_uri in str(caught.value)
    assert not fake.sends


async def token_endpoint(
    nursery: trio.Nursery, account: Account, tmp_path: Path, *answers: bytes
) -> tuple[ServiceAccount, list[bytes]]:
    """The account with an endpoint that gives these answers in turn, and the bodies that it was sent."""
    bodies: list[bytes] = []

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            data = b""
            while b"assertion=" not in data:
                data += await stream.receive_some(65_536)
            await stream.send_all(answers[len(bodies)])
            bodies.append(data.partition(b"\r\n\r\n")[2])

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, handle, listeners)
    path = tmp_path / "account.json"
    uri = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/token"
    path.write_text(json.dumps({**account, "token_uri": uri}))
    return load_service_account(path), bodies


async def fetched(account: ServiceAccount) -> tuple[str, float]:
    async with HttpClient(connections_max=1, timeout_s=5, body_max=1000) as client:
        return await account.fetch_token(client)


@pytest.mark.parametrize("troubles", [(503,), (429, 500)])
async def test_a_token_endpoint_in_trouble_is_asked_again_soon(
    troubles: tuple[int, ...],
    nursery: trio.Nursery,
    account: Account,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules[ServiceAccount.__module__], "RETRY_S", 0.0)
    answers = [*(http(status, b"busy") for status in troubles), http(200, b'{"access_token":"a","expires_in":60}')]
    endpoint, bodies = await token_endpoint(nursery, account, tmp_path, *answers)
    assert await fetched(endpoint) == ("a", 60.0)
    assert len(bodies) == len(answers)


async def test_what_asks_for_a_token_is_signed_with_the_accounts_key(
    nursery: trio.Nursery, account: Account, tmp_path: Path
) -> None:
    """RFC 7523, with the claims that Google asks for."""
    endpoint, bodies = await token_endpoint(nursery, account, tmp_path, http(200, b'{"access_token":"a"}'))
    assert await fetched(endpoint) == ("a", AHEAD_S)
    form = {name: value for name, (value,) in parse_qs(bodies[0].decode()).items()}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form["assertion"].split(".")
    key: Any = serialization.load_pem_private_key(account["private_key"].encode(), None)
    signed = f"{head}.{claims}".encode()
    key.public_key().verify(unpadded(signature), signed, padding.PKCS1v15(), hashes.SHA256())  # raises if it is not
    said = json.loads(unpadded(claims))
    assert (said["iss"], said["aud"]) == (account["client_email"], "https://oauth2.googleapis.com/token")
    assert said["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert said["exp"] - said["iat"] == 3600
    assert abs(said["iat"] - time.time()) < 60


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_a_token_endpoint_that_is_down_pauses_the_sender(connect: Connect) -> None:
    with pytest.raises(Unreachable, match="cannot be reached"):
        await connect(token_uri="http://127.0.0.1:1/token").send(push())


async def test_the_signed_assertion_follows_no_redirect(nursery: trio.Nursery, connect: Connect) -> None:
    followed: list[int] = []

    async def elsewhere(stream: trio.SocketStream) -> None:
        followed.append(1)
        await stream.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, elsewhere, listeners)
    other = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    redirect = http(307, b"", f"Location: {other}\r\n")
    with pytest.raises(Unreachable, match="answered with a redirect"):
        await connect(token_uri=await answer_all(nursery, redirect)).send(push())
    assert not followed


class StubAccount:
    """Hands out tokens of a given life, in order; fails, or waits, when told to."""

    project_id, token_uri = "evd-demo", "http://127.0.0.1:1/token"

    def __init__(self, lifetime_s: float = 3600) -> None:
        self.lifetime_s = lifetime_s
        self.fetched = 0
        self.broken = False
        self.go_on = trio.Event()
        self.go_on.set()

    async def fetch_token(self, http: HttpClient) -> tuple[str, float]:
        self.fetched += 1
        number = self.fetched
        await self.go_on.wait()
        if self.broken:
            raise OSError("down")
        return f"token-{number}", self.lifetime_s


def tokens_of(stub: StubAccount, timeout_s: float = 5) -> AccessTokens:
    return AccessTokens(stub, timeout_s=timeout_s)  # type: ignore[arg-type]


async def test_a_token_is_replaced_ahead_of_its_end(mock_clock: MockClock) -> None:
    tokens = tokens_of(StubAccount(3600))
    assert await tokens.get() == "token-1"
    mock_clock.jump(3600 - AHEAD_S - 1)
    assert await tokens.get() == "token-1"
    mock_clock.jump(2)
    assert await renewed(tokens) == "token-2"


async def renewed(tokens: AccessTokens) -> str:
    """The token once what the first question sets off in the background has ended."""
    await tokens.get()
    while tokens.renewing:
        await trio.testing.wait_all_tasks_blocked(0.001)
    return await tokens.get()


async def test_a_short_lived_token_is_used_for_half_its_life(mock_clock: MockClock) -> None:
    tokens = tokens_of(StubAccount(60))
    await tokens.get()
    mock_clock.jump(29)
    assert await tokens.get() == "token-1"
    mock_clock.jump(2)
    assert await renewed(tokens) == "token-2"


async def test_while_the_old_token_lives_a_broken_endpoint_stops_nothing(mock_clock: MockClock) -> None:
    stub = StubAccount(3600)
    tokens = tokens_of(stub)
    await tokens.get()
    stub.broken = True
    mock_clock.jump(3600 - AHEAD_S + 1)
    assert [await renewed(tokens) for _ in range(5)] == ["token-1"] * 5
    assert stub.fetched == 2
    mock_clock.jump(AHEAD_S)
    with pytest.raises(Pause, match="down"):
        await tokens.get()
    stub.broken = False
    mock_clock.jump(FAILURE_HELD_S + 1)
    assert await tokens.get() == "token-4"


async def test_nobody_waits_for_a_token_that_is_only_replaced_ahead_of_its_end(mock_clock: MockClock) -> None:
    stub = StubAccount(3600)
    tokens = tokens_of(stub)
    await tokens.get()
    mock_clock.jump(3600 - AHEAD_S + 1)
    stub.go_on = trio.Event()
    assert [await tokens.get() for _ in range(5)] == ["token-1"] * 5
    stub.go_on.set()
    assert await renewed(tokens) == "token-2"
    assert stub.fetched == 2


async def test_only_the_token_that_was_refused_is_forgotten() -> None:
    tokens = tokens_of(StubAccount())
    refused = await tokens.get()
    tokens.forget(refused)
    assert await tokens.get() == "token-2"
    tokens.forget(refused)
    assert await tokens.get() == "token-2"


async def test_those_who_waited_for_a_token_that_did_not_come_do_not_ask_again() -> None:
    stub = StubAccount()
    stub.broken = True
    tokens = tokens_of(stub)
    paused = 0

    async def get() -> None:
        nonlocal paused
        with pytest.raises(Pause):
            await tokens.get()
        paused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(get)
    assert (paused, stub.fetched) == (20, 1)


async def test_a_token_endpoint_that_hangs_is_left_at_the_deadline() -> None:
    stub = StubAccount()
    stub.go_on = trio.Event()
    with trio.fail_after(30), pytest.raises(Unreachable, match="did not answer in time"):
        await tokens_of(stub, timeout_s=0.05).get()
    stub.go_on.set()


# Credentials


def test_a_service_account_says_its_project(account: Account, tmp_path: Path) -> None:
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    assert load_service_account(path).project_id == "evd-demo"


def elliptic_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a: "not JSON", "is not JSON"),
        (lambda a: json.dumps(a)[:-20], "is not JSON"),
        (lambda a: "\udcff", "is not JSON"),
        (lambda a: "[" * 20_000, "is not JSON"),
        (lambda a: json.dumps([a]), "is not a service account"),
        (lambda a: json.dumps({**a, "type": "authorized_user"}), "is not a service account"),
        (lambda a: json.dumps({**a, "project_id": ""}), "has no project_id"),
        (lambda a: json.dumps({**a, "private_key": 5}), "has no private_key"),
        (lambda a: json.dumps({k: v for k, v in a.items() if k != "token_uri"}), "has no token_uri"),
        (lambda a: json.dumps({**a, "token_uri": "oauth2.googleapis.com"}), "has a token_uri that is no http"),
        (lambda a: json.dumps({**a, "private_key": a["private_key"][:800]}), "is no RSA key in PEM form"),
        (lambda a: json.dumps({**a, "private_key": "hunter2"}), "is no RSA key in PEM form"),
        (lambda a: json.dumps({**a, "private_key": elliptic_key()}), "is no RSA key in PEM form"),
        (lambda a: json.dumps({**a, "more": "x" * 70_000}), "is larger than 65536 bytes"),
    ],
)
def test_a_wrong_credentials_file_is_one_sentence_without_its_contents(
    change: Callable[[Account], str], says: str, account: Account, tmp_path: Path
) -> None:
    path = tmp_path / "account.json"
    path.write_bytes(change(account).encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=says) as caught:
        FcmPusher.from_file(path, connections_max=1, timeout_s=1)
    assert str(path) in str(caught.value)
    assert account["private_key"].splitlines()[1] not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("name", "says"), [("absent.json", "No such file"), (".", "Is a directory")])
def test_a_credentials_file_that_cannot_be_read_is_one_sentence(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"push.credentials: cannot read .*: {says}"):
        FcmPusher.from_file(tmp_path / name, connections_max=1, timeout_s=1)


async def test_a_wrong_endpoint_is_one_sentence(connect: Connect) -> None:
    with pytest.raises(ConfigError, match="is no base address"):
        connect("fcm.googleapis.com")
