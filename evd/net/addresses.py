"""Whose address a connection or a request is from.

Pure. An address is "" for the control socket. Of IPv6 a household or a server has a /64 and may come from any address
in it, so that is what is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from evd.errors import ConfigError

FORWARDED = b"forwarded"
X_FORWARDED_FOR = b"x-forwarded-for"

_with_port = re.compile(r"\[([^\]]*)\](?::[\w.-]+)?|([^:]*):[\w.-]+")
"""`[IPv6]`, with or without a port, or `IPv4:port`; a port may be an obfuscated one (RFC 7239 §6)."""

_token = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105
_pair = re.compile(rf'[ \t]*(?:({_token})=(?:({_token})|"((?:[^"\\]|\\.)*)")[ \t]*)?([;,]|\Z)')
"""One parameter of a Forwarded, or none, and what ends it (RFC 7239 §4)."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The address itself, or of IPv6 its /64, as text."""
    address = address.removeprefix("::ffff:")
    if ":" not in address:
        return address
    try:
        return f"{IPv6Address((int(IPv6Address(address.partition('%')[0])) >> 64) << 64)}/64"
    except ValueError:
        return address


class Proxies:
    """The proxies of `server.trusted_proxies`: what comes through them is from whom they say. Raises ConfigError."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        try:
            self._networks = [ip_network(one, strict=False) for one in trusted]
        except ValueError as error:
            raise ConfigError(f"server.trusted_proxies: {error}; name addresses or networks, as 10.0.0.0/8") from None

    def trust(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """The address that a request is from: of what proxies say, the last one that is no proxy's.

        `headers` have lower-case names, the values of a repeated one joined by commas. Each hop adds the address it was
        asked from behind what it was given, so only what trusted ones added is believed: from the right, up to the
        first address that is not trusted. Where a hop does not say from whom (`unknown`, `_hidden`), or what it says
        cannot be read, the request is from that hop. A proxy may write one of `Forwarded` and `X-Forwarded-For` and
        pass the other on as a client made it up: where the two differ, neither is believed.
        """
        if not self._networks or not self.trust(peer):
            return peer
        said = {self._last_hop(peer, nodes) for nodes in _chains(headers)}
        return said.pop() if len(said) == 1 else peer

    def _last_hop(self, peer: str, nodes: Sequence[str]) -> str:
        hop = peer
        for node in reversed(nodes):
            address = _parsed(_host(node))
            if address is None:
                break
            hop = str(address)
            if not self.trust(hop):
                break
        return hop


def _chains(headers: Mapping[bytes, bytes]) -> list[list[str]]:
    """What each of the two headers says of the hops, the nearest last."""
    chains = []
    if X_FORWARDED_FOR in headers:
        nodes = headers[X_FORWARDED_FOR].decode("latin-1").split(",")
        chains.append([node for node in nodes if node.strip(" \t")])
    if FORWARDED in headers:
        chains.append(_forwarded_for(headers[FORWARDED].decode("latin-1")))
    return chains


def _forwarded_for(text: str) -> list[str]:
    """The `for` of each element of a Forwarded, "" where it has none; nothing of one that is malformed."""
    nodes: list[str] = []
    node: str | None = None
    at = 0
    while (pair := _pair.match(text, at)) is not None:
        name, token, quoted, end = pair.groups()
        if name is not None:
            node = node or ""
            if name.lower() == "for":
                node = token or re.sub(r"\\(.)", r"\1", quoted)
        if end != ";" and node is not None:
            nodes.append(node)
            node = None
        if not end:
            return nodes
        at = pair.end()
    return []


def _host(node: str) -> str:
    """Without its port and brackets."""
    node = node.strip(" \t")
    split = None if node.count(":") > 1 and node[0] != "[" else _with_port.fullmatch(node)
    return (split[1] or split[2] or "") if split else node


@lru_cache(maxsize=4096)
def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
