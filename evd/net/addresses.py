"""Whose address a connection or a request is from.

Pure. An address is "" for the control socket. Of IPv6 a household or a server has a /64 and may come from any address
in it, so that is what is counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from evd.errors import ConfigError

FORWARDED = b"x-forwarded-for"


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
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def client(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """The network that a request is from: of what proxies say, the last address that is no proxy's."""
        if not self._networks or not self.trust(peer):
            return network_of(peer)
        said = [one.strip() for one in headers.get(FORWARDED, b"").decode("latin-1").split(",")]
        for address in reversed([one for one in said if one]):
            if not self.trust(address):
                return network_of(address)
        return network_of(peer)
