"""Which settings a reload changes in a running evd, and which part of it takes them; all others need a restart.

A row is a setting, or a whole section as `section.*`. A setting is live if its part reads it at each use or can be
given a new one: nothing that sizes a queue, lays out the database or opens a provider is.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from evd.config.limits import CHOICES
from evd.config.settings import Config

Part = Literal["certificate", "log", "alarms", "answers", "admission", "proxies", "timeouts"]

LIVE: dict[str, Part] = {
    "server.tls_cert": "certificate",
    "server.tls_key": "certificate",
    "server.trusted_proxies": "proxies",
    "server.strangers_per_address": "admission",
    "server.strangers_bytes_max": "admission",
    "server.unfinished_bytes_max": "admission",
    "server.head_timeout_s": "timeouts",
    "server.body_timeout_s": "timeouts",
    "server.write_timeout_s": "timeouts",
    "server.tls_hello_timeout_s": "timeouts",
    "server.idle_timeout_s": "timeouts",
    "app.range_lasts_s": "answers",
    "app.stream_fleet_max": "answers",
    "app.stream_vehicles_max": "answers",
    "app.stream_replay_max": "answers",
    "app.stream_heartbeat_s": "answers",
    "app.stream_lasts_s": "answers",
    "app.user_requests_at_once": "answers",
    "app.user_requests_per_s": "answers",
    "app.key_requests_at_once": "answers",
    "app.key_requests_per_s": "answers",
    "sigfox.downlink_expires_s": "answers",
    "log.level": "log",
    "alerts.*": "alarms",
}


class Difference(NamedTuple):
    """A setting that differs; `part` takes it, None: it needs a restart."""

    setting: str
    before: Any
    after: Any
    part: Part | None

    @property
    def shown(self) -> str:
        """As text. Numbers, switches and choices have their values; anything else might hold a secret."""
        plain = all(isinstance(one, bool | int | float) for one in (self.before, self.after))
        if plain or self.setting in dict(CHOICES):
            return f"{self.setting}: {_text(self.before)} → {_text(self.after)}"
        return self.setting


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def differences(before: Config, after: Config) -> list[Difference]:
    """In the order of the settings; all payload formats together are one setting, `formats`."""
    found = []
    for section in Config.__struct_fields__:
        old, new = getattr(before, section), getattr(after, section)
        if old == new:
            continue
        if not isinstance(old, msgspec.Struct):
            found.append(Difference(section, old, new, None))
            continue
        for key in old.__struct_fields__:
            setting, values = f"{section}.{key}", (getattr(old, key), getattr(new, key))
            if values[0] != values[1]:
                found.append(Difference(setting, *values, _part(setting, before, after)))
    return found


def _part(setting: str, before: Config, after: Config) -> Part | None:
    part = LIVE.get(setting) or LIVE.get(f"{setting.partition('.')[0]}.*")
    if part == "certificate" and bool(before.server.tls_cert) != bool(after.server.tls_cert):
        return None  # an address changes between http and https at a start only
    return part


def taken(before: Config, found: list[Difference]) -> Config:
    """`before` with the live ones of the differences: what evd goes by after a reload."""
    for one in found:
        if one.part is not None:
            section, _, key = one.setting.partition(".")
            changed = msgspec.structs.replace(getattr(before, section), **{key: one.after})
            before = msgspec.structs.replace(before, **{section: changed})
    return before
