"""What is wrong with a configuration whose values have the right types: out of range, no choice, or not together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from evd.config.limits import CHOICES, RANGES

#: As browsers send it: in small letters, without the scheme's usual port and without a slash at the end.
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")

_TILES = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9{}._~/?&=@-]+")


def contradictions(config: Any) -> Iterator[str]:
    """A sentence for each, which begins with a setting's path; `config` has the sections of a Config."""
    for path, low, high in RANGES:
        section, key = path.split(".")
        value = getattr(getattr(config, section), key)
        if not low <= value <= high:
            yield f"{path} is {value}: it must be between {low} and {high}"
    for path, choices in CHOICES:
        section, key = path.split(".")
        value = getattr(getattr(config, section), key)
        if value not in choices:
            yield f"{path} is {value!r}: it must be one of {', '.join(choices)}"
    yield from _of_the_server(config)
    yield from _of_mails(config)
    yield from _of_the_console(config)


def _of_the_server(config: Any) -> Iterator[str]:
    if bool(config.server.tls_cert) != bool(config.server.tls_key):
        yield "server.tls_cert and server.tls_key belong together: set both, or neither"
    for origin in config.server.cors_origins:
        if not _ORIGIN.fullmatch(origin):
            yield (
                f"server.cors_origins has {origin!r}, which is no origin: write each as https://cars.example.org, "
                "without a path, and * not at all, because any web page could then act for its reader"
            )


def _of_mails(config: Any) -> Iterator[str]:
    alerts = config.alerts
    if len({bool(alerts.recipients), bool(alerts.email_from), bool(alerts.smtp)}) > 1:
        yield "alerts.email_to, alerts.email_from and alerts.smtp belong together: set all, or none"
    if alerts.smtp_user and alerts.smtp_security == "none":
        yield "alerts.smtp_security is 'none', which shows smtp_password to the network: use starttls"


def _of_the_console(config: Any) -> Iterator[str]:
    tiles = config.web.tiles
    if tiles and not (_TILES.fullmatch(tiles) and all(one in tiles for one in ("{z}", "{x}", "{y}"))):
        yield f"web.tiles is {tiles[:80]!r}: write it as https://tile.example.org/{{z}}/{{x}}/{{y}}.png"
