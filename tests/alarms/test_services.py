"""An alarm through apprise: ntfy's plugin in front of a server of this machine; no sentence shows an address."""

from __future__ import annotations

import json
import logging

import pytest
from alarm_changes import NOW, RAISED
from alarm_receiver import receiver

from evd.alarms.senders import senders
from evd.alarms.services import SERVICES_MAX, services
from evd.config.alarm_settings import AlarmSettings
from evd.errors import AlarmError, ConfigError


def of(url: str) -> str:
    """ntfy's address of a server."""
    return f"{url.replace('http', 'ntfy')}/secret-topic"


async def test_a_service_gets_the_alarm() -> None:
    with receiver(200) as server:
        (way,) = senders(AlarmSettings(notify=of(server.url)), "vm1")
        await way.send(RAISED, NOW)
        await way.aclose()
        ((_, _, body),) = server.wait_for(1)
    posted = json.loads(body)
    assert (way.name, posted["topic"]) == ("ntfy", "secret-topic")
    assert (posted["title"], posted["message"]) == ("evd on vm1: disk_low raised", "the disk – has 3 MiB left")


@pytest.mark.parametrize(("answer", "said"), [(403, r"it answered 403"), (None, "it cannot be reached")])
def test_a_service_that_does_not_take_it_is_named_without_its_address(
    answer: int | None, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    logged: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.getLogger(), "handlers", [everything := logging.Handler(logging.DEBUG)])
    monkeypatch.setattr(everything, "emit", logged.append)
    with receiver(answer or 200) as server:
        url = of(server.url if answer else "http://127.0.0.1:1")
        (service,) = services(AlarmSettings(notify=url), "vm1")
        with pytest.raises(AlarmError, match=f"ntfy took no message .{said}") as caught:
            service.send(RAISED, NOW)
    assert [record for record in logged if record.name == "apprise"] == []
    assert not any("secret-topic" in text for text in (str(caught.value), *capfd.readouterr()))


def test_several_addresses_are_ways_with_names_of_their_own() -> None:
    found = services(AlarmSettings(notify="ntfy://a/b ntfy://c/d json://e"), "vm1")
    assert [one.name for one in found] == ["ntfy", "ntfy-2", "json"]


@pytest.mark.parametrize(
    ("notify", "said"),
    [("nothing://secret", "none that apprise knows"), ("ntfy://a/b " * (SERVICES_MAX + 1), "17 addresses")],
)
def test_a_wrong_address_is_refused_at_the_start(notify: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        services(AlarmSettings(notify=notify), "vm1")
    assert "secret" not in str(refused.value)
