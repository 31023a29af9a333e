"""The ways to the operator, as [alerts] sets them up."""

from __future__ import annotations

import pytest

from evd.alarms.senders import senders
from evd.config.alarm_settings import AlarmSettings


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"webhook": "https://a.example/x"}, ["webhook"]),
        (
            {
                "notify": "ntfy://a/b json://c",
                "email_to": "a@b.example",
                "smtp": "b.example:25",
                "webhook": "https://a/x",
            },
            ["webhook", "e-mail", "ntfy", "json"],
        ),
    ],
)
async def test_each_setting_is_a_way(settings: dict[str, str], names: list[str]) -> None:
    found = senders(AlarmSettings(**settings), "vm1")
    assert [one.name for one in found] == names
    for one in found:
        await one.aclose()
