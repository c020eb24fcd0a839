"""The way that a decision stops a request, and the rules that are named for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.decision import StepUp
from mfa_gate.core.evidence import Evidence
from mfa_gate.core.model import Account, Leave, Lock, Ticket
from mfa_gate.core.policy import Demand, Requirement
from mfa_gate.core.rules import AgreementRules, EnrollmentRules
from mfa_gate.core.stops import HELPS, Stop, enforced, stop_by, stop_of

from .builders import (
    HANDLE,
    NOW,
    account,
    demand,
    evidence,
    factor_rules,
    proof,
    requirement,
    rules_with,
    with_demands,
)

PLAIN = requirement()
BASE = PLAIN.demands[0]
STRONG = demand("vault", strong=True)
PROVEN = account("app", proofs=(proof("app"),))


def asking(*more: Demand, **rules: Any) -> Requirement:
    made = requirement(rules_with(**rules))
    return with_demands(made, *made.demands, *more)


def stop(of: Account, asked: Requirement = PLAIN) -> Stop:
    return stop_of(asked, evidence(of), NOW)[0]


STOPS: list[tuple[Account, Requirement, Stop]] = [
    (PROVEN, PLAIN, Stop("passes", "verified")),
    (PROVEN, replace(PLAIN, free="health", free_kind="exempt"), Stop("passes", "health")),
    (account("app"), PLAIN, Stop("asked", "no_proof", (BASE.rule,))),
    (account("app", "key", proofs=(proof("app"),)), asking(STRONG), Stop("asked", "step_up", ("vault",))),
    (account("app", "key"), asking(STRONG), Stop("asked", "no_proof", (BASE.rule, "vault"))),
    (PROVEN, asking(STRONG), Stop("enroll", "enrollment", ("vault",))),
    (account(), PLAIN, Stop("enroll", "enrollment", (BASE.rule,))),
    (
        account("app", lock=Lock(cause="administrator", at=NOW, ref="R")),
        PLAIN,
        Stop("walled-out", "locked", ("attempts",)),
    ),
    (account(), asking(factors=factor_rules("paper")), Stop("walled-out", "no_factor", (BASE.rule,))),
]


@pytest.mark.parametrize(("of", "asked", "expected"), STOPS)
def test_each_stop(of: Account, asked: Requirement, expected: Stop) -> None:
    """A request passes, or its person is asked, sent to enroll or walled out.

    The stop names the rules.
    """
    assert stop(of, asked) == expected


def test_an_agreement() -> None:
    """It is asked for after the proof, and named as its rule."""
    asked = asking(agreement=AgreementRules(id="terms", version="1", title="Terms", text="Text", file="terms.md"))
    assert stop(PROVEN, asked) == Stop("asked", "agreement", ("agreement",))


def test_a_wall_has_its_help() -> None:
    """Each reason by which a person is walled out says what helps."""
    assert {expected.why for _, _, expected in STOPS if expected.kind == "walled-out"} <= {*HELPS}
    assert all(HELPS.values())
    assert len(HELPS) == 5


LEAVE = Leave(kind="ticket", browser=HANDLE, at=NOW - 1)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (account(), Stop("walled-out", "ticket", (BASE.rule,))),
        (
            account(ticket=Ticket(digest="d", expires_at=NOW, actor="eve", ref="T")),
            Stop("walled-out", "ticket", (BASE.rule,)),
        ),
        (
            account(ticket=Ticket(digest="d", expires_at=NOW + 1, actor="eve", ref="T")),
            Stop("enroll", "enrollment", (BASE.rule,)),
        ),
        (account(leave=LEAVE), Stop("enroll", "enrollment", (BASE.rule,))),
        (account("paper"), Stop("enroll", "enrollment", (BASE.rule,))),
    ],
)
def test_a_first_enrollment_by_ticket(of: Account, expected: Stop) -> None:
    """It waits for a ticket that nobody has given; who holds anything waits for none."""
    assert stop(of, asking(enrollment=EnrollmentRules(first="ticket"))) == expected


def test_a_first_enrollment_by_contact() -> None:
    """A proven contact is no ticket: the person can go on alone."""
    assert stop(account(), asking(enrollment=EnrollmentRules(first="contact"))).kind == "enroll"


def test_rules_that_are_only_watched_are_enforced() -> None:
    """They join the demands; a requirement that watches nothing stays the same object."""
    watching = replace(PLAIN, watched=(STRONG,), report_only=True)
    assert enforced(watching) == replace(PLAIN, demands=(*PLAIN.demands, STRONG))
    assert enforced(replace(PLAIN, report_only=True)) == PLAIN
    assert enforced(replace(PLAIN, watched=(STRONG,))).demands == (*PLAIN.demands, STRONG)
    assert enforced(PLAIN) is PLAIN


def test_the_decision_behind_a_stop() -> None:
    """The stop comes with its decision and the enforced requirement."""
    found, decision, strict = stop_of(replace(PLAIN, watched=(STRONG,)), evidence(PROVEN), NOW)
    assert (found.kind, decision.why.rule, strict.watched) == ("enroll", "vault", ())


def test_without_anything_to_answer_with() -> None:
    """A person whose authenticators are all of dropped kinds is walled out, not asked."""
    held: Evidence = evidence(account("app"))
    _, decision, strict = stop_of(PLAIN, held, NOW)
    assert isinstance(decision, StepUp)
    bare = replace(decision, authenticators=())
    assert stop_by(bare, strict, held, NOW) == Stop("walled-out", "no_authenticator", (BASE.rule,))
    assert stop_by(bare, strict, replace(held, upstream=True), NOW).kind == "walled-out", (
        "no sign-in elsewhere counts here"
    )


def test_the_rule_of_the_decision() -> None:
    """The decision's own rule is named where each demand is met by another proof."""
    both = asking(demand("texts", factors=("text",)), demand("apps", factors=("app",)))
    of = account("app", "text", proofs=(proof("app"), proof("text")))
    assert stop(of, both).rules == ("apps",)
