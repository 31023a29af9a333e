"""The FCM pusher against the fake FCM, and its table of answers by itself."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme
from fcm_account import Account, StubAccount, http, tokens_of

from evd.dev.fake_fcm.server import FakeFcm
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
from evd.net.client.push_pool import PushPool
from evd.push.protocols import STATE, Push
from evd.push.providers.fcm.message import encode
from evd.push.providers.fcm.sender import FcmPusher


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


# Credentials


async def test_a_wrong_endpoint_is_one_sentence(connect: Connect) -> None:
    with pytest.raises(ConfigError, match="is no base address"):
        connect("fcm.googleapis.com")
