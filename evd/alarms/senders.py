"""The ways to the operator that are set up. A library is imported only for a way that needs it."""

from __future__ import annotations

from evd.alarms.monitor import AlarmSender, InThread
from evd.config.alarm_settings import AlarmSettings


def senders(settings: AlarmSettings, host: str) -> list[AlarmSender]:
    """`host` names this machine to the operator. Raises ConfigError if a way is set up only in part."""
    found: list[AlarmSender] = []
    if settings.webhook:
        from evd.alarms.webhook import AlarmWebhook  # httpx: a tenth of a second, and 1 MiB

        found.append(AlarmWebhook(settings, host))
    if settings.recipients:
        from evd.alarms.mail import AlarmMail  # a tenth of a second, and 2 MiB

        found.append(InThread(AlarmMail(settings, host)))
    if settings.notify:
        from evd.alarms.services import services  # apprise: half a second

        found += [InThread(service) for service in services(settings, host)]
    return found
