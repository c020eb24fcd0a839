"""The filters of the trail: the same words everywhere, and an unknown one is an error."""

from __future__ import annotations

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.trail_search import WORDS, BadFilter, search_of

AT = 1_772_323_200
"""2026-03-01 00:00:00 UTC."""
EVENT = Event(
    id="ABCDEFGHIJ",
    kind="attempt.failed",
    at=AT + 3_600,
    tenant="t",
    account="https://idp.example/users/7",
    actor="eve",
    factor="totp",
    network="=campus",
    address="192.0.2.66",
    browser="abcdefghij",
    agent="Firefox on Linux",
    ticket="INC-7",
    reason="wrong_code",
    request="req-1",
    detail={"left": 3, "label": "Straße"},
)


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ({}, True),
        ({"account": "https://idp.example/users/7"}, True),
        ({"account": "https://idp.example/users"}, False),
        ({"actor": "eve"}, True),
        ({"actor": "Eve"}, False),
        ({"address": "192.0.2.66"}, True),
        ({"address": "192.0.2.0/24"}, True),
        ({"address": "192.0.2.0/28"}, False),
        ({"address": "campus"}, True),
        ({"address": "=campus"}, True),
        ({"address": "2001:db8::/32"}, False),
        ({"address": "nonsense"}, False),
        ({"kind": "attempt.failed"}, True),
        ({"kind": "attempt"}, True),
        ({"kind": "att"}, False),
        ({"factor": "totp"}, True),
        ({"browser": "abcdefghij"}, True),
        ({"ref": "abcdefghij"}, True),
        ({"ticket": "INC-7"}, True),
        ({"ticket": "INC-8"}, False),
        ({"from": "2026-03-01", "to": "2026-03-01"}, True),
        ({"from": "2026-03-02"}, False),
        ({"to": "2026-02-28"}, False),
        ({"from": "2026-03-01T02:00+01:00"}, True),
        ({"from": "2026-03-01T02:00:01+01:00"}, False),
        ({"to": "2026-03-01T01:00Z"}, True),
        ({"to": "2026-03-01T00:59:59Z"}, False),
        ({"q": "STRASSE"}, True),
        ({"q": "firefox"}, True),
        ({"q": "left 3"}, True),
        ({"q": "opera"}, False),
        ({"actor": "eve", "factor": "sms"}, False),
        ({"actor": "  ", "q": ""}, True),
    ],
    ids=str,
)
def test_a_line_fits(words: dict[str, str], fits: bool) -> None:
    assert search_of(words).fits(EVENT) is fits


def test_a_line_of_before_is_found_by_its_network() -> None:
    """Lines without the address in full have the network of then."""
    old = Event(id="e", kind="k", at=AT, tenant="t", network="2001:db8:1:2::/64")
    assert search_of({"address": "2001:db8:1::/48"}).fits(old)
    assert search_of({"address": "2001:db8:1:2::/64"}).fits(old)
    assert not search_of({"address": "2001:db8:1:2::5"}).fits(old)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"network": "x"}, "network"),
        ({"account": "a", "since": ""}, "since"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-02-30"}, "to"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "to"),
        ({"q": "x" * 201}, "q"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(words: dict[str, str], name: str) -> None:
    with pytest.raises(BadFilter) as caught:
        search_of(words)
    assert caught.value.name == name


def test_the_longest_word() -> None:
    """A word of exactly the limit is searched for; an account may have a long id."""
    assert search_of({"q": "x" * 200, "account": "a" * 255}).fits is not None


def test_the_words_are_those_of_the_contract() -> None:
    assert [*WORDS] == [
        *("account", "actor", "address", "kind", "factor", "browser", "ref", "ticket", "from", "to", "q")
    ]  # fmt: skip
