"""The client's address of a connection or a request.

Pure. The address of the control socket is "". An IPv6 client usually has a /64 and may use any address in it, so the
network is what is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from evd.errors import ConfigError

FORWARDED = b"forwarded"
X_FORWARDED_FOR = b"x-forwarded-for"
X_FORWARDED_PROTO = b"x-forwarded-proto"

_with_port = re.compile(r"\[([^\]]*)\](?::[\w.-]+)?|([^:]*):[\w.-]+")
"""`[IPv6]`, with or without a port, or `IPv4:port`; the port may be obfuscated (RFC 7239, section 6)."""

_token = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105
_pair = re.compile(rf'[ \t]*(?:({_token})=(?:({_token})|"((?:[^"\\]|\\.)*)")[ \t]*)?([;,]|\Z)')
"""One parameter of a Forwarded header, or none, and the character that ends it (RFC 7239, section 4)."""

_proto = re.compile(rb'(?i)(?:^|;)[ \t]*proto=[ \t]*"?([a-z]+)"?')
"""The scheme in an element of a Forwarded header."""


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The address itself, or the /64 of an IPv6 address, as text."""
    address = address.removeprefix("::ffff:")
    if ":" not in address:
        return address
    try:
        return f"{IPv6Address((int(IPv6Address(address.partition('%')[0])) >> 64) << 64)}/64"
    except ValueError:
        return address


class Proxies:
    """The proxies of `server.trusted_proxies`, whose headers are believed. Raises ConfigError."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        try:
            self._networks = [ip_network(one, strict=False) for one in trusted]
        except ValueError as error:
            raise ConfigError(f"server.trusted_proxies: {error}; name addresses or networks, as 10.0.0.0/8") from None

    def use(self, other: Proxies) -> None:
        """From now on these are trusted in place of the former."""
        self._networks = other._networks

    def trust(self, address: str) -> bool:
        if not self._networks:
            return False
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """The address of a request's client: the last address in the proxies' headers that is not a trusted proxy.

        `headers` have lower-case names, with the values of a repeated one joined by commas. Each hop appends the
        address that its request came from, so only the entries of trusted hops are believed: from the right, up to the
        first untrusted address. If a hop's entry hides the address (`unknown`, `_hidden`) or cannot be read, the client
        is that hop. A proxy may write one of `Forwarded` and `X-Forwarded-For` and pass the other one on as its client
        sent it: if the two differ, neither is believed.
        """
        if not self._networks or not self.trust(peer):
            return peer
        said = {self._last_hop(peer, nodes) for nodes in _chains(headers)}
        return said.pop() if len(said) == 1 else peer

    def had_tls(self, peer: str, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request came to the proxy `peer` over TLS, as a trusted proxy says; a proxy of its own may have
        written the entries before the last.
        """
        if not self.trust(peer):
            return False
        said = [value.rpartition(b",")[2].strip() for name, value in headers.items() if name == X_FORWARDED_PROTO]
        last = headers.get(FORWARDED, b"").rpartition(b",")[2]
        said += [found[1] for found in [_proto.search(last)] if found]
        return bool(said) and all(one.lower() == b"https" for one in said)

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
    """The hops in each of the two headers, the nearest last."""
    chains = []
    if X_FORWARDED_FOR in headers:
        nodes = headers[X_FORWARDED_FOR].decode("latin-1").split(",")
        chains.append([node for node in nodes if node.strip(" \t")])
    if FORWARDED in headers:
        chains.append(_forwarded_for(headers[FORWARDED].decode("latin-1")))
    return chains


def _forwarded_for(text: str) -> list[str]:
    """The `for` of each element of a Forwarded header, "" if it has none; empty if the header is malformed."""
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
    """A node without its port and brackets."""
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
