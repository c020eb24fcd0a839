"""The grant of a proof: browser, drafts and account after it, and the news of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.proof import Granted, _keeps_moving, changed_since, gives_a_right, grant, rights_seen
from mfa_gate.core.entropy import LETTERS, MARK
from mfa_gate.core.events import TOLD_BY, WRONG, Event
from mfa_gate.core.model import Account, Enrollment, Leave, Subject
from mfa_gate.core.rules import RoleRules

from ..builders import (
    ANN,
    AWAY,
    HANDLE,
    HOME,
    NOW,
    account,
    authenticator,
    browser,
    caller,
    challenge,
    moment,
    proof,
    rules_with,
)

ADMIN, STAFF = frozenset({"admin"}), frozenset({"staff"})


@pytest.mark.parametrize(
    ("held", "groups", "parts", "seen"),
    [
        (False, ADMIN, {}, True),
        (True, STAFF, {}, False),
        (True, STAFF, {"kind": "client"}, True),
        (False, STAFF, {"kind": "client"}, False),
        (False, ADMIN, {"kind": "client"}, True),
        (False, ADMIN, {"acts_as": Subject("boss", "clinic")}, False),
        (True, STAFF, {"acts_as": Subject("boss", "clinic")}, True),
    ],
)
def test_rights_at_a_proof(held: bool, groups: frozenset[str], parts: dict[str, Any], seen: bool) -> None:
    """A browser's groups are all there are.

    A token may name fewer, and a stand-in's are not known.
    """
    who = replace(caller(replace(ANN, groups=groups)), **parts)
    assert rights_seen(account(holds_rights=held), who, rules_with()) is seen


@pytest.mark.parametrize("right", ["look", "unlock", "reset", "tenant", "audit", "everywhere", "privileged", "policy"])
def test_each_right_counts(right: str) -> None:
    """A group that gives any single right makes its members hands to be protected."""
    none: dict[str, Any] = dict.fromkeys(
        ("look", "unlock", "reset", "tenant", "audit", "everywhere", "privileged", "policy"), ()
    )
    roles = RoleRules(**none | {right: ("ops", "night")})
    assert gives_a_right(roles, frozenset({"staff", "night"}))
    assert not gives_a_right(roles, frozenset({"staff"}))
    assert not gives_a_right(roles, frozenset())


OWNER = account("app", proofs=(proof(age=900),))
FRESH = "fresh" + "h" * 17


def granted(of: Account, *, who: dict[str, Any] | None = None, **parts: Any) -> tuple[Account, Granted, list[Event]]:
    words: dict[str, Any] = {
        "user_verified": False,
        "phishing_resistant": False,
        "remember": True,
        "answer": "a",
        **parts,
    }
    mine = of.authenticators[0]
    after, made, events = grant(
        of, moment(), rules_with(), caller(**(who or {})), authenticator=mine, new_handle=FRESH, **words
    )
    return after, made, [*events]


@pytest.mark.parametrize(("wrong", "told"), [(-1, {}), (0, {}), (1, {WRONG: 1}), (3, {WRONG: 3})])
def test_guesses_before_a_proof_are_told(wrong: int, told: dict[str, int]) -> None:
    """The line of a proof says how many wrong answers went before it."""
    (event,) = granted(OWNER, wrong=wrong)[2]
    assert (event.kind, dict(event.detail)) == ("proof.granted", told)


@pytest.mark.parametrize("told_by", ["", "factor.enrolled"])
def test_a_new_network_is_told_once(told_by: str) -> None:
    """It is news of its own, or stands in the notice of the factor that was set up from there."""
    events = granted(OWNER, who={"network": AWAY}, told_by=told_by, wrong=2)[2]
    assert [event.kind for event in events] == ["proof.granted", "browser.new_network"]
    assert dict(events[1].detail) == {WRONG: 2} | ({TOLD_BY: told_by} if told_by else {})


@pytest.mark.parametrize(
    ("of", "was_used", "news"),
    [
        (account("app"), False, False),
        (account("app"), True, True),
        (account("app", browsers=(browser(handle="other"),)), False, True),
        (OWNER, True, False),
    ],
)
def test_a_new_browser_is_news_to_a_person_who_has_one(of: Account, was_used: bool, news: bool) -> None:
    """The very first proof of a person is none, nor is one more in a browser that is known."""
    kinds = [event.kind for event in granted(of, was_used=was_used)[2]]
    assert ("browser.new" in kinds) is news


def test_the_id_of_a_browser() -> None:
    """It is made of the first handle, so that nothing else has to be stored.

    One that is taken or missing gets another.
    """
    mark = HANDLE[:MARK].translate(LETTERS)
    assert granted(account("app"))[1].browser.id == mark
    taken = granted(account("app", browsers=(browser(id=mark, handle="other"),)))[0]
    assert len({known.id for known in taken.browsers}) == 2
    nameless = granted(account("app"), who={"handle": ""})[1]
    assert nameless.browser.id == nameless.ref.lower()


def test_what_a_browser_keeps_and_what_is_new() -> None:
    """Its name stays where a client tells none.

    Its handle, its last use and its last factor are those of the proof.
    """
    named = replace(OWNER, browsers=(replace(OWNER.browsers[0], label="Firefox"),))
    mine = granted(named, who={"label": ""})[1].browser
    assert (mine.id, mine.label, mine.handle, mine.created_at) == ("b1", "Firefox", FRESH, 0)
    assert (mine.last_used_at, mine.last_factor) == (NOW, "app-1")
    assert granted(named, who={"label": "Safari"})[1].browser.label == "Safari"
    assert granted(account("app"))[1].browser.created_at == NOW


@pytest.mark.parametrize(
    ("kind", "before", "page", "after"),
    [("browser", "de", "fr", "fr"), ("client", "de", "en", "de"), ("client", "", "en", "en")],
)
def test_the_language_of_a_persons_mails(kind: str, before: str, page: str, after: str) -> None:
    """That of the last page.

    A program rarely says the language of its person. The time zone stays where none is told.
    """
    of = replace(OWNER, lang=before, zone="Europe/Berlin")
    kept = granted(of, who={"kind": kind, "lang": page})[0]
    assert (kept.lang, kept.zone) == (after, "Europe/Berlin")
    assert granted(of, who={"zone": "Asia/Tokyo"})[0].zone == "Asia/Tokyo"


def draft(id: str, handle: str) -> Enrollment:
    return Enrollment(id=id, factor="key", label="", browser=handle, started_at=NOW, expires_at=NOW + 60)


@pytest.mark.parametrize("part", ["enrollments", "replaced", "challenges", "leave"])
def test_what_a_browser_has_begun_goes_on_under_its_new_handle(part: str) -> None:
    """S-22: the old handle is dead, and a set-up in the midst is not lost.

    Other browsers' things stay theirs.
    """
    kinds: dict[str, Any] = {
        "enrollments": (draft("mine", HANDLE), draft("theirs", "other")),
        "replaced": (draft("mine", HANDLE), draft("theirs", "other")),
        "challenges": (
            challenge("mine", purpose="enroll"),
            challenge("theirs", purpose="enroll", browser="other"),
            challenge("sign-in"),
        ),
        "leave": Leave(kind="contact", browser=HANDLE, at=NOW),
    }
    after = granted(replace(OWNER, **{part: kinds[part]}))[0]
    if part == "leave":
        assert after.leave == Leave(kind="contact", browser=FRESH, at=NOW)
        theirs = replace(OWNER, leave=Leave(kind="contact", browser="other", at=NOW))
        assert granted(theirs)[0].leave == theirs.leave
    else:
        handles = {item.id: item.browser for item in getattr(after, part)}
        assert handles == {"mine": FRESH, "theirs": "other"} | ({"sign-in": HANDLE} if part == "challenges" else {})
    nameless = replace(OWNER, browsers=(), enrollments=(draft("nobody", ""),))
    assert granted(nameless, who={"handle": ""})[0].enrollments == nameless.enrollments


def test_data_that_an_answer_is_verified_with() -> None:
    """A set of backup codes whose readable copy was dropped meanwhile is the same set."""
    mine = authenticator("paper", data={"left": ["x"], "kept": "sealed", "kept_until": NOW})
    assert not changed_since(replace(mine, data={"left": ["x"]}), mine)
    assert not changed_since(replace(mine, last_network=HOME), mine)
    assert changed_since(replace(mine, data={"left": []}), mine)


@pytest.mark.parametrize(
    ("ages", "moving"),
    [
        ((0, 10, 3599), True),
        ((0, 10, 3600), False),
        ((0, 10), False),
        ((0, 10, 20, 30), False),
    ],
)
def test_a_browser_that_keeps_moving(ages: tuple[int, ...], moving: bool) -> None:
    """The fourth network within an hour is told, once in a row of moves.

    Two proofs on one network are one.
    """
    known = browser(proofs=tuple(replace(proof(age=age), network=f"192.0.2.{age}") for age in ages))
    assert _keeps_moving(known, NOW) is moving
    twice = replace(known, proofs=(*known.proofs, known.proofs[0]))
    assert _keeps_moving(twice, NOW) is moving
