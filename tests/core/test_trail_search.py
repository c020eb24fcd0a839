"""The filters of the trail: the same words everywhere, and an unknown one is an error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.events import UNREADABLE, Event
from mfa_gate.core.events.categories import SYSTEM, category_of
from mfa_gate.core.trail_search import WORDS, BadFilter, last_moment, search_of

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
        ({"kind": "sign-ins"}, True),
        ({"kind": "locks"}, False),
        ({"address": "::ffff:192.0.2.66"}, True),
        ({"address": "::ffff:192.0.2.0/120"}, True),
        ({"address": "::ffff:192.0.3.0/120"}, False),
        ({"factor": "totp"}, True),
        ({"browser": "abcdefghij"}, True),
        ({"ref": "abcdefghij"}, True),
        ({"ref": "abcdefghik"}, False),
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


@pytest.mark.parametrize(
    ("words", "indexed", "exact"),
    [
        ({}, True, None),
        ({"account": "ann"}, True, None),
        ({"kind": "attempt.failed"}, True, None),
        ({"kind": "attempt"}, False, None),
        ({"account": "ann", "kind": "attempt.failed"}, True, None),
        ({"account": "ann", "q": "x"}, False, None),
        ({"q": "x"}, False, None),
        ({"ref": "abc"}, False, ("id", ("abc", "ABC"))),
        ({"browser": "b1"}, False, ("browser", ("b1",))),
        ({"browser": "b1", "ref": "abc"}, False, ("id", ("abc", "ABC"))),
        ({"address": "192.0.2.66"}, False, ("address", ("192.0.2.66", "192.0.2.66"))),
        ({"address": "192.0.2.66/32"}, False, ("address", ("192.0.2.66/32", "192.0.2.66"))),
        ({"address": "192.0.2.0/24"}, False, None),
        ({"address": "campus"}, False, ("address", ("campus", "=campus"))),
    ],
    ids=str,
)
def test_what_a_store_finds_by_itself(
    words: dict[str, str], indexed: bool, exact: tuple[str, tuple[str, ...]] | None
) -> None:
    """A large trail is not read line by line for what an index knows.

    No index is used that would leave a line out.
    """
    found = search_of(words)
    assert (found.is_indexed, found.exact) == (indexed, exact)


def test_the_account_of_a_search() -> None:
    """A store goes to the lines of that account."""
    assert search_of({"account": "ann", "q": "x"}).account == "ann"
    assert search_of({"q": "x"}).account == ""


@pytest.mark.parametrize(
    ("text", "at"), [("2026-03-01", AT + 86_399), ("2026-03-01T00:00Z", AT), ("2026-03-01T01:00+01:00", AT)]
)
def test_the_last_moment_of_a_day(text: str, at: int) -> None:
    """A day that ends a span is meant whole."""
    assert last_moment("to", text) == at


def test_one_moment_is_a_span() -> None:
    """The same second as begin and end has the lines of that second."""
    search = search_of({"from": "2026-03-01T01:00Z", "to": "2026-03-01T01:00Z"})
    assert search.fits(EVENT)
    assert (search.begin, search.end) == (EVENT.at, EVENT.at)


def test_a_network_with_bits_of_a_host() -> None:
    """An address with the length of its network, as routers print it, means that network."""
    assert search_of({"address": "192.0.2.1/24"}).fits(EVENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "att"),
        ("kind", "acount.locked"),
        ("kind", "Attempt.failed"),
        ("kind", "attempt."),
        ("address", "192.0.2.0/99"),
        ("address", "192.0.2.66:443"),
        ("address", "[2001:db8::1]"),
        ("address", "192.0.2.066"),
        ("address", "Campus"),
        ("from", "20260301"),
        ("to", "20260301"),
        ("to", "2026-W10"),
        ("to", "2026-W10-1"),
        ("to", "2026-03-01T"),
    ],
)
def test_a_value_that_fits_nothing(name: str, value: str) -> None:
    """A slip is an error, and no empty list that reads as "it never happened"."""
    with pytest.raises(BadFilter) as found:
        search_of({name: value})
    assert found.value.name == name


@pytest.mark.parametrize(
    ("at", "kind", "before"), [(AT - 1, "k", True), (AT, "k", False), (0, "k", False), (AT - 1, UNREADABLE, False)]
)
def test_older_than_the_first_moment(at: int, kind: str, before: bool) -> None:
    """A reader stops there; a line without a time, or one that cannot be read, stops nobody."""
    old = Event(id="e", kind=kind, at=at, tenant="t")
    assert search_of({"from": "2026-03-01"}).is_before(old) is before
    assert not search_of({}).is_before(old)


@pytest.mark.parametrize(
    ("kind", "category"),
    [
        ("attempt.failed", "sign-ins"),
        ("factor.enrolled", "set-ups"),
        ("account.locked", "locks"),
        ("account.reset", "recoveries"),
        ("account.forgotten", "administration"),
        ("account.lookalike", "sign-ins"),
        ("audit.pruned", SYSTEM),
        ("unheard.of", SYSTEM),
    ],
)
def test_the_category_of_a_line(kind: str, category: str) -> None:
    """A whole kind goes before the first part of its name; what nobody knows is of the system."""
    assert category_of(kind) == category


def test_the_longest_word() -> None:
    """A word of exactly the limit is searched for; an account may have a long id."""
    assert search_of({"q": "x" * 200, "account": "a" * 255}).fits is not None


def test_the_words_are_those_of_the_contract() -> None:
    assert [*WORDS] == [
        *("account", "actor", "address", "kind", "factor", "browser", "ref", "ticket", "from", "to", "q")
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["Rue\u0301", "Ru\u00e9"], ids=["apart", "composed"])
@pytest.mark.parametrize("asked", ["Rue\u0301", "Ru\u00e9"], ids=["asked-apart", "asked-composed"])
def test_letters_that_are_composed_or_not(typed: str, asked: str) -> None:
    """A ticket is found by either spelling of its letters, however it was typed."""
    event = replace(EVENT, ticket=typed, detail={"label": typed})
    assert search_of({"ticket": asked}).fits(event)
    assert search_of({"q": asked}).fits(event)
