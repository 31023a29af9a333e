"""The broker's address, as `mqtt.url` has it. Pure."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from evd.errors import ConfigError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""IANA's, without TLS and with it."""


class BrokerAddress(NamedTuple):
    host: str
    port: int
    tls: bool
    user: str
    """Empty: none."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def broker_address(url: str) -> BrokerAddress:
    """Raises ConfigError, which does not quote the address: it may hold a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    surplus = parts.path.rstrip("/") or parts.query or parts.fragment
    if parts.scheme not in PORTS or not host or port == 0 or surplus:
        raise ConfigError("mqtt.url is no broker's address: write mqtt://[USER@]HOST[:PORT], or mqtts://… for TLS")
    if parts.password is not None:
        raise ConfigError("mqtt.url holds a password: write it as mqtt.password, or EVD_MQTT__PASSWORD")
    return BrokerAddress(host, port or PORTS[parts.scheme], parts.scheme == "mqtts", unquote(parts.username or ""))
