"""Webhooks: what is posted, how it is signed, and what each answer of a receiver leads to; over real sockets."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import trio
import trio.testing
import trustme
from daemon_process import RunningDaemon, run_evd, running_daemon
from hypothesis import given
from hypothesis import strategies as st
from receivers import WAIT_S, Behaviour, Receiver, drips, hangs, pours, receiver, resets, says, sends
from standardwebhooks import Webhook, WebhookVerificationError

from evd.clock import now_ms
from evd.config.settings import PushSettings
from evd.errors import BadRequest, ConfigError, DropRegistration, GiveUp, RetryAfter
from evd.net.client.origin import origin_of
from evd.net.client.signature import Signer, new_secret
from evd.push.protocols import Push
from evd.push.providers.webhook.address import checked_address, shown_address
from evd.push.providers.webhook.sender import WebhookPusher, message_id
from evd.push.providers.webhook.shares import PATIENCE_S
from evd.push.providers.webhook.traits import SETTING, TRAITS

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


@given(st.binary(min_size=24, max_size=64), st.text(min_size=1), st.integers(0, 2**32), st.text())
def test_a_signature_is_that_of_the_reference_library(key: bytes, name: str, at: int, body: str) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    assert Signer(secret, setting=SETTING).sign(name, at, body.encode()) == Webhook(secret).sign(name, _at(at), body)


def test_a_new_secret_signs_and_is_no_other_one() -> None:
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert Signer(first, setting=SETTING).sign("a", 1, b"") != Signer(second, setting=SETTING).sign("a", 1, b"")


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_kurz", "whsec_" + "A" * 28, "whsec_" + "A" * 92, "whsec_" + "Ä" * 40, "correct horse"],
)
def test_a_bad_secret_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Signer(secret, setting=SETTING)
    assert str(caught.value).startswith("push.webhook_secret is no secret: write whsec_ and 24 to 64 bytes in base64")
    assert len(secret) < 7 or secret.removeprefix("whsec_") not in str(caught.value)


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
    sender = Sender(timeout_s=TIMEOUT_S)
    with receiver(hangs) as hung, receiver(says("200 OK")) as well:
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(_expect, sender, hung.url, later())
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(TIMEOUT_S):
                await sender.send(a_push(well.url))
        assert hung.requests
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


@pytest.mark.parametrize(("requests", "in_flight", "expected"), [(8, 512, 16), (8, 10, 10)])
def test_few_pushes_wait_for_a_request_and_the_others_in_the_tables(
    requests: int, in_flight: int, expected: int
) -> None:
    settings = PushSettings(webhook_threads_max=requests, in_flight_max=in_flight)
    assert TRAITS.in_flight_max(settings) == expected


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "https://example.org/hook?key=abc&x=%20",
        "HTTPS://Example.ORG:8443/a/b",
        "https://192.168.1.5/hook",
        "https://[fd00::1]:8443/hook",
        "https://homeassistant/api/webhook/x",
        "http://127.0.0.1:8123/hook",
        "http://127.8.9.10/",
        "http://[::1]:8080/",
        "http://localhost:8123/",
        "https://xn--bcher-kva.example/",
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_taken_as_they_are(address: str) -> None:
    assert checked_address(address) == address


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("", "has 1 to 2048 characters"),
        ("https://h/" + "x" * 2048, "has 1 to 2048 characters"),
        ("https://example.org/a b", "no spaces"),
        ("https://example.org/\r\nX: y", "no spaces"),
        ("https://bücher.example/", "ASCII"),
        ("https://good.example\\@evil.example/", "ASCII"),
        ("https://me:TOPSECRET@example.org/", "must not hold a user or a password"),
        ("https://me@example.org/", "must not hold a user or a password"),
        ("https://@example.org/", "must not hold a user or a password"),
        ("http://127.0.0.1@example.org/", "must not hold a user or a password"),
        ("https:///hook", "needs a host"),
        ("https:example.org", "needs a host"),
        ("example.org/hook", "needs a host"),
        ("https://exa%6Dple.org/", "needs a host"),
        ("https://-example.org/", "needs a host"),
        ("https://example.org:99999/", "a host or a port that is none"),
        ("https://example.org:x/", "a host or a port that is none"),
        ("https://example.org:0/", "a host or a port that is none"),
        ("https://[::1/", "a host or a port that is none"),
        ("https://example.org/#TOPSECRET", "no #fragment"),
        ("http://example.org/", "begins with https://"),
        ("http://192.168.1.5/", "begins with https://"),
        ("http://127.0.0.1.example.org/", "begins with https://"),
        ("http://localhost.example.org/", "begins with https://"),
        ("http://0.0.0.0/", "begins with https://"),
        ("ftp://127.0.0.1/", "begins with https://"),
        ("file://127.0.0.1/etc/passwd", "begins with https://"),
    ],
)
def test_other_addresses_are_refused_with_a_sentence_that_does_not_quote_them(address: str, part: str) -> None:
    with pytest.raises(BadRequest) as caught:
        checked_address(address)
    assert part in str(caught.value)
    assert "TOPSECRET" not in str(caught.value)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}", f"http://127.0.0.1{text}"):
        try:
            address = checked_address(candidate)
        except BadRequest:
            continue
        assert origin_of(address).lower().startswith(("https://", "http://127.0.0.1"))
        assert "@" not in origin_of(address)


def test_an_address_is_shown_without_its_query() -> None:
    assert shown_address("https://example.org:8443/hook?key=abc") == "https://example.org:8443/hook"
    assert origin_of("https://example.org:8443/hook?key=abc") == "https://example.org:8443"


# A daemon that has them


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    """No phone provider is set up: webhooks alone are a reason to push."""
    directory = tmp_path_factory.mktemp("webhook") / "evd"
    with running_daemon(directory, settings=f'[push]\nwebhook_secret = "{SECRET}"\n') as one:
        yield one


WEBHOOKS = "/api/v1/webhooks"


def ask(
    daemon: RunningDaemon, method: str, body: Any = None, *, role: str = "admin", query: str = ""
) -> httpx.Response:
    headers = {"x-api-key": daemon.keys[role], "userId": "anna"}
    return httpx.request(method, f"{daemon.url}{WEBHOOKS}{query}", headers=headers, json=body)


def say(daemon: RunningDaemon, vehicle: str, time_ms: int) -> str:
    """The vehicle says something; the status id."""
    document = {"vehicleId": vehicle, "timestamp": time_ms, "state": 1, "encoded": False}
    answer = httpx.post(f"{daemon.url}/wlan", json=document, headers={"x-api-key": daemon.keys["device"]})
    assert answer.status_code == 201
    return answer.headers["x-status-id"]


def wait_for(one: Receiver, requests: int) -> None:
    with one.news:
        assert one.news.wait_for(lambda: len(one.requests) >= requests, WAIT_S), one.requests


def test_a_new_status_reaches_its_vehicles_webhook_signed(daemon: RunningDaemon) -> None:
    with receiver(says("200 OK")) as one, receiver(says("200 OK")) as of_another:
        assert ask(daemon, "POST", {"vehicle": "00e1", "url": f"{one.url}?key=k"}).status_code == 201
        assert ask(daemon, "POST", {"vehicle": "E2", "url": of_another.url}).status_code == 201
        identity = say(daemon, "E1", now_ms())
        wait_for(one, 1)
        assert of_another.requests == []
        (request,) = one.requests
        assert Webhook(SECRET).verify(request.body, request.headers)["data"]["vehicle"] == "00e1"
        assert json.loads(request.body)["data"]["status"]["id"] == identity
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.body + b" ", request.headers)
        for vehicle, url in (("E1", one.url), ("E2", of_another.url)):
            assert ask(daemon, "DELETE", {"vehicle": vehicle, "url": url}).status_code == 200
    assert "key=k" not in str(daemon.logs)


def test_a_receiver_that_hangs_keeps_no_other_waiting(daemon: RunningDaemon) -> None:
    """Not even where far more waits for it than may be in flight."""
    with receiver(hangs) as dead, receiver(says("200 OK")) as well:
        vehicles = [f"D{number:02X}" for number in range(24)]
        for vehicle in vehicles:
            ask(daemon, "POST", {"vehicle": vehicle, "url": dead.url})
        ask(daemon, "POST", {"vehicle": "D99", "url": well.url})
        for vehicle in vehicles:
            say(daemon, vehicle, now_ms())
        wait_for(dead, 4)
        began = time.monotonic()
        say(daemon, "D99", now_ms())
        wait_for(well, 1)
        assert time.monotonic() - began < 2 * PATIENCE_S, "a send to the other takes ten seconds"
        assert len(dead.requests) == 4, "half of the threads"
        for vehicle, url in [("D99", well.url), *((vehicle, dead.url) for vehicle in vehicles)]:
            assert ask(daemon, "DELETE", {"vehicle": vehicle, "url": url}).status_code == 200


def test_a_receiver_that_wants_no_more_is_removed(daemon: RunningDaemon) -> None:
    with receiver(says("410 Gone")) as one:
        ask(daemon, "POST", {"vehicle": "E3", "url": f"{one.url}?TOPSECRET"})
        say(daemon, "E3", now_ms())
        assert daemon.logs.wait_for("registration dropped", WAIT_S) is not None
        until = time.monotonic() + WAIT_S
        while ask(daemon, "GET", query="?vehicle=E3").json():  # its answer is written with the next group
            assert time.monotonic() < until
    assert "TOPSECRET" not in str(daemon.logs)


def test_the_command_adds_lists_and_removes(daemon: RunningDaemon) -> None:
    def webhook(*arguments: str) -> Any:
        return run_evd("webhook", *arguments, "--dir", daemon.directory)

    made = webhook("add", "F1", "https://hooks.example/a?key=TOPSECRET")
    assert (made.stdout, made.returncode) == ("https://hooks.example/a receives the pushes of vehicle F1\n", 0)
    listed = webhook("list")
    assert "https://hooks.example/a" in listed.stdout
    assert "TOPSECRET" not in listed.stdout
    (row,) = json.loads(webhook("list", "F1", "--json").stdout)
    assert (row["vehicle"], row["url"], row["pushed"], row["attempts"]) == ("F1", "https://hooks.example/a", None, 0)
    gone = webhook("remove", "F1", "https://hooks.example/a")
    assert gone.stdout == "https://hooks.example/a receives nothing of vehicle F1 any more\n"
    assert webhook("list").stdout == "There are none: `evd webhook add VEHICLE URL` adds one.\n"
    refused = webhook("add", "F1", "http://hooks.example/")
    assert refused.returncode == 1
    assert refused.stderr.startswith("evd: a webhook's address begins with https://")


def test_a_secret_is_printed_alone_on_stdout(tmp_path: Any) -> None:
    made = run_evd("webhook", "secret", "--dir", tmp_path)
    Signer(made.stdout.strip(), setting=SETTING)
    assert "evd.toml" in made.stderr
    assert made.stdout.strip() not in made.stderr
    Signer(json.loads(run_evd("webhook", "secret", "--json").stdout)["secret"], setting=SETTING)
    assert list(tmp_path.iterdir()) == []


def test_a_webhook_is_removed_by_its_whole_address_or_by_what_is_shown_of_it_if_that_is_one(
    daemon: RunningDaemon,
) -> None:
    base = "https://hooks.example/b"
    for url in (f"{base}?1", f"{base}?2"):
        assert ask(daemon, "POST", {"vehicle": "F2", "url": url}).json() == {"vehicle": "F2", "url": base}
    refused = ask(daemon, "DELETE", {"vehicle": "F2", "url": base})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "vehicle F2 has 2 webhooks at this address: write it whole"
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": f"{base}?2"}).status_code == 200
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": f"{base}?2"}).status_code == 404
    assert ask(daemon, "DELETE", {"vehicle": "F2", "url": base}).status_code == 200
    assert ask(daemon, "GET").json() == []


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("role", ["app", "device", "sigfox"])
def test_only_an_administrator_has_to_do_with_webhooks(daemon: RunningDaemon, method: str, role: str) -> None:
    body = None if method == "GET" else {"vehicle": "F3", "url": "https://hooks.example/"}
    assert ask(daemon, method, body, role=role).status_code == 403


def test_without_a_secret_none_is_added_and_with_a_bad_one_nothing_starts(tmp_path: Any) -> None:
    directory = tmp_path / "evd"
    assert run_evd("init", "--dir", directory).returncode == 0
    refused = run_evd("webhook", "add", "F1", "https://hooks.example/", "--dir", directory)
    assert refused.returncode == 1
    assert "webhooks are signed: set push.webhook_secret" in refused.stderr
    refused = run_evd("serve", "--dir", directory, env={"EVD_PUSH__WEBHOOK_SECRET": "TOPSECRET"})
    assert refused.returncode == 2
    assert "push.webhook_secret is no secret" in refused.stderr
    assert "TOPSECRET" not in refused.stderr
