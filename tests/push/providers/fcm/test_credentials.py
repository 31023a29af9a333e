"""The service account's file, and access tokens: asked for once for all, ahead of their end, and kept in trouble."""

from __future__ import annotations

import base64
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trio
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from fcm_pusher import Account, Connect, answer_all, http, push
from stub_account import StubAccount, tokens_of
from trio.testing import MockClock

from evd.dev.fake_fcm.server import FakeFcm
from evd.errors import (
    ConfigError,
    Pause,
    Unreachable,
)
from evd.net.client.http import HttpClient
from evd.push.providers.fcm.credentials import (
    AHEAD_S,
    FAILURE_HELD_S,
    AccessTokens,
    ServiceAccount,
    load_service_account,
)
from evd.push.providers.fcm.sender import FcmPusher


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
