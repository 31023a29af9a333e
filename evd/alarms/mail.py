"""An alarm as an e-mail. Sending blocks, so it must run in a thread."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from evd.alarms.state import AlarmChange
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError
from evd.log.logger import log
from evd.net.client.transport import default_ssl_context

HINTS: tuple[tuple[type[Exception], str], ...] = (
    (smtplib.SMTPAuthenticationError, "refuses the login: check alerts.smtp_user and alerts.smtp_password"),
    (smtplib.SMTPRecipientsRefused, "refuses alerts.email_to"),
    (smtplib.SMTPSenderRefused, "refuses alerts.email_from"),
    (smtplib.SMTPNotSupportedError, "lacks what `[alerts]` requires: check alerts.smtp_security and alerts.smtp_user"),
    (smtplib.SMTPException, "refuses the message: check alerts.smtp and alerts.smtp_security"),
    (ssl.SSLError, "has no trusted certificate for this name, or no TLS at this port: check alerts.smtp_security"),
    (OSError, "cannot be reached: check alerts.smtp"),
    (ValueError, "was not used, because an address is invalid: check alerts.email_to and alerts.email_from"),
)
"""The first that matches. The server's own text is left out: it may quote the message."""


class AlarmMail:
    """Sends to `alerts.email_to`; `host` names this machine to the reader. Raises ConfigError."""

    name = "e-mail"

    def __init__(
        self, settings: AlarmSettings, host: str, trust: Callable[[], ssl.SSLContext] = default_ssl_context
    ) -> None:
        self._settings = settings
        self._host = host
        self._trust = trust
        self._server = parse_server(settings.smtp)

    def send(self, change: AlarmChange, now: int) -> None:
        """`now` is epoch ms. Each step waits at most `alerts.timeout_s`. Raises AlarmError."""
        try:
            with self._connected() as server:
                if self._settings.smtp_user:
                    server.login(self._settings.smtp_user, self._settings.smtp_password)
                refused = server.send_message(compose(change, self._settings, self._host, now))
        except (smtplib.SMTPException, OSError, ValueError) as error:
            hint = next(hint for kind, hint in HINTS if isinstance(error, kind))
            raise AlarmError(f"the mail server {self._settings.smtp} {hint}") from None
        if refused:
            log.warning("the mail server refuses some of alerts.email_to", addresses=sorted(refused))

    def _connected(self) -> smtplib.SMTP:
        host, port = self._server
        timeout_s, security = self._settings.timeout_s, self._settings.smtp_security
        # Without the host smtplib would look up its own name in the DNS, which has no time limit.
        if security == "tls":
            return smtplib.SMTP_SSL(host, port, self._host, timeout=timeout_s, context=self._trust())
        server = smtplib.SMTP(host, port, self._host, timeout=timeout_s)
        if security == "starttls":
            try:
                server.starttls(context=self._trust())
            except BaseException:
                server.close()
                raise
        return server


def compose(change: AlarmChange, settings: AlarmSettings, host: str, now: int) -> EmailMessage:
    """The message; retries of it have the same Message-ID."""
    since = datetime.fromtimestamp(change.since // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    state = "still stands" if change.again else change.state
    message = EmailMessage()
    message["From"] = settings.email_from
    message["To"] = ", ".join(settings.recipients)
    message["Subject"] = f"evd on {host}: {change.name} {state}"
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, UTC))
    message["Message-ID"] = f"<{change.identity}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents automatic replies
    message.set_content(f"{change.text}\n\nalarm: {change.name} ({change.severity})\nsince: {since}\nhost:  {host}\n")
    return message


def parse_server(text: str) -> tuple[str, int]:
    """`HOST:PORT` or `[IPv6]:PORT`. Raises ConfigError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"alerts.smtp is {text!r}: use HOST:PORT, for instance mail.example.org:587")
    return host.strip("[]"), int(port)
