"""A proof in a new browser is news for the person.

It is an alarm for the administrators where something speaks for a takeover.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.new_browser import NEW, RESET_WITHIN, TAKEOVER, new_browser
from mfa_gate.core.events import TOLD_BY, WRONG, Event
from mfa_gate.core.model import Account
from mfa_gate.core.networks import UNKNOWN

from ..builders import AWAY, HOME, NOW, account, authenticator, browser, caller, moment, proof

MINE = authenticator("app", last_network="203.0.113.1")
"""The authenticator that is proven; its last network is the one of this very proof by now."""
OTHER = authenticator("key", last_network=HOME)
LAPTOP = browser(proof(network="192.0.2.1"), label="Firefox")
OWNER = account(authenticators=(MINE,), browsers=(LAPTOP,))


def news(
    of: Account = OWNER, *, wrong: int = 0, networks: set[str] | None = None, told_by: str = "", **who: Any
) -> Any:
    words: dict[str, Any] = {"handle": "new", "network": HOME, **who}
    known = {HOME} if networks is None else networks
    return new_browser(of, moment(), caller(**words), proven=MINE, wrong=wrong, networks=known, told_by=told_by)


def kinds(events: tuple[Event, ...]) -> list[str]:
    return [event.kind for event in events]


@pytest.mark.parametrize(
    ("of", "parts", "causes"),
    [
        (OWNER, {}, ""),
        (OWNER, {"wrong": 1}, "wrong_answers"),
        (OWNER, {"networks": set()}, "new_network"),
        (OWNER, {"network": "192.0.2.1", "networks": set()}, ""),
        (OWNER, {"network": "203.0.113.1", "networks": set()}, "new_network"),
        (OWNER, {"network": UNKNOWN, "networks": {UNKNOWN}}, "new_network"),
        (replace(OWNER, authenticators=(MINE, OTHER)), {"networks": set()}, ""),
        (replace(OWNER, authenticators=(MINE, OTHER)), {"networks": set(), "network": AWAY}, "new_network"),
        (replace(OWNER, logins_from=NOW - RESET_WITHIN + 1), {}, "after_reset"),
        (replace(OWNER, logins_from=NOW - RESET_WITHIN), {}, ""),
        (replace(OWNER, logins_from=NOW), {"wrong": 2, "network": AWAY}, "wrong_answers new_network after_reset"),
    ],
)
def test_what_speaks_for_a_takeover(of: Account, parts: dict[str, Any], causes: str) -> None:
    """Guesses before it, a place where the person never was, a reset of yesterday.

    Each is named, and the first is the reason.

    A network counts as known by an earlier proof or another authenticator, never by this proof itself.
    """
    events = news(of, **parts)
    assert kinds(events) == ([NEW, TAKEOVER] if causes else [NEW])
    if causes:
        assert (events[1].reason, events[1].detail["causes"]) == (causes.split()[0], causes)


@pytest.mark.parametrize(("wrong", "detail"), [(0, {}), (1, {WRONG: 1}), (3, {WRONG: 3})])
def test_guesses_before_it_are_told_to_both(wrong: int, detail: dict[str, int]) -> None:
    """Person and administrators read how many wrong answers went before."""
    events = news(wrong=wrong, told_by="factor.enrolled")
    assert dict(events[0].detail) == {**detail, TOLD_BY: "factor.enrolled"}
    assert [{name: event.detail[name] for name in event.detail if name == WRONG} for event in events[1:]] == (
        [detail] if wrong else []
    )


@pytest.mark.parametrize(
    ("kind", "label", "told"),
    [
        ("client", "python-httpx", False),
        ("client", "curl", True),
        ("browser", "python-httpx", True),
        ("browser", "Firefox", True),
    ],
)
def test_a_program_without_cookies_is_known_by_its_name(kind: str, label: str, told: bool) -> None:
    """A script that runs each night is no new browser each night.

    A browser of a known make is one.
    """
    script = browser(proof(network=HOME), id="b2", handle="s", kind="client", label="python-httpx")
    of = replace(OWNER, browsers=(LAPTOP, script))
    assert bool(news(of, kind=kind, label=label)) is told


@pytest.mark.parametrize(
    ("parts", "causes"),
    [({"wrong": 2}, "wrong_answers"), ({"network": AWAY}, "new_network"), ({"network": UNKNOWN}, "new_network")],
)
def test_the_name_of_a_known_program_hides_nobody(parts: dict[str, Any], causes: str) -> None:
    """A known program from a new network, or after guesses, is told of.

    Anybody can say that they are the script that runs each night.
    """
    script = browser(proof(network=HOME), id="b2", handle="s", kind="client", label="python-httpx")
    of = replace(OWNER, browsers=(LAPTOP, script))
    events = news(of, kind="client", label="python-httpx", **parts)
    assert kinds(events) == [NEW, TAKEOVER]
    assert events[1].detail["causes"] == causes
