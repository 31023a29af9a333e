"""What is wrong with settings that have the right types: each mistake is a sentence with the setting's path."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from evd.config.contradictions import contradictions
from evd.config.limits import CHOICES, RANGES
from evd.config.settings import Config


def changed(path: str, value: Any) -> Any:
    """The usual settings but for this one, which a Config itself would refuse."""
    config = Config()
    section, key = path.split(".")
    usual = {name: getattr(config, name) for name in config.__struct_fields__}
    fields = {name: getattr(usual[section], name) for name in dir(usual[section]) if not name.startswith("_")}
    return SimpleNamespace(**{**usual, section: SimpleNamespace(**{**fields, key: value})})


def test_what_holds_without_any_setting_contradicts_nothing() -> None:
    assert list(contradictions(Config())) == []


@pytest.mark.parametrize(("path", "low", "high"), RANGES)
def test_a_number_may_be_as_low_and_as_high_as_its_bounds_and_no_further(path: str, low: float, high: float) -> None:
    for value, refused in ((low, False), (high, False), (low - 1, True), (high + 1, True), (float("nan"), True)):
        sentence = f"{path} is {value}: it must be between {low} and {high}"
        assert (sentence in list(contradictions(changed(path, value)))) == refused


@pytest.mark.parametrize(("path", "choices"), CHOICES)
def test_a_choice_is_one_of_those_that_are_named(path: str, choices: tuple[str, ...]) -> None:
    assert not [one for choice in choices for one in contradictions(changed(path, choice)) if one.startswith(path)]
    (sentence,) = (one for one in contradictions(changed(path, "other")) if one.startswith(path))
    assert sentence == f"{path} is 'other': it must be one of {', '.join(choices)}"


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        ("https://cars.example.org", True),
        ("http://localhost:8080", True),
        ("https://[::1]:8443", True),
        ("https://Cars.example.org", False),
        ("https://cars.example.org/", False),
        ("cars.example.org", False),
        ("ftp://cars.example.org", False),
        ("https://cars.example.org:123456", False),
        ("https://a b", False),
        ("*", False),
        ("null", False),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(origin: str, is_one: bool) -> None:
    found = list(contradictions(changed("server.cors_origins", [origin])))
    assert (found == []) == is_one
    assert all(sentence.startswith(f"server.cors_origins has {origin!r}, which is no origin") for sentence in found)


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"server": {"tls_cert": "x"}}, "server.tls_cert and server.tls_key belong together"),
        ({"server": {"tls_key": "x"}}, "server.tls_cert and server.tls_key belong together"),
        ({"alerts": {"email_to": "me@x.org"}}, "alerts.email_to, alerts.email_from and alerts.smtp belong together"),
        ({"alerts": {"email_to": "", "smtp": "x:25"}}, "alerts.email_to, alerts.email_from and alerts.smtp belong"),
        ({"alerts": {"smtp_user": "me", "smtp_security": "none"}}, "shows smtp_password to the network"),
    ],
)
def test_settings_that_do_not_go_together_are_named(sections: dict[str, Any], sentence: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=sentence):
        msgspec.convert(sections, Config)


@pytest.mark.parametrize(
    ("tiles", "refused"),
    [
        ("", False),
        ("https://tile.example.org:8443/a/{z}/{x}/{y}.png?style=b", False),
        ("https://tile.example.org/{z}/{x}.png", True),
        ("tile.example.org/{z}/{x}/{y}.png", True),
        ("https://tile.example.org; script-src */{z}/{x}/{y}.png", True),
    ],
)
def test_tiles_come_from_one_host_which_the_console_s_policy_can_name(tiles: str, refused: bool) -> None:
    assert bool([one for one in contradictions(changed("web.tiles", tiles)) if one.startswith("web.tiles")]) == refused
