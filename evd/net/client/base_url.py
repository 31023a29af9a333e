"""Addresses of the servers to which evd sends requests. Pure."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from evd.errors import ConfigError

DEFAULT_PORTS = {"http": 80, "https": 443}


class BaseUrl(msgspec.Struct, frozen=True):
    """A server to which evd sends requests; `prefix` comes before every request's path, without a final slash."""

    scheme: str
    host: str
    port: int
    netloc: str
    prefix: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.prefix}"


def parse_base_url(base_url: str) -> BaseUrl:
    """Parse a base address. Raises ConfigError, without repeating a password, unless it is http:// or https://."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    printable = base_url.isascii() and base_url.isprintable() and " " not in base_url
    surplus = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in DEFAULT_PORTS or not host or not printable or surplus:
        raise ConfigError(
            f"{base_url.rpartition('@')[2]!r} is no base address: write http://HOST[:PORT][/PATH] or https://…, "
            "without a user, a query or a fragment."
        )
    default = DEFAULT_PORTS[parts.scheme]
    bracketed = f"[{host}]" if ":" in host else host
    netloc = bracketed if port in (None, default) else f"{bracketed}:{port}"
    return BaseUrl(parts.scheme, host, default if port is None else port, netloc, parts.path.rstrip("/"))


def origin_of(url: str) -> str:
    """Scheme, host and port: the part of an address that a log may contain; path and query may be secrets."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0].rpartition('@')[2]}"
