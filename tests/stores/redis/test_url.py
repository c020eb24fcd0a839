"""The parts of a Redis URL, to their bounds."""

from __future__ import annotations

import re

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.stores.redis.pipeline import connection_to
from mfa_gate.stores.redis.timing import USUAL, Timing
from mfa_gate.stores.redis.url import Place, place_of

RESERVED = "in user and password write"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://h", [("h", 6379)]),
        ("redis://h:1", [("h", 1)]),
        ("redis://h:65535", [("h", 65_535)]),
        ("redis://u@h:7", [("h", 7)]),
        ("redis://a,b:2,c", [("a", 6379), ("b", 2), ("c", 6379)]),
        ("redis://[fe80::1]:7", [("fe80::1", 7)]),
        ("redis://[fe80::1]", [("fe80::1", 6379)]),
        ("redis+sentinel://a,b:7/gate", [("a", 26379), ("b", 7)]),
        ("redis+cluster://a,b:7", [("a", 6379), ("b", 7)]),
    ],
)
def test_hosts(url: str, hosts: list[tuple[str, int]]) -> None:
    """A host without a port has the usual one of its kind."""
    assert place_of(url).hosts == tuple(hosts)


WRONG = {
    "redis://h:0": "0 is no port: write 1 to 65535",
    "redis://h:65536": "65536 is no port: write 1 to 65535",
    "redis://h:1000000": "the port '1000000' is no number: write digits",
    "redis://h:": "the port '' is no number",
    "redis://h/1234567": "the database '1234567' is no number",
    "redis://h/\u0665": "is no number",
    "redis://h?replicas=-1": "the replicas '-1' is no number",
    "redis://h?replicas=": "the replicas '' is no number",
    "redis://a,,b": "names no host: write redis://user:password@host:6379/0",
    "redis://:7": "names no host",
    "redis+sentinel://h/": "names no service: write redis+sentinel://user:password@host:26379,host:26379/service/0",
    "redis+sentinel://h/gate/1/2": "has more in its path than there is",
    "redis+sentinel://h/gate/x": "the database 'x' is no number",
    "redis+cluster://h/0": "has more in its path than there is: write redis+cluster://",
    "redis://h/0/1": "has more in its path than there is: write redis://user",
    "redis://h?tls=yes": "tls=yes is neither true nor false",
    "redis://h?durable=": "durable= is neither true nor false",
    "redis://h?durable=True": "durable=True is neither true nor false",
    "redis://h?marker=": "marker= names no file: write marker=/var/lib/app/marker",
    "redis://h?marker=/a%00b": "marker= names no file",
    "redis://h?zeta=1&alpha=2": "unknown option 'alpha'; there are durable, replicas, tls, ca, marker",
    "redis://h?x": "cannot be read as a Redis URL",
    "redis://[h": "cannot be read as a Redis URL (a host has one bracket)",
    "redis://h]:1": "cannot be read as a Redis URL (a host has one bracket)",
    "redis://h,[::1": "cannot be read as a Redis URL (a host has one bracket)",
    "odd://h": "cannot be read as a Redis URL",
}


@pytest.mark.parametrize("url", WRONG)
def test_wrong(url: str) -> None:
    """Each fault says what is wrong and what to write."""
    with pytest.raises(SettingsError, match=re.escape(WRONG[url])):
        place_of(url)


@pytest.mark.parametrize(
    ("url", "sign"),
    [
        ("redis://u:12#secret@h", "%23"),
        ("redis://u:12#@h", "%23"),
        ("redis://u:1/secret@h", "%2F"),
        ("redis://u:1?secret@h", "%3F"),
    ],
)
def test_a_password_that_ends_too_soon(url: str, sign: str) -> None:
    """Its user would be taken for the host.

    The fault shows nothing of it, and says how to write the sign.
    """
    with pytest.raises(SettingsError, match=sign) as caught:
        place_of(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("redis://h", False),
        ("rediss://h", True),
        ("redis://h?tls=true", True),
        ("redis://h?tls=false", False),
        ("rediss://h?tls=false", True),
        ("redis+cluster://h?tls=true", True),
    ],
)
def test_tls(url: str, tls: bool) -> None:
    """The kind or an option asks for TLS."""
    assert place_of(url).tls is tls


def test_options_win_over_parameters() -> None:
    """The URL is what an operator writes; a parameter is the code's default."""
    place = place_of("redis://h", replicas=2, durable=False)
    assert (place.replicas, place.durable) == (2, False)
    place = place_of("redis://h?replicas=1&durable=true", replicas=2, durable=False)
    assert (place.replicas, place.durable) == (1, True)
    place = place_of("redis://h?durable=false")
    assert (place.replicas, place.durable) == (0, False)
    assert place_of("redis://h").durable
    assert place_of("redis://h") == Place(kind="single", hosts=(("h", 6379),), shown="redis://h")


def test_a_path() -> None:
    """A Sentinel's service comes first, then the database; both are unquoted."""
    place = place_of("redis+sentinel://h/my%20gate/3")
    assert (place.service, place.database) == ("my gate", 3)
    assert (place_of("redis://h//5").database, place_of("redis://h/").database) == (5, 0)


@pytest.mark.parametrize(
    ("url", "signs_in", "found"),
    [
        ("redis://us%40er:p%3Aw@h:7/3", True, ("us@er", "p:w", 3)),
        ("redis://h:7", True, (None, None, 0)),
        ("redis://:pw@h:7/2", True, (None, "pw", 2)),
        ("redis+sentinel://u:p@h/gate/3", False, (None, None, 0)),
    ],
)
def test_a_connection(url: str, signs_in: bool, found: tuple[object, ...]) -> None:
    """It signs in as the URL says, and not at a Sentinel.

    It never waits for a reply by a time of its own.
    """
    place = place_of(url)
    made = connection_to(place, ("other", 9), signs_in=signs_in)
    assert (made.username, made.password, made.db) == found
    assert (made.host, made.port, made.protocol) == ("other", 9, 2)
    assert (made.socket_timeout, made.socket_connect_timeout) == (None, USUAL.connect_within)
    assert not hasattr(made, "ssl_context")


@pytest.mark.parametrize("ca", ["", "/etc/ca.pem"])
def test_a_connection_with_tls(ca: str) -> None:
    """It has twice the time: the handshake is a round trip and a signature more."""
    place = place_of(f"rediss://h?ca={ca}", timing=Timing(connect_within=0.3))
    made = connection_to(place, ("h", 7))
    assert made.socket_connect_timeout == 0.6
    assert (made.ssl_context.ca_certs, made.ssl_context.check_hostname) == (ca or None, True)  # type: ignore[attr-defined]


def test_times_that_follow_from_others() -> None:
    """A write is remembered longer than a number takes to settle, and a look to find that out."""
    timing = Timing(connect_within=1.0, command_within=2.0, settled_after=30.0, look_every=7.0)
    assert (timing.reach_within, timing.kept_for) == (3.0, 47.0)
