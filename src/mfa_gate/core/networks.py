"""What counts as "the same place": addresses, prefixes, and the client's address behind trusted proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal

UNKNOWN = ""
"""The network of a connection whose address is missing or cannot be read: never the same as any other, nor as itself."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
UNIX: Final = "unix"
"""The peer of a socket that has no address: a proxy on the same machine."""
Proxy = Network | Literal["unix"]

_BRACKETED = re.compile(r"\[([^\]]*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([^:]*):\d{1,5}")


def parse_address(text: str) -> Address | None:
    """The address in ``text`` with IPv4-mapped forms unfolded and zone ids dropped, or None where there is none."""
    if not text or len(text) > 64:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def network_of(text: str, v4: int, v6: int) -> str:
    """The network, as text, that ``text`` lies in under the two prefix lengths; ``UNKNOWN`` where it cannot be told."""
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    prefix = v4 if isinstance(address, IPv4Address) else v6
    network = ip_network((address, prefix), strict=False)
    return str(network.network_address) if prefix == network.max_prefixlen else str(network)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks named in ``texts`` (host bits must be zero). Raises ``ValueError`` naming the first that is none."""
    return tuple(ip_network(text, strict=True) for text in texts)


def lies_in(text: str, networks: Sequence[Network]) -> bool:
    """Whether the address ``text`` lies in one of ``networks``."""
    address = parse_address(text)
    return address is not None and any(address.version == n.version and address in n for n in networks)


def is_proxy(peer: str, proxies: Sequence[Proxy]) -> bool:
    """Say whether the socket's peer is one of ``proxies``; "" is a peer without an address."""
    if not peer:
        return UNIX in proxies
    return lies_in(peer, _networks(proxies))


def _networks(proxies: Sequence[Proxy]) -> tuple[Network, ...]:
    return tuple(proxy for proxy in proxies if not isinstance(proxy, str))


def hop_address(text: str) -> str:
    """Cut the port and the brackets of IPv6 off one entry of ``X-Forwarded-For``."""
    hop = text.strip()
    found = _BRACKETED.fullmatch(hop) or _WITH_PORT.fullmatch(hop)
    return found[1] if found else hop


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Proxy]) -> str:
    """The client's address: the socket's peer, or behind listed proxies the rightmost hop that is not one of them.

    ``forwarded_for`` are the values of the ``X-Forwarded-For`` headers in their order. They are read only when ``peer``
    itself is trusted, from the right. An entry that is not an address makes the client unknown. When every hop is
    trusted the rightmost counts: our own proxy wrote it, while the leftmost may be the client's invention.
    """
    if not trusted or not forwarded_for or not is_proxy(peer, trusted):
        return peer
    networks = _networks(trusted)
    hops = [hop_address(hop) for value in forwarded_for for hop in value.split(",")]
    for hop in reversed(hops):
        if parse_address(hop) is None:
            return UNKNOWN
        if not lies_in(hop, networks):
            return hop
    return hops[-1]
