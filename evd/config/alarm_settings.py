"""The settings of alarms; see evd.config.settings."""

from __future__ import annotations

from evd.config.section import Secret, Section


class AlarmSettings(Section, frozen=True):
    """Alarms for evd's operator (evd.alarms.state), and how they are delivered. Events of vehicles are `[events]`."""

    #: Addresses of services that get each alarm, as apprise writes them, with spaces between: ntfy, Telegram, Matrix,
    #: Slack, mail and a hundred more. Example: "ntfys://ntfy.sh/my-evd tgram://BOTTOKEN/CHATID"
    notify: Secret = ""
    #: An address that gets a JSON POST for each alarm that is raised or cleared. Example:
    #: "https://hooks.example.org/evd"
    webhook: str = ""
    #: Signs the POSTs to `alerts.webhook`: at least 24 bytes, in base64 after `whsec_` (standardwebhooks.com).
    webhook_secret: Secret = ""
    #: Addresses that get a mail for each alarm. Example: "me@example.org"
    email_to: str | list[str] = ""
    #: The sender of mails about alarms. Example: "evd@example.org"
    email_from: str = ""
    #: HOST:PORT of the mail server; 587 is usual for starttls, 465 for tls. Example: "mail.example.org:587"
    smtp: str = ""
    #: How the connection to the mail server is encrypted.
    smtp_security: str = "starttls"
    #: The user at the mail server, if it asks for one. Example: "evd"
    smtp_user: str = ""
    #: The password of `alerts.smtp_user`.
    smtp_password: Secret = ""
    #: How long one message about an alarm may take. Mail servers that greet slowly, to deter spam, take some 10 s.
    timeout_s: float = 30
    #: When an alarm that still stands is sent again.
    repeat_after_s: float = 86_400
    #: How long a silence of all callbacks raises an alarm, unless longer ones are usual. A parked car is silent for 6
    #: h.
    silent_after_s: float = 6 * 3600
    #: How long pushes may wait before an alarm. One that was tried several times waits up to 10 min between tries.
    push_old_after_s: float = 900
    #: Less free space raises an alarm, if it is also less than `disk_free_percent`: a small disk needs less free space.
    disk_free_mib: int = 1024
    #: Less free space than this part of the disk raises an alarm, if it is also less than `disk_free_mib`.
    disk_free_percent: float = 5.0
    #: The length of the WAL that raises an alarm: twice what evd truncates it to when no read is open.
    log_mib: int = 128
    #: How long evd's loop, and every request, may stand still before an alarm; evd's own steps take at most 50 ms.
    loop_lag_ms: float = 250
    #: Days before its certificate's end when an alarm is raised: a renewal, usual 30 days before, has failed by then.
    certificate_days: int = 21

    @property
    def recipients(self) -> list[str]:
        given = [self.email_to] if isinstance(self.email_to, str) else self.email_to
        return [one for one in given if one]
