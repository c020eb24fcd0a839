"""First enrollment: the demand for one, and the right to put it off.

A subject with a factor never gets there.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.decision import FOREVER, Agree, Allow, Deny, Enroll, StepUp, state_of
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.evidence import SESSION_LIFE, skip_key
from mfa_gate.core.model import Acceptance, Account, Subject
from mfa_gate.core.policy import Requirement
from mfa_gate.core.rules import AgreementRules, EnrollmentRules, SkipRules

from ..builders import (
    ANN,
    HANDLE,
    HOME,
    NO_SESSION_ANN,
    NOW,
    account,
    authenticator,
    caller,
    demand,
    judged,
    proof,
    requirement,
    rules_with,
    with_demands,
)


def optional(**parts: Any) -> Requirement:
    return requirement(rules_with(enrollment=EnrollmentRules(stage="optional", first="open"), **parts))


def skipped(subject: Subject, *, handle: str = HANDLE, age: int = 60, count: int = 1) -> Account:
    return account(skips=((skip_key(subject, handle), NOW - age),), skip_count=count, subject=subject)


def test_required_and_nothing_enrolled() -> None:
    """The first enrollment is asked for, cannot be skipped, and offers every allowed factor."""
    decision = judged(account())
    assert isinstance(decision, Enroll)
    assert (decision.skippable, decision.why.rule, state_of(decision)) == (False, "enrollment", "enroll")
    assert decision.factors == requirement().factors


def test_optional_may_be_skipped() -> None:
    """While it is optional the first enrollment may be put off."""
    decision = judged(account(), optional())
    assert isinstance(decision, Enroll)
    assert decision.skippable


@pytest.mark.parametrize(
    ("subject", "of", "who", "passes"),
    [
        (ANN, skipped(ANN), {}, True),
        (ANN, skipped(ANN, age=30 * SESSION_LIFE), {}, True),
        (ANN, skipped(ANN), {"handle": "x" * 22}, True),
        (Subject("ann", "clinic", session="sign-in 2"), skipped(ANN), {}, False),
        (NO_SESSION_ANN, skipped(ANN), {}, False),
        (NO_SESSION_ANN, skipped(NO_SESSION_ANN, age=SESSION_LIFE - 1), {}, True),
        (NO_SESSION_ANN, skipped(NO_SESSION_ANN, age=SESSION_LIFE), {}, False),
        (NO_SESSION_ANN, skipped(NO_SESSION_ANN), {"handle": "x" * 22}, False),
    ],
)
def test_a_skip_is_of_one_sign_in(subject: Subject, of: Account, who: dict[str, Any], passes: bool) -> None:
    """A skip with ``remind = "next-sign-in"`` holds for the host's session.

    Without a session it holds for twelve hours in this browser.
    """
    decision = judged(of, optional(), caller(subject, **who))
    assert isinstance(decision, Allow) is passes
    if isinstance(decision, Allow):
        assert (decision.skipped, decision.state, decision.proof) == (True, "verified", None)
        age = NOW - of.skips[0][1]
        assert decision.until == (FOREVER if subject.session else NOW - age + SESSION_LIFE)


@pytest.mark.parametrize(("limit", "count", "may"), [(0, 99, True), (3, 2, True), (3, 3, False), (3, 4, False)])
def test_how_often(limit: int, count: int, may: bool) -> None:
    """``skip.max`` ends the skipping; 0 is no end while it is optional."""
    rules = EnrollmentRules(stage="optional", first="open", skip=SkipRules(max=limit))
    decision = judged(account(skip_count=count), requirement(rules_with(enrollment=rules)))
    assert isinstance(decision, Enroll)
    assert decision.skippable is may


def test_a_stronger_demand_is_not_skipped() -> None:
    """A step-up rule asks for a factor also while enrollment is optional.

    It offers the factors that meet it.
    """
    base = optional()
    wanted = with_demands(base, *base.demands, demand("export", factors=("key", "app")))
    decision = judged(skipped(ANN), wanted)
    assert isinstance(decision, Enroll)
    assert (decision.skippable, decision.why.rule, set(decision.factors)) == (False, "export", {"app", "key"})


def test_a_skip_ends_when_it_is_required() -> None:
    """The day it becomes mandatory, a skip of before counts for nothing."""
    assert isinstance(judged(skipped(ANN)), Enroll)


@pytest.mark.parametrize(
    ("kinds", "met"),
    [
        (("paper",), Enroll),
        (("unheard-of",), StepUp),
        (("unheard-of", "paper"), StepUp),
        (("app", "paper"), StepUp),
        (("text",), StepUp),
    ],
)
def test_what_counts_as_enrolled(kinds: tuple[str, ...], met: type) -> None:
    """Backup codes alone never count as enrolled; a factor of an unknown kind always does.

    S-83, S-93. Unknown means that this version does not know the kind.
    """
    of = account(*kinds)
    assert isinstance(judged(of), met)
    assert isinstance(judged(of, optional()), met)


def test_an_unknown_kind_is_never_skipped_past() -> None:
    """A factor of a newer version keeps the account closed, even after a skip.

    S-83. This version cannot ask for that factor, so nothing opens the account.
    """
    of = account(authenticators=(authenticator("unheard-of"),), skips=((skip_key(ANN, HANDLE), NOW),))
    assert isinstance(judged(of, optional()), StepUp)
    assert isinstance(judged(account("app", skips=((skip_key(ANN, HANDLE), NOW),)), optional()), StepUp)


AGREEMENT = AgreementRules(id="data", version="2", title="Data", file="x", digest="d2")


def accepted(**parts: Any) -> Acceptance:
    found = {"agreement": "data", "version": "2", "digest": "d2", "at": NOW - 30, "network": HOME}
    return Acceptance(**{**found, **parts})


@pytest.mark.parametrize(
    ("again", "subject", "parts", "passes"),
    [
        ("new-version", ANN, None, False),
        ("new-version", ANN, {}, True),
        ("new-version", ANN, {"at": 1}, True),
        ("new-version", ANN, {"version": "1"}, False),
        ("new-version", ANN, {"agreement": "other"}, False),
        ("new-version", ANN, {"digest": "another text"}, False),
        ("each-sign-in", ANN, {"session": "wrong"}, False),
        ("each-sign-in", ANN, {"session": ANN.session}, False),
        ("each-sign-in", ANN, {"session": handle_digest(ANN.session), "at": 1}, True),
        ("each-sign-in", NO_SESSION_ANN, {"at": NOW - 60}, True),
        ("each-sign-in", NO_SESSION_ANN, {"at": NOW - 61}, False),
    ],
)
def test_agreement(again: Any, subject: Subject, parts: dict[str, Any] | None, passes: bool) -> None:
    """The agreement is asked for after the proof.

    It is asked for when its version or text is new, or at each sign-in since the proof.
    """
    rules = rules_with(
        agreement=AgreementRules(id="data", version="2", title="Data", file="x", digest="d2", again=again)
    )
    texts = () if parts is None else (accepted(**parts),)
    of = account("app", proofs=(proof(age=60),), acceptances=texts)
    decision = judged(of, requirement(rules), caller(subject))
    assert state_of(decision) == ("verified" if passes else "agreement")
    if isinstance(decision, Agree):
        assert (decision.agreement.version, decision.why.missing) == ("2", "2")
        assert decision.proof == proof(age=60)


def test_an_agreement_is_no_way_around_the_proof() -> None:
    """A subject who owes the second factor is asked for it, not for the agreement.

    S-89. An agreement that is already accepted changes nothing.
    """
    rules = rules_with(agreement=AGREEMENT)
    assert isinstance(judged(account("app"), requirement(rules)), StepUp)
    assert isinstance(judged(account("app", acceptances=(accepted(),)), requirement(rules)), StepUp)
    assert isinstance(judged(account(acceptances=(accepted(),)), requirement(rules)), Enroll)


def test_who_skipped_accepts_once_and_is_in() -> None:
    """An acceptance since the skip is enough for a subject without a proof.

    The agreement is one of each sign-in, and the host does not name sessions.
    """
    each = AgreementRules(id="data", version="2", title="Data", file="x", digest="d2", again="each-sign-in")
    wanted = optional(agreement=each)
    key = skip_key(NO_SESSION_ANN, HANDLE)
    before = account(skips=((key, NOW - 20),), acceptances=(accepted(at=NOW - 21),))
    after = account(skips=((key, NOW - 20),), acceptances=(accepted(at=NOW - 20),))
    assert isinstance(judged(before, wanted, caller(NO_SESSION_ANN)), Agree)
    assert isinstance(judged(after, wanted, caller(NO_SESSION_ANN)), Allow)


def test_state_of_a_denial() -> None:
    """A lock is told by the contract's word."""
    from ..test_decision import LOCK

    decision = judged(account("app", lock=LOCK))
    assert isinstance(decision, Deny)
    assert state_of(decision) == "locked"
