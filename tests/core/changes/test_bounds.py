"""The bounds of each part of an account, at their edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.base import KEEP_PROOFS, TWIN_LIFE
from mfa_gate.core.changes.bounds import (
    KEEP_DEAD,
    add_proof,
    breaks_bound,
    has_old_copy,
    kept_browsers,
    known_handles,
    tidy,
)
from mfa_gate.core.codec import encode
from mfa_gate.core.model import (
    MAX_AUTHENTICATOR_BYTES,
    MAX_BROWSERS,
    MAX_BYTES,
    MAX_CODES,
    MAX_ENROLLMENTS,
    MAX_ENROLLMENTS_OF_ALL,
    MAX_PROOFS_PER_NETWORK,
    MAX_SIGN_OUTS,
    MAX_SKIPS,
    Account,
    Asked,
    Enrollment,
    Leave,
    Sent,
    Ticket,
    Twin,
)
from mfa_gate.core.rules import DAY

from ..builders import AWAY, HANDLE, HOME, NOW, account, authenticator, browser, challenge, proof


def ids(items: Any) -> list[str]:
    return [item.id for item in items]


def tidied(**parts: Any) -> Account:
    return tidy(account("app", **parts), NOW)


def test_a_live_code_outlives_a_newer_one_that_ended() -> None:
    """Ten codes are kept in all.

    Those that ended make room for those that can still be answered.
    """
    live = [challenge(f"l{number}", age=300 - number) for number in range(MAX_CODES - 2)]
    dead = [challenge(f"d{number}", age=100 - number, ttl=60) for number in range(3)]
    spent = challenge("s", age=1, spent_at=NOW)
    assert ids(tidied(challenges=(*live, *dead)).challenges) == [*ids(live), "d1", "d2"]
    assert ids(tidied(challenges=(*live, *dead, spent)).challenges) == [*ids(live), "d2", "s"]
    full = [challenge(f"f{number}", age=300 - number) for number in range(MAX_CODES)]
    assert ids(tidied(challenges=(*full, challenge("e", age=60, ttl=60))).challenges) == ids(full), "at its very end"
    assert ids(tidied(challenges=(full[1], full[0])).challenges) == ids(full[:2]), "in the order of their time"
    assert MAX_CODES == 10


@pytest.mark.parametrize(
    ("age", "ttl", "kept"), [(479, 60, True), (480, 60, False), (KEEP_DEAD - 1, 3600, True), (KEEP_DEAD, 3600, False)]
)
def test_an_ended_code_is_recognized_for_a_while(age: int, ttl: int, kept: bool) -> None:
    """It is kept for eight times its life, and for two hours at most (U-10)."""
    assert bool(tidied(challenges=(challenge(age=age, ttl=ttl),)).challenges) is kept
    assert KEEP_DEAD == 7200


def draft(id: str, *, ends: int = NOW + 1, of: str = HANDLE) -> Enrollment:
    return Enrollment(id=id, factor="app", label="", browser=of, started_at=NOW - 9, expires_at=ends)


def test_drafts() -> None:
    """At its end a draft is gone; a browser that begins too many loses its oldest."""
    many = [draft(f"d{number}") for number in range(MAX_ENROLLMENTS + 1)]
    assert ids(tidied(enrollments=(draft("x", ends=NOW), *many)).enrollments) == ids(many[1:])
    assert ids(tidied(replaced=(draft("x", ends=NOW), *many)).replaced) == ids(many[1:])
    assert (
        tidied(enrollments=(draft("x", ends=NOW),)).enrollments
        == tidied(replaced=(draft("x", ends=NOW),)).replaced
        == ()
    )


def test_a_browser_that_has_shown_more_keeps_its_drafts() -> None:
    """Between browsers with as many drafts, one that has shown only the password loses first."""
    drafts = [draft(f"{of}{number}", of=of) for number in range(2) for of in ("thief", HANDLE, "a", "b", "c", "d")]
    kept = tidied(enrollments=tuple(drafts), leave=Leave(kind="contact", browser=HANDLE, at=NOW)).enrollments
    assert f"{HANDLE}0" in ids(kept)
    assert "thief0" not in ids(kept)


def test_the_newest_draft_alone_cannot_be_pushed_out() -> None:
    """The caller of the newest must be able to answer it.

    The one before it may go to make room.
    """
    known = tuple(browser(id=f"b{number}", handle=f"h{number}") for number in range(MAX_ENROLLMENTS_OF_ALL))
    old = [draft(f"d{number}", of=f"h{number}") for number in range(MAX_ENROLLMENTS_OF_ALL - 1)]
    stranger, newest = draft("stranger", of="thief"), draft("newest", of="h7")
    kept = tidied(browsers=known, enrollments=(*old, stranger, newest)).enrollments
    assert ids(kept) == [*ids(old), "newest"]
    kept = tidied(browsers=known, enrollments=(*old, newest, stranger)).enrollments
    assert ids(kept) == [*ids(old[1:]), "newest", "stranger"]


@pytest.mark.parametrize(
    ("part", "value", "kept"),
    [
        ("ticket", Ticket(digest="d", expires_at=NOW + 1, actor="", ref=""), True),
        ("ticket", Ticket(digest="d", expires_at=NOW, actor="", ref=""), False),
        ("asked", Asked(act="reset", ref="R", asked_by="eve", asked_at=NOW - DAY, reason="r"), True),
        ("asked", Asked(act="reset", ref="R", asked_by="eve", asked_at=NOW - DAY - 1, reason="r"), False),
        ("sign_outs", (("s:x", NOW - DAY + 1),), True),
        ("sign_outs", (("s:x", NOW - DAY),), False),
        ("sent", (Sent(factor="text", at=NOW - DAY + 1),), True),
        ("sent", (Sent(factor="text", at=NOW - DAY),), False),
    ],
)
def test_what_ended_goes(part: str, value: Any, kept: bool) -> None:
    """A ticket, a waiting act, a sign-out and a send leave at their end."""
    assert bool(getattr(tidied(**{part: value}), part)) is kept


def test_lists_keep_their_latest() -> None:
    """Skips and sign-outs are cut at their beginning."""
    skips = tuple((f"s:{number}", NOW) for number in range(MAX_SKIPS + 2))
    assert tidied(skips=skips).skips == skips[2:]
    outs = tuple((f"s:{number}", NOW) for number in range(MAX_SIGN_OUTS + 2))
    assert tidied(sign_outs=outs).sign_outs == outs[2:]


def test_the_copy_of_fresh_backup_codes() -> None:
    """It goes at its end, and the digests stay."""
    for until, old in ((NOW, True), (NOW + 1, False)):
        mine = authenticator("paper", data={"left": ["x"], "kept": "sealed", "kept_until": until})
        assert has_old_copy(mine, NOW) is old
        data = tidy(account(authenticators=(mine,)), NOW).authenticators[0].data
        assert data == ({"left": ["x"]} if old else mine.data)
    assert not has_old_copy(authenticator("paper"), NOW)


def test_the_browser_that_is_missed_least() -> None:
    """A browser without a proof that counts goes first.

    Then, of those that look alike, the one unused for longest goes.
    """
    many = tuple(
        browser(proof(age=9), id=f"b{number}", handle=f"h{number}", label=f"L{number}", last_used_at=NOW - number)
        for number in range(MAX_BROWSERS)
    )
    blank = browser(id="blank", handle="x", label="X", last_used_at=NOW - 1)
    old = browser(proof(age=KEEP_PROOFS), id="old", handle="o", label="O", last_used_at=NOW - 1)
    other = browser(proof(epoch=3), id="other", handle="p", label="P", last_used_at=NOW - 1)
    for least in (blank, old, other):
        assert ids(kept_browsers((*many, least), 0, NOW)) == ids(many)
    alike = browser(proof(age=9), id="alike", handle="y", label="L3", last_used_at=NOW - 2)
    assert "b3" not in ids(kept_browsers((*many, alike), 0, NOW))
    newest = browser(id="newest", handle="z", label="Z", last_used_at=NOW + 1)
    assert "newest" in ids(kept_browsers((*many, newest), 0, NOW))
    assert kept_browsers(many, 0, NOW) == many


def padded(of: Account, size: int) -> Account:
    """Fill an account up to exactly this size by the data of its first authenticator."""
    first = of.authenticators[0]
    empty = replace(of, authenticators=(replace(first, data={"x": ""}), *of.authenticators[1:]))
    filled = replace(first, data={"x": "x" * (size - len(encode(empty)))})
    return replace(of, authenticators=(filled, *of.authenticators[1:]))


@pytest.mark.parametrize(("more", "kept"), [(0, ["old", "new"]), (1, ["new"])])
def test_an_account_of_exactly_the_most_bytes(more: int, kept: list[str]) -> None:
    """It loses nothing; with one byte more it loses the browser that was unused for longest."""
    two = (browser(proof(), id="old", last_used_at=1), browser(proof(), id="new", handle="n", last_used_at=2))
    full = padded(account("app", browsers=two, seen_at=NOW), MAX_BYTES + more)
    assert ids(tidy(full, NOW).browsers) == kept


def test_an_ended_challenge_makes_room_first() -> None:
    """Too large an account loses its oldest ended challenge.

    It loses none that can still be answered.
    """
    asked = tuple(challenge(id, age=age, ttl=60) for id, age in (("d1", 90), ("d2", 80), ("live", 10)))
    full = padded(
        account("app", challenges=asked, seen_at=NOW, browsers=(browser(), browser(id="b2", handle="n"))), MAX_BYTES + 1
    )
    kept = tidy(full, NOW)
    assert (ids(kept.challenges), len(kept.browsers)) == (["d2", "live"], 2)


@pytest.mark.parametrize("more", [0, 1])
def test_one_more_authenticator(more: int) -> None:
    """It is taken while it fits beside the others and beside all the rest, to the byte."""
    added = authenticator("key")
    both = padded(account("app", "key"), MAX_AUTHENTICATOR_BYTES + more)
    assert breaks_bound(replace(both, authenticators=both.authenticators[:1]), added) is bool(more)
    rest = account("app", "key", name="x" * 8000)
    full = padded(rest, MAX_BYTES + more)
    assert breaks_bound(replace(full, authenticators=full.authenticators[:1]), added) is bool(more)


@pytest.mark.parametrize(("age", "kept"), [(TWIN_LIFE - 1, True), (TWIN_LIFE, False)])
def test_the_twin_of_an_answer(age: int, kept: bool) -> None:
    """A copy of a right answer is recognized for a short time only."""
    mine = browser(proof(), twin=Twin(answer="d", handle="h", at=NOW - age))
    assert (tidied(browsers=(mine,)).browsers[0].twin is not None) is kept


def test_proofs_of_one_browser() -> None:
    """A browser keeps one proof of each factor and network, and a few of a network.

    Older and ended ones go.
    """
    old, ended = proof("app", age=KEEP_PROOFS, network="n0"), proof("app", epoch=1, network="n1")
    first, again = proof("app", age=60), proof("app", age=0)
    assert add_proof((old, ended, first), again, networks=5, now=NOW) == (again,)
    away = proof("app", age=30, network=AWAY)
    assert add_proof((first, away), proof("text", age=0, network=HOME), networks=1, now=NOW) == (
        first,
        proof("text", age=0, network=HOME),
    )
    many = [proof(f"k{number}", age=50 - number) for number in range(MAX_PROOFS_PER_NETWORK)]
    assert add_proof(many, again, networks=1, now=NOW) == (*many[1:], again)
    tie = proof("app", age=0, network=AWAY)
    assert add_proof((again,), tie, networks=1, now=NOW) == (tie,), "of two at once, the new one's network stays"


def test_handles_that_have_shown_more() -> None:
    """Browsers with a proof, and the one with the leave to enroll."""
    of = account("app", proofs=(proof(),), leave=Leave(kind="contact", browser="other", at=NOW))
    assert known_handles(of) == {HANDLE, "other"}
    assert known_handles(replace(of, leave=None, browsers=(browser(handle=""),))) == frozenset()
