"""Networks that count as the same place, and the peers whose address is believed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.networks import (
    UNIX,
    UNKNOWN,
    Proxy,
    client_address,
    lies_in,
    network_of,
    parse_address,
    parse_networks,
    read_address,
)

PROXIES = parse_networks(["10.0.0.0/8", "2001:db8:ffff::/48"])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:c633:6407", "198.51.100.7"),
        ("::1.1.1.1", "1.1.1.1"),
        ("64:ff9b::1.1.1.1", "1.1.1.1"),
        ("64:ff9b::0.1.1.1", "64:ff9b::1:101"),
        ("fe80::1%eth0", "fe80::1"),
        ("fe80::1%25eth0", "fe80::1"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("", None),
        ("unknown", None),
        ("testclient", None),
        ("198.51.100.7:443", None),
        ("[2001:db8::1]", None),
        ("198.51.100.07", None),
        ("198.51.100", None),
        (" 198.51.100.7", None),
        ("3325256711", None),
        ("0xc6.51.100.7", None),
        ("١٩٨.51.100.7", None),
        ("%", None),
        ("\x00", None),
        ("1" * 65, None),
        ("a" * 100_000, None),
    ],
)
def test_addresses_are_parsed(text: str, address: str | None) -> None:
    """A mapped address is unfolded, and its zone is dropped.

    S-110. A text that is no address gives none.
    """
    assert parse_address(text) == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.7", True),
        ("198.51.100.7", "198.51.100.8", False),
        ("198.51.100.7", "::ffff:198.51.100.7", True),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_the_same_place(one: str, other: str, same: bool) -> None:
    """D-5, S-110: an IPv4 address is its own place, an IPv6 place is a /64."""
    assert (network_of(one, 32, 64) == network_of(other, 32, 64)) is same


def test_prefixes_are_policy() -> None:
    """Both prefix lengths are taken from the policy, from everything to a single address."""
    assert network_of("198.51.100.7", 24, 64) == "198.51.100.0/24"
    assert network_of("198.51.100.7", 0, 64) == "0.0.0.0/0"
    assert network_of("2001:db8::7", 32, 48) == "2001:db8::/48"
    assert network_of("2001:db8::7", 32, 128) == "2001:db8::7"


@given(st.text(max_size=80))
def test_any_text_has_a_network_or_none(text: str) -> None:
    """Any text has a network or an unknown one, and raises no error.

    S-110. A text that is no address has the unknown network.
    """
    network = network_of(text, 32, 64)
    assert (network == UNKNOWN) is (parse_address(text) is None)


@given(st.ip_addresses(v=4), st.ip_addresses(v=6), st.integers(0, 32), st.integers(0, 128))
def test_a_place_holds_its_address(four: IPv4Address, six: IPv6Address, v4: int, v6: int) -> None:
    """An address lies in its own network.

    The network's text reads as a network again, for any IPv4 and IPv6 prefix.
    """
    for address in (four, six):
        network = network_of(str(address), v4, v6)
        if address.version == 6 and parse_address(str(address)) != address:
            continue
        text = network if "/" in network else f"{network}/{address.max_prefixlen}"
        assert lies_in(str(address), parse_networks([text]))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", ["198.51.100.7"], "203.0.113.5"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7", "10.2.2.2,2001:db8:ffff::1"], "198.51.100.7"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", ["198.51.100.7, unknown"], UNKNOWN),
        ("10.1.1.1", ["unknown, 198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["198.51.100.7, 10.2.2.2, "], UNKNOWN),
        ("10.1.1.1", [""], UNKNOWN),
        ("10.1.1.1", ["198.51.100.7:8080"], "198.51.100.7"),
        ("10.1.1.1", ["198.51.100.7:8080, 10.2.2.2:443"], "198.51.100.7"),
        ("10.1.1.1", ["6.6.6.6, [2001:db8::1]:443"], "2001:db8::1"),
        ("10.1.1.1", ["6.6.6.6, [2001:db8::1], [2001:db8:ffff::1]:443"], "2001:db8::1"),
        ("10.1.1.1", ["2001:db8::1"], "2001:db8::1"),
        ("10.1.1.1", ["6.6.6.6, [2001:db8:ffff::1"], UNKNOWN),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7:http"], UNKNOWN),
        ("10.1.1.1", ["6.6.6.6, 198.51.100.7:8080:1"], UNKNOWN),
        ("unix:", ["198.51.100.7"], "unix:"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_forwarded_headers_from_the_right(peer: str, forwarded: list[str], client: str) -> None:
    """Forwarded headers count only from a listed proxy, and are read from the right.

    S-108, D-6. An entry that an attacker writes on the left does not count.
    """
    assert client_address(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("peer", "trusted", "client"),
    [
        ("", (UNIX,), "198.51.100.7"),
        ("", (*PROXIES, UNIX), "198.51.100.7"),
        ("", PROXIES, ""),
        ("10.1.1.1", (UNIX,), "10.1.1.1"),
        ("unix", (UNIX,), "unix"),
        ("10.1.1.1", (*PROXIES, UNIX), "198.51.100.7"),
    ],
)
def test_a_socket_without_an_address(peer: str, trusted: tuple[Proxy, ...], client: str) -> None:
    """A proxy on the same machine is trusted only under the name ``unix``.

    S-108. A peer cannot take that name.
    """
    assert client_address(peer, ["6.6.6.6, 198.51.100.7"], trusted) == client


def test_without_trusted_proxies_headers_are_ignored() -> None:
    """S-108: nothing is trusted by default."""
    assert client_address("10.1.1.1", ["198.51.100.7"], ()) == "10.1.1.1"


@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.ip_addresses(), min_size=1, max_size=3))
def test_what_the_left_says_changes_nothing(left: list[str], right: list[object]) -> None:
    """Entries to the left of the hop that our proxy saw do not change the result.

    S-108. A client can write anything there.
    """
    ours = [str(address) for address in right]
    honest = client_address("10.1.1.1", ["192.0.2.1", *ours], PROXIES)
    assert client_address("10.1.1.1", [*left, "192.0.2.1", *ours], PROXIES) == honest


@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=3))
def test_no_header_raises(peer: str, forwarded: list[str]) -> None:
    """S-110: hostile headers give an address or none, never an error."""
    found = client_address(peer, forwarded, PROXIES)
    assert found in (peer, UNKNOWN) or parse_address(found) is not None


def test_a_network_with_host_bits_is_refused() -> None:
    """A policy that names a host where a network belongs is told so."""
    with pytest.raises(ValueError, match="host bits"):
        parse_networks(["10.0.0.1/8"])


def test_versions_do_not_mix() -> None:
    """An IPv4 address never lies in an IPv6 network, and garbage lies in none."""
    assert not lies_in("10.0.0.1", parse_networks(["::/0"]))
    assert not lies_in("x", parse_networks(["0.0.0.0/0", "::/0"]))


def test_the_longest_address() -> None:
    """An address with its zone has at most 64 characters."""
    longest = "fe80::1%" + "z" * 56
    assert read_address(longest) == ip_address("fe80::1")
    assert read_address(longest + "z") is None
    assert read_address("") is None
