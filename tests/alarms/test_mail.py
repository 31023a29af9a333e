"""An alarm as an e-mail, and what is said of a mail server that does not take it."""

from __future__ import annotations

import email
import email.policy
import ssl

import pytest
import trustme
from alarm_changes import CLEARED, MAIL, NOW, RAISED
from smtp_server import mail_server

from evd.alarms.mail import AlarmMail, parse_server
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError


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
