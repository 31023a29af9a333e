"""Addresses of webhooks: which are allowed, and what of an address may be shown."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from evd.errors import BadRequest

ADDRESS_MAX = 2048
"""Characters; common servers accept four times as much in a request's first line."""

_PRIVATE = [
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]
_PRIVATE_NAMES = (".local", ".home.arpa", ".internal", ".lan")
_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?|[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)


def checked_address(text: str, *, private: bool = False) -> str:
    """The address unchanged, if evd posts to it: https, or http to this machine, without a password; with `private`
    also http to an address or a name of the private network.

    Raises BadRequest, which does not quote the address: it may contain a secret.
    """
    if not 1 <= len(text) <= ADDRESS_MAX or re.search(r"[^!-~]|[\"<>\\^`{|}]", text):
        raise BadRequest(f"a webhook's address has 1 to {ADDRESS_MAX} characters of ASCII and no spaces: encode others")
    parts, host = _split(text)
    if "@" in parts.netloc:
        raise BadRequest("a webhook's address must not hold a user or a password: the receiver checks evd's signature")
    if not _HOST.fullmatch(host):
        raise BadRequest("a webhook's address needs a host: write https://HOST/PATH")
    if parts.fragment:
        raise BadRequest("a webhook's address has no #fragment: it would not be sent")
    plain = parts.scheme == "http" and (is_loopback(host) or (private and is_private(host)))
    if parts.scheme != "https" and not plain:
        raise BadRequest(
            "a webhook's address begins with https://, or with http:// and a loopback address (127.0.0.1); "
            "push.webhook_private allows http:// in the private network"
        )
    return text


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, valid or not."""
    return "://" in text


def shown_address(text: str) -> str:
    """The address without its query, which is often a key."""
    return text.partition("?")[0]


def is_loopback(host: str) -> bool:
    """Whether packets to the host never leave this machine; `localhost` by RFC 6761, section 6.3."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_private(host: str) -> bool:
    """Whether the host is in a private network: by its address, or by a name that no public DNS has (RFC 6762, 8375,
    ICANN's `internal`, a name without a dot)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.lower().endswith(_PRIVATE_NAMES)
    return any(address in network for network in _PRIVATE if network.version == address.version)


def _split(text: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(text)
        if parts.port == 0:
            raise ValueError("port 0")
        return parts, parts.hostname or ""
    except ValueError:
        raise BadRequest(
            "a webhook's address has a host or a port that is none: write https://HOST:PORT/PATH"
        ) from None
