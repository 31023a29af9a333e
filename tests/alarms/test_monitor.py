"""The operator is told: by a signed POST, by e-mail, again and again until it is taken, and in nobody's way."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import ssl
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trustme
from alarm_receiver import receiver
from smtp_server import mail_server
from structlog.testing import capture_logs

from evd.alarms.mail import AlarmMail, parse_server
from evd.alarms.monitor import EVERY_S, AlarmMonitor, MailInThread, Notifier
from evd.alarms.readings import Readings
from evd.alarms.state import AlarmChange
from evd.alarms.webhook import AlarmWebhook
from evd.config.settings import AlarmSettings
from evd.errors import AlarmError, ConfigError

NOW = 1_700_000_000_000
RAISED = AlarmChange("disk_low", "raised", "critical", NOW - 5000, NOW - 5000, "the disk – has 3 MiB left")
CLEARED = RAISED._replace(state="cleared", at=NOW, text="over after 5 s: the disk – has 3 MiB left")
SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()
MAIL = {"email_to": ["me@example.org", "you@example.org"], "email_from": "evd@example.org", "timeout_s": 5}


# Webhooks


async def test_a_webhook_gets_the_alarm_signed_as_standard_webhooks_are() -> None:
    with receiver() as hook:
        sender = AlarmWebhook(AlarmSettings(webhook=f"{hook.url}/alarms/T0?room=7", webhook_secret=SECRET), "vm1")
        await sender.send(RAISED, NOW)
        await sender.aclose()
        ((path, headers, body),) = hook.posted
    assert path == "/alarms/T0?room=7"
    assert json.loads(body) == {
        "alarm": "disk_low",
        "state": "raised",
        "severity": "critical",
        "since": NOW - 5000,
        "again": False,
        "text": "the disk – has 3 MiB left",
        "host": "vm1",
    }
    assert headers["content-type"] == "application/json"
    signed = f"{headers['webhook-id']}.{NOW // 1000}.".encode() + body
    signature = hmac.digest(b"twenty-four bytes or more", signed, hashlib.sha256)
    assert headers["webhook-timestamp"] == str(NOW // 1000)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(signature).decode()}"


async def test_without_a_secret_a_webhook_is_not_signed() -> None:
    with receiver() as hook:
        sender = AlarmWebhook(AlarmSettings(webhook=hook.url), "vm1")
        await sender.send(RAISED, NOW)
        await sender.aclose()
        assert hook.posted[0].path == "/"
        assert "webhook-signature" not in hook.posted[0].headers


@pytest.mark.parametrize("status", [301, 404, 500])
async def test_a_webhook_that_does_not_take_it_is_named_without_its_path(status: int) -> None:
    with receiver(status) as hook:
        sender = AlarmWebhook(AlarmSettings(webhook=f"{hook.url}/secret-path"), "vm1")
        with pytest.raises(AlarmError, match=f"{hook.url} answered {status}") as caught:
            await sender.send(RAISED, NOW)
        await sender.aclose()
    assert "secret-path" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"webhook": "example.org/alarms"}, "alerts.webhook: "),
        ({"webhook": "https://[hunter2/"}, "alerts.webhook is not an address"),
        ({"webhook": "https://user:hunter2@example.org/"}, "alerts.webhook: "),
        ({"webhook": "https://example.org", "webhook_secret": "hunter2"}, "alerts.webhook_secret is no secret"),
    ],
)
def test_a_wrong_setting_of_webhooks_is_named_and_its_secret_is_not(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        AlarmWebhook(AlarmSettings(**settings), "vm1")
    assert "hunter2" not in str(caught.value)


# E-mail


def test_an_alarm_is_mailed_over_starttls_with_a_login() -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    with mail_server(server) as mail:
        login = {"smtp": f"127.0.0.1:{mail.port}", "smtp_user": "evd", "smtp_password": "hunter2"}
        AlarmMail(AlarmSettings(**MAIL, **login), "vm1", lambda: client).send(RAISED, NOW)
    assert mail.logins == [("evd", "hunter2")]
    assert mail.secure == [True]
    assert mail.recipients == ["TO:<me@example.org>", "TO:<you@example.org>"]
    message = email.message_from_bytes(mail.mails[0], policy=email.policy.default)
    assert message["Subject"] == "evd on vm1: disk_low raised"
    assert message["To"] == "me@example.org, you@example.org"
    assert message["From"] == "evd@example.org"
    assert message["Date"].startswith("Tue, 14 Nov 2023 22:13:20")
    text = message.get_content()
    assert text.startswith("the disk – has 3 MiB left\r\n")
    assert "since: 2023-11-14 22:13:15 UTC" in text


def test_a_mail_that_is_sent_again_has_the_same_message_id() -> None:
    with mail_server() as mail:
        sender = AlarmMail(AlarmSettings(**MAIL, smtp=f"127.0.0.1:{mail.port}", smtp_security="none"), "vm1")
        for change in (RAISED, RAISED, CLEARED):
            sender.send(change, NOW)
    ids = [email.message_from_bytes(one)["Message-ID"] for one in mail.mails]
    assert ids[0] == ids[1] != ids[2]
    assert mail.secure == [False] * 3


@pytest.mark.parametrize(
    ("security", "refuse", "says"),
    [
        ("none", {"MAIL": "550 go away hunter2"}, "refuses alerts.email_from"),
        ("none", {"RCPT": "550 go away hunter2"}, "refuses alerts.email_to"),
        ("none", {"DATA": "554 go away hunter2"}, "refuses the message"),
        ("none", {"EHLO": "421 go away hunter2", "HELO": "421 go away hunter2"}, "refuses the message"),
        ("starttls", {}, "lacks what"),
        ("tls", {}, "no TLS at this port"),
    ],
)
def test_what_a_mail_server_refuses_is_said_in_our_own_words(security: str, refuse: dict[str, str], says: str) -> None:
    with mail_server(**refuse) as mail:
        settings = AlarmSettings(**MAIL, smtp=f"127.0.0.1:{mail.port}", smtp_security=security)
        with pytest.raises(AlarmError, match=says) as caught:
            AlarmMail(settings, "vm1").send(RAISED, NOW)
    assert f"127.0.0.1:{mail.port}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_certificate_nobody_vouches_for_gets_no_password() -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    with mail_server(server) as mail:
        login = {"smtp": f"127.0.0.1:{mail.port}", "smtp_user": "evd", "smtp_password": "hunter2"}
        with pytest.raises(AlarmError, match="has no trusted certificate"):
            AlarmMail(AlarmSettings(**MAIL, **login), "vm1").send(RAISED, NOW)
    assert not mail.logins


def test_a_refused_login_is_named() -> None:
    authority = trustme.CA()
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    with mail_server(server, AUTH="535 hunter2 is wrong") as mail:
        login = {"smtp": f"127.0.0.1:{mail.port}", "smtp_user": "evd", "smtp_password": "hunter2"}
        with pytest.raises(AlarmError, match=r"check alerts\.smtp_user and alerts\.smtp_password") as caught:
            AlarmMail(AlarmSettings(**MAIL, **login), "vm1", lambda: client).send(RAISED, NOW)
    assert "hunter2" not in str(caught.value)


def test_where_no_mail_server_is_that_is_said() -> None:
    with mail_server() as mail:
        pass
    with pytest.raises(AlarmError, match="cannot be reached"):
        AlarmMail(AlarmSettings(**MAIL, smtp=f"127.0.0.1:{mail.port}"), "vm1").send(RAISED, NOW)


@pytest.mark.parametrize("text", ["mail.example.org", "mail.example.org:", ":25", "mail.example.org:0", "m:99999"])
def test_a_mail_server_is_named_with_its_port(text: str) -> None:
    with pytest.raises(ConfigError, match="use HOST:PORT"):
        parse_server(text)


def test_a_mail_server_may_have_an_ipv6_address() -> None:
    assert parse_server("[::1]:25") == ("::1", 25)


# Telling until it is taken


class Way:
    """A way to the operator that fails so many times; `tried` are the tries, with their times."""

    name = "way"

    def __init__(self, *failures: BaseException | float) -> None:
        self._failures = list(failures)
        self.tried: list[tuple[float, AlarmChange]] = []
        self.closed = False

    async def send(self, change: AlarmChange, now: int) -> None:
        self.tried.append((trio.current_time(), change))
        failure = self._failures.pop(0) if self._failures else 0.0
        if isinstance(failure, BaseException):
            raise failure
        await trio.sleep(failure)

    async def aclose(self) -> None:
        self.closed = True


async def test_a_way_that_fails_is_tried_again_ever_more_slowly_and_logged_once(autojump_clock: Any) -> None:
    way = Way(*[AlarmError("closed")] * 10)
    teller = Notifier(way, timeout_s=30, chance=lambda: 1.0)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(7200)
            nursery.cancel_scope.cancel()
    times = [at for at, _ in way.tried]
    gaps = [after - before for before, after in pairwise(times)]
    assert len(times) == 11
    assert not teller.pending
    assert gaps == sorted(gaps)
    assert gaps[0] >= 10
    assert gaps[-1] <= 900
    assert len(logs) == 1
    assert logs[0]["reason"] == "closed"
    assert way.closed


async def test_a_way_that_hangs_or_breaks_is_left_and_tried_again(autojump_clock: Any) -> None:
    way = Way(1e9, RuntimeError("odd"))
    teller = Notifier(way, timeout_s=30)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    assert [change for _, change in way.tried] == [RAISED] * 3
    assert logs[0]["reason"] == "no answer within 30 s"


async def test_a_newer_change_takes_the_place_of_an_unsent_one_and_others_do_not_wait_for_it(
    autojump_clock: Any,
) -> None:
    other = RAISED._replace(name="silent")
    way = Way(AlarmError("closed"))
    teller = Notifier(way, timeout_s=30)
    with capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            await trio.sleep(1)
            teller.offer(other)
            teller.offer(CLEARED)
            assert len(teller.pending) == 2
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    first, *others = [change for _, change in way.tried]
    assert first == RAISED
    assert sorted(others) == sorted([other, CLEARED])


async def test_a_mail_server_that_says_nothing_holds_nothing_up(tmp_path: Path) -> None:
    """Its thread is left behind; the loop goes on, and so does the end."""
    listener = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener[0].socket.getsockname()[1]
    settings = AlarmSettings(**{**MAIL, "timeout_s": 0.2}, smtp=f"127.0.0.1:{port}", smtp_security="none")
    teller = Notifier(MailInThread(AlarmMail(settings, "vm1")), timeout_s=0.2)
    with capture_logs() as logs, trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(teller.run)
            teller.offer(RAISED)
            while not logs:
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    await listener[0].aclose()
    assert len(teller.pending) == 1


# The watch


class Machine:
    """Readings that a test changes, and its clock."""

    def __init__(self) -> None:
        self.readings = Readings(now=NOW)

    def read(self, now: int) -> Readings:
        return msgspec.structs.replace(self.readings, now=now)

    @staticmethod
    def clock() -> int:
        return NOW + int(trio.current_time() * 1000)

    def change(self, **readings: Any) -> None:
        self.readings = msgspec.structs.replace(self.readings, **readings)


def watching(machine: Machine, file: Path, *ways: Way) -> AlarmMonitor:
    return AlarmMonitor(AlarmSettings(), machine.read, file, ways, clock=machine.clock)


async def test_a_change_is_logged_sent_by_each_way_and_stands_until_it_is_cleared(
    tmp_path: Path, autojump_clock: Any
) -> None:
    machine, ways = Machine(), (Way(), Way())
    watch = watching(machine, tmp_path / "alarms.json", *ways)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            await trio.sleep(1)
            assert watch.standing == []
            machine.change(disk_full=True)
            await trio.sleep(EVERY_S)
            (standing,) = watch.standing
            assert (standing.name, standing.severity) == ("disk_low", "critical")
            assert "free some space" in standing.sentence
            machine.change(disk_full=False, disk_free_bytes=10**12, disk_total_bytes=10**12)
            await trio.sleep(60)
            assert watch.standing == []
            nursery.cancel_scope.cancel()
    assert [(line["log_level"], line["alarm"], line["state"]) for line in logs] == [
        ("error", "disk_low", "raised"),
        ("info", "disk_low", "cleared"),
    ]
    for way in ways:
        assert [change.state for _, change in way.tried] == ["raised", "cleared"]


async def test_what_stands_outlives_the_process(tmp_path: Path, autojump_clock: Any) -> None:
    machine, file = Machine(), tmp_path / "alarms.json"
    machine.change(disk_full=True)
    ways = (Way(), Way())
    with capture_logs():
        for way in ways:
            watch = watching(machine, file, way)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch.run)
                await trio.sleep(30)
                nursery.cancel_scope.cancel()
            assert [one.since for one in watch.standing] == [NOW]
    assert [len(way.tried) for way in ways] == [1, 0], "the second process has nothing new to tell"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"standing": 3}', b"\xff", b"[" * 5000])
async def test_a_file_that_something_else_wrote_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "alarms.json"
    file.write_bytes(content)
    assert watching(Machine(), file).standing == []


async def test_a_file_that_cannot_be_written_is_reported_once_and_stops_nothing(
    tmp_path: Path, autojump_clock: Any
) -> None:
    watch = watching(Machine(), tmp_path / "absent" / "alarms.json")
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch.run)
            await trio.sleep(600)
            nursery.cancel_scope.cancel()
    assert len(logs) == 1
    assert "cannot be written" in logs[0]["event"]


async def test_what_could_not_be_sent_before_a_restart_is_sent_after_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    def read(now: int) -> Readings:
        return Readings(now=now, disk_full=True, disk_free_bytes=0, disk_total_bytes=1)

    ways = Way(*[AlarmError("down")] * 1000), Way()
    for way in ways:
        watch = AlarmMonitor(AlarmSettings(), read, tmp_path / "alarms.json", [way])
        with trio.move_on_after(60):
            await watch.run()
    assert [change.name for _, change in ways[1].tried] == ["disk_low"]
