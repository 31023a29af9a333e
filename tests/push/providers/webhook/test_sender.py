"""Webhooks: what is posted, how it is signed, and what each answer of a receiver leads to; over real sockets."""

from __future__ import annotations

import base64
import json
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
import trio.testing
import trustme
from receivers import Behaviour, drips, hangs, pours, receiver, resets, says, sends, wait_for
from standardwebhooks import Webhook

from evd.errors import DropRegistration, GiveUp, RetryAfter
from evd.net.client.base_url import origin_of
from evd.net.client.signature import Signer
from evd.push.protocols import Push
from evd.push.providers.webhook.sender import WebhookPusher, message_id
from evd.push.providers.webhook.traits import SETTING

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes, as it is told!").decode()
NOW = 1_700_000_000_500
TIMEOUT_S = 0.3
PATIENT_S = 10.0


def a_push(target: str = "http://127.0.0.1/", **others: Any) -> Push:
    given: dict[str, Any] = {
        "target_kind": "webhook",
        "target": target,
        "what": "state",
        "event_id": "a1b2",
        "time_ms": NOW - 1000,
        "serialized": '{"id":"a1b2","vehicleId":"00386625","state":1,"current":7.5}',
        "ttl_s": 60,
        "priority": "normal",
    }
    return Push(**given | others)


class Sender(WebhookPusher):
    """As the daemon has it, but with a clock that stands and a timeout that a test can wait for."""

    def __init__(self, *, timeout_s: float = PATIENT_S, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(
            Signer(SECRET, setting=SETTING),
            requests_max=2,
            timeout_s=timeout_s,
            clock=lambda: NOW,
            ssl_context=ssl_context,
        )


@pytest.fixture
async def sender() -> Any:
    one = Sender()
    yield one
    await one.aclose()


@pytest.fixture
async def impatient() -> Any:
    one = Sender(timeout_s=TIMEOUT_S)
    yield one
    await one.aclose()


# What is posted


async def test_a_status_is_posted_as_standard_webhooks_has_it(sender: Sender) -> None:
    with receiver(says("204 No Content")) as one:
        push = a_push(f"{one.url}?key=k")
        assert await sender.send(push) == message_id(push)
    (request,) = one.requests
    assert request.line == "POST /hook?key=k HTTP/1.1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == message_id(push)
    assert request.headers["webhook-timestamp"] == str(NOW // 1000)
    assert not {"cookie", "authorization"} & request.headers.keys()
    assert json.loads(request.body) == {
        "type": "status",
        "timestamp": "2023-11-14T22:13:19.500Z",
        "data": {
            "vehicle": "00386625",
            "event_id": "a1b2",
            "status": {"id": "a1b2", "vehicleId": "00386625", "state": 1, "current": 7.5},
        },
    }


@pytest.mark.parametrize(
    ("serialized", "vehicle", "status"),
    [
        ('{"id":"a1b2","vehicleId":"V1"}', "V1", {"id": "a1b2", "vehicleId": "V1"}),
        ('{"vehicleId":"V1"}', "V1", None),
        ("{}", None, None),
        ("", None, None),
    ],
)
async def test_an_event_is_posted_with_its_kind_and_words(
    sender: Sender, serialized: str, vehicle: str | None, status: dict[str, str] | None
) -> None:
    with receiver(says("200 OK")) as one:
        await sender.send(a_push(one.url, what="charged", serialized=serialized, title="Nabité", body="80 %"))
    document = json.loads(one.requests[0].body)
    assert document["type"] == "event.charged"
    data = document["data"]
    assert (data["event"], data["title"], data["body"]) == ("charged", "Nabité", "80 %")
    assert (data["vehicle"], data["status"]) == (vehicle, status)


@pytest.mark.parametrize("wrong", [{"serialized": "no JSON"}, {"serialized": "[]"}, {"time_ms": 10**18}])
async def test_what_cannot_be_written_is_given_up(sender: Sender, wrong: dict[str, Any]) -> None:
    with pytest.raises(GiveUp, match=r"Push a1b2 cannot be written for a webhook"):
        await sender.send(a_push("http://127.0.0.1:9/", **wrong))


async def test_each_attempt_has_the_same_id_and_each_registration_another(sender: Sender) -> None:
    with receiver(says("200 OK")) as one:
        for target in (one.url, one.url, f"{one.url}?other"):
            await sender.send(a_push(target))
    first, again, other = (request.headers["webhook-id"] for request in one.requests)
    assert first == again != other


async def test_a_kept_alive_connection_is_used_again(sender: Sender) -> None:
    with receiver(says("200 OK", body=b"x" * 60_000)) as one:
        for _ in range(3):
            await sender.send(a_push(one.url))
        assert (one.connections, len(one.requests)) == (1, 3)


async def test_a_cookie_is_not_sent_back(sender: Sender) -> None:
    with receiver(says("200 OK", "Set-Cookie: a=b; Path=/")) as one:
        for _ in range(2):
            await sender.send(a_push(one.url))
    assert "cookie" not in one.requests[1].headers


async def test_proxies_and_netrc_of_the_environment_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sender = Sender()
    with receiver(says("200 OK")) as one:
        await sender.send(a_push(one.url))
    await sender.aclose()
    assert "authorization" not in one.requests[0].headers


# How it is signed


async def test_the_receivers_library_accepts_the_signature_and_no_other_body(sender: Sender) -> None:
    with receiver(says("200 OK")) as one:
        await sender.send(a_push(one.url))
    (request,) = one.requests
    signature = request.headers["webhook-signature"]
    check = Webhook(SECRET)
    assert check.sign(request.headers["webhook-id"], _at(NOW // 1000), request.body.decode()) == signature
    assert check.sign(request.headers["webhook-id"], _at(NOW // 1000), request.body.decode() + " ") != signature


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# What an answer leads to


TAKEN = None
DROP = (DropRegistration, 0.0)


def later(wait_s: float = 10.0) -> tuple[type[Exception], float]:
    return RetryAfter, wait_s


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (says("200 OK"), TAKEN),
        (says("204 No Content"), TAKEN),
        (says("299 Fine"), TAKEN),
        (says("410 Gone"), DROP),
        (says("404 Not Found"), later()),
        (says("400 Bad Request", body=b"{}"), later()),
        (says("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'), later()),
        (says("413 Content Too Large"), later()),
        (says("500 Internal Server Error"), later()),
        (says("502 Bad Gateway", "Retry-After: 30"), later(30)),
        (says("503 Service Unavailable", "Retry-After: 120"), later(120)),
        (says("503 Service Unavailable", "Retry-After: 1"), later()),
        (says("503 Service Unavailable", "Retry-After: 999999999999"), later(3600)),
        (says("503 Service Unavailable", "Retry-After: soon"), later()),
        (says("429 Too Many Requests", "Retry-After: Tue, 14 Nov 2023 22:14:20 GMT"), later(59.5)),
        (says("429 Too Many Requests"), later()),
        (says("301 Moved Permanently", "Location: /elsewhere"), later()),
        (says("307 Temporary Redirect", "Location: http://127.0.0.1:9/"), later()),
        (says("308 Permanent Redirect", "Location: ://"), later()),
        (says("304 Not Modified"), later()),
        (sends(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), TAKEN),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), TAKEN),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone"), TAKEN),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), TAKEN),
        (sends(b"HTTP/1.1 301 Moved\r\nLocation: /a\r\nContent-Length: 5\r\n\r\nab"), later()),
        (sends(b"HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 0\r\n\r\n"), later()),
        (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), later()),
        (sends(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n"), later()),
        (sends(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000 + b"\r\n\r\n"), later()),
        (sends(b""), later()),
        (resets, later()),
        (pours(b"HTTP/1.1 200 OK\r\n\r\n"), TAKEN),
        (pours(b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n"), later()),
        (pours(b"HTTP/1.1 200 OK\r\nX: "), later()),
    ],
)
async def test_an_answer_is_one_of_taken_dropped_or_later(
    sender: Sender, answer: Behaviour, verdict: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with receiver(answer) as one:
        await _expect(sender, one.url, verdict)
        assert len(one.requests) == 1
    assert "TOPSECRET" not in caplog.text


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (hangs, later()),
        (drips(b"HTTP/1.1 200 OK\r\nX: "), later()),
        (drips(b""), later()),
        (drips(b"HTTP/1.1 503 Busy\r\n\r\n"), later()),
        (drips(b"HTTP/1.1 410 Gone\r\n\r\n"), DROP),
        (drips(b"HTTP/1.1 200 OK\r\n\r\n"), TAKEN),
        (drips(b"HTTP/1.1 302 Found\r\nLocation: /a\r\nTransfer-Encoding: chunked\r\n\r\n"), later()),
    ],
)
async def test_a_slow_receiver_is_waited_for_within_the_timeout_however_it_drips(
    impatient: Sender, answer: Behaviour, verdict: Any
) -> None:
    with receiver(answer) as one:
        began = trio.current_time()
        await _expect(impatient, one.url, verdict)
        assert trio.current_time() - began < 10 * TIMEOUT_S


async def _expect(sender: Sender, url: str, verdict: Any) -> None:
    push = a_push(f"{url}/TOPSECRET?key=TOPSECRET")
    if verdict is TAKEN:
        assert await sender.send(push) == message_id(push)
        return
    error, wait_s = verdict
    with pytest.raises(error) as caught:
        await sender.send(push)
    assert type(caught.value) is error  # never Pause, QuotaExceeded or Unreachable: those speak for all receivers
    assert getattr(caught.value, "delay_s", 0.0) == pytest.approx(wait_s)
    assert "TOPSECRET" not in str(caught.value)
    assert str(caught.value).startswith(f"The webhook at {origin_of(url)} ")


async def test_a_receiver_that_is_not_there_is_tried_later(sender: Sender) -> None:
    with receiver(says("200 OK")) as one:
        pass
    await _expect(sender, one.url, later())


@pytest.mark.parametrize("target", ["http://127.0.0.1:99999/", "http://[::1/", "ftp://h/", "", "https://a..b/"])
async def test_an_address_that_is_none_costs_nobody_but_itself(sender: Sender, target: str) -> None:
    with pytest.raises(RetryAfter):
        await sender.send(a_push(target))


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_a_verified_receiver_gets_its_pushes_over_tls(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    sender = Sender(ssl_context=trusting)
    with receiver(says("200 OK"), _tls(authority, "127.0.0.1")) as one:
        await sender.send(a_push(one.url))
        await sender.send(a_push(one.url))
        assert one.connections == 1
        await sender.aclose()


@pytest.mark.parametrize("name", ["127.0.0.1", "other.example"])
async def test_a_receiver_that_is_not_verified_gets_nothing(
    authority: trustme.CA, trusting: ssl.SSLContext, name: str
) -> None:
    """Its certificate is of an authority that nobody trusts, or of another name."""
    sender = Sender(ssl_context=None if name == "127.0.0.1" else trusting)
    with receiver(says("200 OK"), _tls(authority, name)) as one:
        await _expect(sender, one.url, later())
        assert one.requests == []
    await sender.aclose()


async def test_a_tls_receiver_that_drips_is_waited_for_within_the_timeout(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    sender = Sender(timeout_s=TIMEOUT_S, ssl_context=trusting)
    with receiver(drips(b"HTTP/1.1 200 OK\r\nX: "), _tls(authority, "127.0.0.1")) as one:
        await _expect(sender, one.url, later())
    await sender.aclose()


# Many at once


async def test_a_receiver_that_hangs_does_not_hold_up_another() -> None:
    sender = Sender(timeout_s=60)
    with receiver(hangs) as hung, receiver(says("200 OK")) as well:
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(sender.send, a_push(hung.url))
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(30):
                await sender.send(a_push(well.url))
            nursery.cancel_scope.cancel()
    await sender.aclose()


async def test_a_push_that_is_cancelled_ends_at_once_and_leaves_its_place(sender: Sender) -> None:
    with receiver(hangs) as one:
        for _ in range(3):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.send, a_push(one.url))
                await trio.to_thread.run_sync(wait_for, one, len(one.requests) + 1)
                began = trio.current_time()
                nursery.cancel_scope.cancel()
            assert trio.current_time() - began < 1
