"""An alarm as a signed POST."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
from alarm_changes import NOW, RAISED, SECRET
from alarm_receiver import receiver

from evd.alarms.webhook import AlarmWebhook
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError


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
