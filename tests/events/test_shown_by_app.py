"""Which events an app shows by itself when it gets the status."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import NOW

from evd.config.settings import Config
from evd.daemon.wiring import shown_by_app
from evd.errors import ConfigError
from evd.events.samples import Event


@pytest.mark.parametrize(
    ("settings", "details", "clients"),
    [
        ({}, {"charge": 80, "target": 80}, ("original",)),
        ({}, {"charge": 80.4, "target": 80}, ("original",)),
        ({"app": {"whole_numbers": False}}, {"charge": 80.4, "target": 80}, ()),
        ({"events": {"shown_by_original": []}}, {"charge": 80, "target": 80}, ()),
        ({"events": {"shown_by_v1": ["target_reached"]}}, {"charge": 80, "target": 80}, ("original", "v1")),
    ],
)
def test_which_apps_show_an_event_themselves_is_set(
    settings: dict[str, Any], details: dict[str, Any], clients: tuple[str, ...]
) -> None:
    shown = shown_by_app(msgspec.convert(settings, Config))
    assert shown(Event("target_reached", NOW, details)) == clients
    assert shown(Event("charge_low", NOW, details)) == ()


def test_a_kind_that_no_app_shows_itself_is_refused_with_a_sentence() -> None:
    with pytest.raises(ConfigError, match="no app shows 'left' by itself: use one of target_reached, or none"):
        shown_by_app(msgspec.convert({"events": {"shown_by_v1": ["left"]}}, Config))
