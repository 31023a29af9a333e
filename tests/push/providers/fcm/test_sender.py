"""The FCM pusher against the fake FCM, and its table of answers by itself."""

from __future__ import annotations

import json
import ssl
from typing import Any

import pytest
import trio
import trustme
from fcm_pusher import Connect, answer_all, http, push
from stub_account import StubAccount, tokens_of

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
from evd.push.providers.fcm.message import encode
from evd.push.providers.fcm.sender import FcmPusher


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


async def test_a_wrong_endpoint_is_one_sentence(connect: Connect) -> None:
    with pytest.raises(ConfigError, match="is no base address"):
        connect("fcm.googleapis.com")
