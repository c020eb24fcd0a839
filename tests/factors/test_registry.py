"""The registry fills in what the rules leave open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Challenge
from mfa_gate.core.rules import EnrollmentRules, FactorRules, NudgeRules, Policy, Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.factors.base import CodeShape, uncollected
from mfa_gate.factors.totp import Totp, TotpRules

from .builders import NOW, context, issued, rules

USUAL = tuple(kind for kind, traits in BUILT_IN.traits.items() if not traits.backup)
BACKUPS = tuple(kind for kind, traits in BUILT_IN.traits.items() if traits.backup)


def test_open_rules() -> None:
    """All kinds are allowed, the strongest first, and a backup is never in the order."""
    made = BUILT_IN.completed(Rules())
    assert made.factors.allowed == tuple(BUILT_IN)
    assert made.factors.order == USUAL
    assert BACKUPS
    assert {*made.factors.options} == {kind for kind, factor in BUILT_IN.items() if factor.options is not None}


def test_given_rules_stay() -> None:
    """Written kinds, order and options hold.

    Allowed kinds that the order leaves out come last.
    """
    options = {"totp": TotpRules(digits=8)}
    given = FactorRules(allowed=("totp", "email", "webauthn", *BACKUPS), order=("email",), options=options)
    made = BUILT_IN.completed(Rules(factors=given))
    assert made.factors.allowed == given.allowed
    assert made.factors.order == ("email", *(kind for kind in USUAL if kind in ("totp", "webauthn")))
    assert made.factors.options["totp"] == TotpRules(digits=8)


def test_the_offer() -> None:
    """The strongest kind is offered after those whose code can be passed on.

    The policy may name others.
    """
    made = BUILT_IN.completed(Rules()).enrollment.nudge
    traits = BUILT_IN.traits
    assert traits[made.to].phishing_resistant
    assert made.to == next(kind for kind in USUAL if traits[kind].phishing_resistant)
    assert made.after == tuple(kind for kind in USUAL if traits[kind].typed and not traits[kind].phishing_resistant)
    assert not {*made.after} & {*BACKUPS}
    own = NudgeRules(to="totp", after=("sms",))
    kept = BUILT_IN.completed(Rules(enrollment=EnrollmentRules(nudge=own))).enrollment.nudge
    assert (kept.to, kept.after) == ("totp", ("sms",))


def test_each_tenant() -> None:
    """The rules of every tenant are filled in like those of the policy."""
    policy = BUILT_IN.complete(Policy(name="p", base=Rules(), tenants={"clinic": Rules()}))
    assert policy.base == policy.tenants["clinic"] == BUILT_IN.completed(Rules())


def test_kinds() -> None:
    """An unknown kind stands in for nothing."""
    assert [BUILT_IN.is_backup(kind) for kind in (BACKUPS[0], "totp", "unknown")] == [True, False, False]
    assert len(BUILT_IN) == len(USUAL) + len(BACKUPS)
    assert CodeShape() == CodeShape(length=6, letters=False, valid=1, ttl=0, option=())


@pytest.mark.parametrize(("steps", "valid"), [(0, 1), (1, 3)])
def test_codes_of_an_app_that_are_right_at_once(steps: int, valid: int) -> None:
    """The current one, and one on either side for each step of drift."""
    shape = Totp().code(rules(totp=TotpRules(drift_steps=steps)))
    assert shape == CodeShape(length=6, valid=valid)
    held = Totp().code(rules(), {"digits": "8"})
    assert held is not None
    assert held.length == 8


def waiting(status: Any = "pending", **parts: Any) -> Challenge:
    return replace(issued(BUILT_IN["push"].issue(context(), {})), status=status, **parts)


@pytest.mark.parametrize(
    ("status", "parts", "reason"),
    [
        ("approved", {}, ""),
        ("pending", {}, "pending"),
        ("denied", {"spent_at": NOW}, "denied"),
        ("approved", {"spent_at": NOW}, "code_already_used"),
        ("pending", {"expires_at": NOW}, "code_expired"),
    ],
)
def test_what_is_there_to_collect(status: str, parts: dict[str, int], reason: str) -> None:
    """Only an approval that still counts; everything else has its reason."""
    made = waiting(status, **parts)
    assert uncollected([made], NOW) == reason
    older = waiting("denied")
    assert uncollected([older, made], NOW) == reason
    assert uncollected([], NOW) == "nothing_sent"
