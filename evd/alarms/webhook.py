"""An alarm as a signed POST of JSON, in the form of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson

from evd.alarms.state import AlarmChange
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError, HttpError
from evd.net.client.base_url import origin_of, parse_base_url
from evd.net.client.http import HttpClient
from evd.net.client.signature import Signer

ANSWER_MAX = 65_536
"""Bytes; the answer's body is ignored."""


class AlarmWebhook:
    """Posts to `alerts.webhook`; `host` names this machine to the reader. Raises ConfigError."""

    name = "webhook"

    def __init__(self, settings: AlarmSettings, host: str) -> None:
        try:
            parts = urlsplit(settings.webhook)
        except ValueError:
            raise ConfigError("alerts.webhook is not an address: use https://HOST[:PORT]/PATH") from None
        try:
            parse_base_url(f"{parts.scheme}://{parts.netloc}")  # the path and the query are often the receiver's secret
        except ConfigError as error:
            raise ConfigError(f"alerts.webhook: {error}") from None
        self._url = settings.webhook
        self._signer = Signer(secret, setting="alerts.webhook_secret") if (secret := settings.webhook_secret) else None
        self._host = host
        self._http = HttpClient(connections_max=1, timeout_s=settings.timeout_s, body_max=ANSWER_MAX)

    async def send(self, change: AlarmChange, now: int) -> None:
        """`now` (epoch ms) is part of the signature. Raises AlarmError."""
        body = orjson.dumps(document(change, self._host))
        try:
            answer = await self._http.deliver(self._url, self._headers(change, now, body), body)
        except HttpError as error:
            raise AlarmError(f"alerts.webhook: {error}") from None
        if not 200 <= answer.status < 300:
            raise AlarmError(f"alerts.webhook: {origin_of(self._url)} answered {answer.status}: check its log")

    async def aclose(self) -> None:
        await self._http.aclose()

    def _headers(self, change: AlarmChange, now: int, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "webhook-id": change.identity}
        headers["webhook-timestamp"] = str(now // 1000)
        if self._signer:
            headers["webhook-signature"] = self._signer.sign(change.identity, now // 1000, body)
        return headers


def document(change: AlarmChange, host: str) -> dict[str, Any]:
    """`since` is epoch ms; `again`: a repetition."""
    return {
        "alarm": change.name,
        "state": change.state,
        "severity": change.severity,
        "since": change.since,
        "again": change.again,
        "text": change.text,
        "host": host,
    }
