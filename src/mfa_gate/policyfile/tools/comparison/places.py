"""The axis of places: the address of the proof, and that of the request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import product

from ....core.networks import Network
from .pair import Pair

V4, V6 = "203.0.113.1", "2001:db8::1"
"""Addresses for documentation (RFC 5737, RFC 3849), which no network of a policy should hold."""


@dataclass(frozen=True, slots=True)
class Place:
    """The address at which the proof was made, and the address of the request."""

    proof: str
    request: str


HERE = Place(V4, V4)


def places(pair: Pair) -> Sequence[Place]:
    """List places other than the usual one, where the policies differ in what a place is.

    A proof from another place counts for nothing. So where both call the same places the same, a request from another
    one is decided like a request without a proof.
    """
    if pair.same_places:
        return ()
    compare = [rules.freshness.ip_change.compare for rules in pair.both]
    found = [Place(V4, _flipped(V4, bits)) for bits in sorted({rules.v4 for rules in compare} | {1})]
    found += [Place(V6, _flipped(V6, bits)) for bits in sorted({rules.v6 for rules in compare} | {1})]
    for version, usual in ((4, V4), (6, V6)):
        ends = dict.fromkeys(end for network in _trusted(pair, version) for end in _ends(network))
        found += [Place(proof, request) for proof, request in product((*ends, usual), ends) if proof != request]
    return tuple(dict.fromkeys(found))


def _ends(network: Network) -> Iterator[str]:
    """List the first and the last address of ``network``, and the ones beside them."""
    for address, step in ((network[0], -1), (network[-1], 1)):
        yield str(address)
        if 0 <= int(address) + step < 1 << network.max_prefixlen:
            yield str(address + step)


def _trusted(pair: Pair, version: int) -> Sequence[Network]:
    """List the networks that either side trusts, the ones that only one side trusts first."""
    sides = [
        {network for name in rules.freshness.ip_change.trusted for network in rules.networks.get(name, ())}
        for rules in pair.both
    ]
    trusted = [network for network in sides[0] | sides[1] if network.version == version]
    return sorted(trusted, key=lambda network: (network in sides[0] & sides[1], str(network)))


def _flipped(address: str, bits: int) -> str:
    """Change the last of the first ``bits`` bits.

    Networks of this length tell the two addresses apart.
    """
    found = ip_address(address)
    return str(type(found)(int(found) ^ 1 << found.max_prefixlen - bits))
