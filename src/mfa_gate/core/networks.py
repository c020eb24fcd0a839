"""The meaning of "the same place": addresses, prefixes, and clients behind proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Final, Literal

UNKNOWN = ""
"""The network of a connection with no readable address. It is never the same as any network, not even as itself."""

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address
UNIX: Final = "unix"
"""The peer of a socket that has no address: a proxy on the same machine."""
Proxy = Network | Literal["unix"]


def is_everybody(networks: Iterable[Network]) -> bool:
    """Tell if networks together hold every address of IPv4, or every one of IPv6 (S-109)."""
    found = list(networks)
    four = [network for network in found if isinstance(network, IPv4Network)]
    six = [network for network in found if isinstance(network, IPv6Network)]
    wholes: list[Network] = [*collapse_addresses(four), *collapse_addresses(six)]
    return any(not whole.prefixlen for whole in wholes)


_BRACKETED = re.compile(r"\[([^\]]*)\](?::\d{1,5})?")
_WITH_PORT = re.compile(r"([^:]*):\d{1,5}")


def read_address(text: str) -> Address | None:
    """Read an address as a socket has it, or None.

    A mapped IPv4 address becomes a plain one, and a zone id is dropped.
    """
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
def full_address(text: str) -> str:
    """Return an address in full, as it is written in the trail; "" for text that is none."""
    address = read_address(text)
    return "" if address is None else str(address)


_NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix of translators (RFC 6052, 2.1)."""
_OPERATORS_NAT64 = IPv6Network("64:ff9b:1::/48")
"""The prefix for the operators' own translators. Each operator chooses the place of the IPv4 address (RFC 8215)."""
_EMBEDDED = (_NAT64, IPv6Network("::ffff:0:0:0/96"), IPv6Network("::/96"))
"""Prefixes with an IPv4 address in the last 32 bits. The others are for translated addresses (RFC 2765) and for
IPv4-compatible ones (RFC 4291)."""


def parse_address(text: str) -> Address | None:
    """Read the address whose change is a change of place, or None.

    It is the IPv4 address inside an IPv6 address, where there is one. Use it only to compare places. To decide about
    trust, use the address itself, see ``lies_in``.
    """
    address = read_address(text)
    if not isinstance(address, IPv6Address):
        return address
    if address.teredo is not None:
        return address.teredo[1]
    inner = int(address) & 0xFFFF_FFFF
    # ``::`` and ``::1`` would be read as addresses in 0.0.0.0/8, but they are addresses of their own.
    return IPv4Address(inner) if inner >> 24 and any(address in network for network in _EMBEDDED) else address


def is_place_in(text: str, networks: Sequence[Network]) -> bool:
    """Tell if ``text`` lies in one of ``networks``, without the prefix of translators."""
    address = read_address(text)
    if isinstance(address, IPv6Address) and address in _NAT64:
        address = parse_address(text)
    return address is not None and _lies_in(address, networks)


@lru_cache(maxsize=4096)
def network_of(text: str, v4: int, v6: int) -> str:
    """Return the network of an address, as text; ``UNKNOWN`` for no readable address.

    ``v4`` and ``v6`` are the two lengths of the prefix, in bits.
    """
    address = parse_address(text)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address) and address in _OPERATORS_NAT64:
        return str(address)
    prefix = v4 if isinstance(address, IPv4Address) else v6
    network = ip_network((address, prefix), strict=False)
    return str(network.network_address) if prefix == network.max_prefixlen else str(network)


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read the networks in ``texts``; host bits must be zero.

    Raises ``ValueError`` that names the first text that is no network.
    """
    return tuple(ip_network(text, strict=True) for text in texts)


def lies_in(text: str, networks: Sequence[Network]) -> bool:
    """Tell if the address ``text`` lies in one of ``networks``.

    Of an IPv4 address inside an IPv6 address, only the mapped form is read. Any other form does not make it a proxy of
    ours.
    """
    address = read_address(text)
    return address is not None and _lies_in(address, networks)


def _lies_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def is_proxy(peer: str, proxies: Sequence[Proxy]) -> bool:
    """Tell if the socket's peer is one of ``proxies``; "" is a peer without an address."""
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
    """Return the client's address: the peer, or the rightmost hop that is no trusted proxy.

    ``forwarded_for`` are the values of the ``X-Forwarded-For`` headers in their order. They are read from the right,
    and only if ``peer`` itself is trusted. An entry that is not an address makes the client unknown. If every hop is
    trusted, the rightmost one counts: our own proxy wrote it, but the client may have invented the leftmost one.
    """
    if not trusted or not forwarded_for or not is_proxy(peer, trusted):
        return peer
    return address_behind([hop_address(hop) for value in forwarded_for for hop in value.split(",")], trusted)


def address_behind(hops: Sequence[str], trusted: Sequence[Proxy]) -> str:
    """Return the rightmost of ``hops`` that is no trusted proxy.

    A hop that is no address makes the client ``UNKNOWN``, and so does a list without hops.
    """
    networks = _networks(trusted)
    for hop in reversed(hops):
        if parse_address(hop) is None:
            return UNKNOWN
        if not lies_in(hop, networks):
            return hop
    return hops[-1] if hops else UNKNOWN
