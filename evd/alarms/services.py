"""An alarm through a service that apprise knows: ntfy, Telegram, Matrix, … Sending blocks: run it in a thread."""

from __future__ import annotations

import logging
import re

import apprise

from evd.alarms.state import AlarmChange
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError
from evd.version import VERSION

SERVICES_MAX = 16
"""Addresses of `alerts.notify`; each has a task of its own."""

_STATUS = re.compile(r"error=(\d{3})\b")
_TYPES = {"critical": apprise.NotifyType.FAILURE, "warning": apprise.NotifyType.WARNING}


class AlarmService:
    """Sends to one address, which is a secret: no sentence repeats more of it than the service's name."""

    def __init__(self, url: str, settings: AlarmSettings, host: str, number: int = 1) -> None:
        """`number` tells addresses of one service apart. Raises ConfigError."""
        schema = url.partition("://")[0].lower()
        self.name = schema if number == 1 else f"{schema}-{number}"
        self._host = host
        asset = apprise.AppriseAsset(app_id="evd", app_desc=f"evd {VERSION}", app_url="", async_mode=False)
        # Its log quotes addresses; what evd says of a failure stands in AlarmError.
        logging.getLogger("apprise").propagate = False
        service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise ConfigError(
                f"alerts.notify: its address {number} of {schema[:20]!r} is none that apprise knows: "
                "write SERVICE://…, as github.com/caronc/apprise/wiki has it"
            )
        service.socket_connect_timeout = service.socket_read_timeout = settings.timeout_s / 3
        self._service = service

    def send(self, change: AlarmChange, now: int) -> None:
        """Each step waits at most a third of `alerts.timeout_s`. Raises AlarmError."""
        state = "still stands" if change.again else change.state
        kind = apprise.NotifyType.SUCCESS if change.state == "cleared" else _TYPES[change.severity]
        with apprise.LogCapture(  # type: ignore[no-untyped-call]
            level=logging.WARNING, fmt="%(message)s"
        ) as said:
            taken = self._service.notify(
                title=f"evd on {self._host}: {change.name} {state}", body=change.text, notify_type=kind
            )
            status = _STATUS.search(said.getvalue())
        if not taken:
            why = f"it answered {status[1]}" if status else "it cannot be reached, or refuses it"
            raise AlarmError(f"alerts.notify: {self.name} took no message ({why})")


def services(settings: AlarmSettings, host: str) -> list[AlarmService]:
    """One for each address. Raises ConfigError."""
    urls = settings.notify.split()
    if len(urls) > SERVICES_MAX:
        raise ConfigError(f"alerts.notify has {len(urls)} addresses: {SERVICES_MAX} at most")
    counts: dict[str, int] = {}
    found = []
    for url in urls:
        schema = url.partition("://")[0].lower()
        counts[schema] = counts.get(schema, 0) + 1
        found.append(AlarmService(url, settings, host, counts[schema]))
    return found
