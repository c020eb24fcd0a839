"""``Forwarded`` (RFC 7239) and headers with one address are read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.forwarded import forwarded_address, named_address
from mfa_gate.core.networks import UNIX, UNKNOWN, Proxy, parse_networks

PROXIES: tuple[Proxy, ...] = (*parse_networks(["10.0.0.0/29", "2001:db8:1::/64"]), UNIX)


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["for=198.51.100.7"], "198.51.100.7"),
        (["For=198.51.100.7"], "198.51.100.7"),
        (["FOR=198.51.100.7;Proto=https;by=203.0.113.43"], "198.51.100.7"),
        (["proto=https;for=198.51.100.7"], "198.51.100.7"),
        (["for=198.51.100.7 ; proto=https"], "198.51.100.7"),
        (['for="198.51.100.7:4711"'], "198.51.100.7"),
        (['for="198.51.100.7:_port"'], "198.51.100.7"),
        (['for="[2001:db8:cafe::17]"'], "2001:db8:cafe::17"),
        (['for="[2001:db8:cafe::17]:4711"'], "2001:db8:cafe::17"),
        (['for="198.51.100\\.7"'], "198.51.100.7"),
        (["for=6.6.6.6, for=198.51.100.7"], "198.51.100.7"),
        (["for=6.6.6.6", "for=198.51.100.7"], "198.51.100.7"),
        (["for=6.6.6.6, for=198.51.100.7", "for=10.0.0.2"], "198.51.100.7"),
        (['for=198.51.100.7, for="[2001:db8:1::5]:80";by=_us'], "198.51.100.7"),
        (["for=10.0.0.3, for=10.0.0.2"], "10.0.0.2"),
        (['for="_a";ext="a,b;for=6.6.6.6", for=198.51.100.7'], "198.51.100.7"),
        # Who hid the address told none.
        (["for=unknown"], UNKNOWN),
        (["for=_hidden"], UNKNOWN),
        (['for="_gazonk:80"'], UNKNOWN),
        (["for=198.51.100.7, for=unknown"], UNKNOWN),
        (["for=198.51.100.7, proto=https"], UNKNOWN),
        (["for=198.51.100.7, for=_x, for=10.0.0.2"], UNKNOWN),
        (["proto=https"], UNKNOWN),
        ([], UNKNOWN),
        # What is not in the form is not guessed at.
        ([""], UNKNOWN),
        ([","], UNKNOWN),
        ([";"], UNKNOWN),
        (["for="], UNKNOWN),
        (["for"], UNKNOWN),
        (["for =198.51.100.7"], UNKNOWN),
        (["for= 198.51.100.7"], UNKNOWN),
        (["for=198.51.100.7,"], UNKNOWN),
        (["for=198.51.100.7;"], UNKNOWN),
        ([",for=198.51.100.7"], UNKNOWN),
        (["for=198.51.100.7 for=10.0.0.2"], UNKNOWN),
        (["for=198.51.100.7;for=198.51.100.8"], UNKNOWN),
        (["for=198.51.100.7;For=198.51.100.7"], UNKNOWN),
        (["for=198.51.100.7;proto=http;proto=https"], UNKNOWN),
        (["for=198.51.100.7:80"], UNKNOWN),
        (["for=[2001:db8::1]"], UNKNOWN),
        (["for=2001:db8::1"], UNKNOWN),
        (['for="2001:db8::1"'], UNKNOWN),
        (['for="[198.51.100.7"'], UNKNOWN),
        (['for="[2001:db8::1%eth0]"'], UNKNOWN),
        (['for="198.51.100.7:123456"'], UNKNOWN),
        (['for="198.51.100.7'], UNKNOWN),
        (['for="198.51.100.7"x'], UNKNOWN),
        (['for="198.51.100.7\\'], UNKNOWN),
        (["for='198.51.100.7'"], UNKNOWN),
        (["for=0xC6336407"], UNKNOWN),
        (["for=198.51.100.07"], UNKNOWN),
        (["for=198.51.100.7\x00"], UNKNOWN),
        (["for=198.51.100.7\r\nfor=6.6.6.6"], UNKNOWN),
        (["198.51.100.7"], UNKNOWN),
        (["for=198.51.100.7", 'x="'], UNKNOWN),
        (['x="', "for=198.51.100.7"], UNKNOWN),
    ],
)
def test_forwarded(values: list[str], client: str) -> None:
    """The client is the rightmost hop that is no proxy of ours."""
    assert forwarded_address("10.0.0.1", values, PROXIES) == client
    assert forwarded_address("", values, PROXIES) == client


@pytest.mark.parametrize("values", [["for=6.6.6.6"], ['for="'], []])
@pytest.mark.parametrize("peer", ["198.51.100.7", "10.0.0.8", "2001:db8::1", "::ffff:198.51.100.7"])
def test_a_client_tells_nothing_about_itself(peer: str, values: list[str]) -> None:
    """A peer that is no proxy of ours is the client, whatever it writes."""
    assert forwarded_address(peer, values, PROXIES) == peer
    assert named_address(peer, ["6.6.6.6"] * len(values), PROXIES) == peer


APPENDED = (
    "for=198.51.100.7",
    'for="198.51.100.7:99";by="_a"',
    'for="198.51.100.7";proto="https"',
    "by=_us;for=198.51.100.7",
)


@given(
    written=st.text(alphabet='for=;," \\_[]:.0123456789abx\t', max_size=40),
    appended=st.sampled_from(APPENDED),
    one=st.booleans(),
)
def test_what_a_client_writes_before_never_names_another(written: str, appended: str, one: bool) -> None:
    """The client is the one in the proxy's own element, or unknown.

    The proxy appends that element to the client's header, or sends a header of its own.
    """
    values = [f"{written}, {appended}"] if one else [written, appended]
    assert forwarded_address("10.0.0.1", values, PROXIES) in ("198.51.100.7", UNKNOWN)


@pytest.mark.parametrize(
    ("values", "client"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        ([" 198.51.100.7 "], "198.51.100.7"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["2001:db8::1"], "2001:db8::1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        ([], UNKNOWN),
        ([""], UNKNOWN),
        (["198.51.100.7, 198.51.100.8"], UNKNOWN),
        (["198.51.100.7", "198.51.100.7"], UNKNOWN),
        (["198.51.100.7", ""], UNKNOWN),
        (["client.example"], UNKNOWN),
        (["for=198.51.100.7"], UNKNOWN),
    ],
)
def test_one_address(values: list[str], client: str) -> None:
    """Exactly one header with exactly one address, or nobody knows."""
    assert named_address("10.0.0.1", values, PROXIES) == client
