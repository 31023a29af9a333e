"""The settings that hold, each with where its value comes from; in a running evd a reload changes some of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from evd.config.described import SETTINGS, SettingRow
from evd.config.live import LIVE
from evd.config.loading import BUILT_IN, Loaded, Origin
from evd.config.settings import Config

HIDDEN = "(set, not shown)"
"""In place of a secret."""


class ShownSetting(TypedDict):
    """A setting, for people; a secret's value is HIDDEN."""

    path: str
    value: Any
    default: Any
    unit: str
    meaning: str
    origin: str
    """`built-in`, `file`, `credential`, `environment` or `flag`."""
    at: str
    """The origin in words: the file with its line, the variable, the flag."""
    live: bool
    """Whether a reload takes another value; all others need a restart."""


class SettingsInForce:
    """`origins` has those of settings that do not have their built-in value."""

    def __init__(self, config: Config, origins: Mapping[str, Origin]) -> None:
        self._config = config
        self._origins = dict(origins)

    def reloaded(self, config: Config, wanted: Loaded) -> None:
        """After a reload `config` holds; a setting that needs a restart keeps its value and its origin."""
        for row in SETTINGS.values():
            if value_of(row, config) == value_of(row, wanted.config):
                self._origins[row.path] = wanted.origin(row.path)
        self._config = config

    def shown(self) -> list[ShownSetting]:
        """All of them, in the order of the documentation."""
        return [shown_setting(row, self._config, self._origins.get(row.path, BUILT_IN)) for row in SETTINGS.values()]


def shown_setting(row: SettingRow, config: Config, origin: Origin) -> ShownSetting:
    return {
        "path": row.path,
        "value": shown_value(row, config),
        "default": row.default,
        "unit": row.unit,
        "meaning": row.meaning,
        "origin": origin.kind,
        "at": str(origin),
        "live": row.path in LIVE or f"{row.path.partition('.')[0]}.*" in LIVE,
    }


def shown_value(row: SettingRow, config: Config) -> Any:
    value = value_of(row, config)
    return HIDDEN if row.secret and value else value


def value_of(row: SettingRow, config: Config) -> Any:
    section, _, key = row.path.partition(".")
    return getattr(getattr(config, section), key)
