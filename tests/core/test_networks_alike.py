"""Forms of one IPv4 address inside IPv6: compared as that address, and trusted as none."""

from __future__ import annotations

import pytest

from mfa_gate.core.networks import client_address, lies_in, network_of, parse_networks
from mfa_gate.core.rules import FreshnessRules, IPChangeRules, Rules

FOLDED = (
    "::ffff:{}",
    "64:ff9b::{}",
    "::{}",
    "::ffff:0:{}",
)


@pytest.mark.parametrize("form", FOLDED)
def test_an_embedded_address_is_the_address(form: str) -> None:
    """An IPv4 address that is embedded in IPv6 counts as the IPv4 address.

    A change of the IPv4 address behind a translator asks again. A person is at one place by IPv4 and through
    it.
    """
    one, other = form.format("203.0.113.7"), form.format("203.0.113.8")
    assert network_of(one, 32, 64) == "203.0.113.7"
    assert network_of(one, 32, 64) != network_of(other, 32, 64)
    assert network_of(one, 24, 64) == network_of(other, 24, 64) == "203.0.113.0/24"


def test_a_tunnel_has_a_place_for_each_of_its_ends() -> None:
    """A Teredo tunnel has the place of its client.

    Teredo keeps the client's address inverted in the last 32 bits. The first 64 bits are the server's alone.
    """
    one, other = "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:0:4136:e378:8000:63bf:3fff:fdd3"
    assert network_of(one, 32, 64) == "192.0.2.45"
    assert network_of(other, 32, 64) == "192.0.2.44"


def test_a_translators_own_prefix_is_compared_whole() -> None:
    """An address in ``64:ff9b:1::/48`` is compared whole.

    The operator chooses the position of the embedded address in it (RFC 8215), so no part is left out.
    """
    one, other = "64:ff9b:1::cb00:7107", "64:ff9b:1::cb00:7108"
    assert network_of(one, 32, 64) == one
    assert network_of(other, 32, 64) == other


@pytest.mark.parametrize(
    "address", ["::", "::1", "2002:cb00:7107::1", "2001:db8::1", "2001:db8:0:1::1", "fe80::1%eth0"]
)
def test_other_addresses_keep_their_prefix(address: str) -> None:
    """Other IPv6 addresses keep their prefix.

    These are ``::`` and ``::1``, which embed no address, 6to4, whose /64 names the IPv4 address already, and
    ordinary ones.
    """
    assert ":" in network_of(address, 32, 64)
    assert network_of("2002:cb00:7107::1", 32, 64) != network_of("2002:cb00:7108::1", 32, 64)


@pytest.mark.parametrize("form", FOLDED[1:])
def test_a_proxy_is_none_in_disguise(form: str) -> None:
    """Only the address of the socket itself, or its mapped form, makes a peer a proxy.

    The other embedded forms of a proxy's address are no proxy.
    """
    proxies = parse_networks(["10.0.0.5/32"])
    assert lies_in("::ffff:10.0.0.5", proxies)
    assert not lies_in(form.format("10.0.0.5"), proxies)
    assert client_address(form.format("10.0.0.5"), ["198.51.100.1"], proxies) == form.format("10.0.0.5")


def test_a_named_network_counts_through_the_well_known_prefix() -> None:
    """A person in the office's network is in the office also through its translator.

    A tunnel's own claim puts nobody there.
    """
    office = parse_networks(["203.0.113.0/24"])
    rules = Rules(freshness=FreshnessRules(ip_change=IPChangeRules(trusted=("office",))), networks={"office": office})
    assert rules.network_of("203.0.113.7") == "=office"
    assert rules.network_of("64:ff9b::203.0.113.7") == "=office"
    assert rules.network_of("::203.0.113.7") == "203.0.113.7"
    assert rules.network_of("2001:0:4136:e378:8000:63bf:34ff:8ef8") == "203.0.113.7"
