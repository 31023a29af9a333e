"""Settings as they are used: one value or several, frozen, and a contradiction is refused when they are made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from evd.config.alarm_settings import AlarmSettings
from evd.config.settings import Config, ServerSettings


@pytest.mark.parametrize(
    ("bind", "binds"), [("127.0.0.1:1", ["127.0.0.1:1"]), ([":1", "[::1]:2"], [":1", "[::1]:2"]), ([], [])]
)
def test_an_address_to_listen_at_may_stand_alone(bind: str | list[str], binds: list[str]) -> None:
    assert ServerSettings(bind=bind).binds == binds


@pytest.mark.parametrize(
    ("given", "recipients"),
    [("", []), ("me@x.org", ["me@x.org"]), (["a@x.org", "", "b@x.org"], ["a@x.org", "b@x.org"]), ([], [])],
)
def test_mails_go_to_one_or_several_and_to_nobody_without_an_address(given: Any, recipients: list[str]) -> None:
    assert AlarmSettings(email_to=given).recipients == recipients


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"push": {"ttl_s": -1}}, "push.ttl_s is -1"),
        ({"server": {"binds": "x"}}, "unknown field `binds`"),
        ({"log": {"level": 1}}, "Expected `str`"),
    ],
)
def test_settings_are_whole_or_not_made_at_all(sections: dict[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(sections, Config)
