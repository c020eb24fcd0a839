"""The floors of a change of factors, as a table of held and added kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes import change_demand, may_change
from mfa_gate.core.changes.enroll_rights import CHANGE_AGE, STRONGER
from mfa_gate.core.evidence import Evidence
from mfa_gate.core.model import Lock
from mfa_gate.core.policy import Demand, Requirement, floors_for
from mfa_gate.core.rules import PathRule, StepUpRule

from .builders import NOW, account, demand, evidence, proof, requirement, rules_with

STRONG = demand("strong", strong=True)
BY_APP = demand("app", factors=("app",))
BY_KEY = demand("key", factors=("key",))
EITHER = demand("either", factors=("app", "key"))


def asked(*floors: Demand, here: tuple[Demand, ...] = ()) -> Requirement:
    base = requirement()
    return replace(base, floors=floors, demands=(*base.demands, *here))


@pytest.mark.parametrize(
    ("held", "floors", "adding", "resistant", "kinds"),
    [
        (("mail",), (), "", False, ()),
        (("mail", "key"), (STRONG,), "", True, ()),
        (("mail", "key"), (STRONG,), "key", True, ()),
        (("mail", "key"), (STRONG,), "app", False, ()),
        (("mail",), (STRONG,), "", False, ()),
        (("mail",), (STRONG,), "key", False, ()),
        (("mail", "app"), (EITHER,), "key", False, ("app", "key")),
        (("mail", "app"), (EITHER,), "mail", False, ()),
        (("mail", "app"), (EITHER, STRONG), "", False, ("app", "key")),
        (("mail", "app", "key"), (EITHER, STRONG), "", True, ("app", "key")),
        (("app", "key"), (BY_APP, STRONG), "", True, ()),
        (("app", "key"), (BY_APP, STRONG), "app", False, ("app",)),
        (("app", "key"), (BY_APP, BY_KEY), "key", False, ("key",)),
        (("mail", "paper"), (demand("paper", factors=("paper",)),), "", False, ("paper",)),
    ],
)
def test_what_a_change_demands(
    held: tuple[str, ...], floors: tuple[Demand, ...], adding: str, resistant: bool, kinds: tuple[str, ...]
) -> None:
    """A change demands a fresh proof and the floors that a held factor meets.

    When a factor is added, its kind could meet the floor too. The demand can always be met.
    """
    wanted = change_demand(evidence(account(*held)), asked(*floors), adding=adding)
    assert (wanted.max_age, wanted.phishing_resistant, wanted.factors_any) == (CHANGE_AGE, resistant, kinds)
    able = [kind for kind in held if may_change(by(kind, *held), asked(*floors), NOW, adding=adding) is None]
    assert able
    weak = [kind for kind in held if kind not in able]
    for kind in weak:
        refusal = may_change(by(kind, *held), asked(*floors), NOW, adding=adding)
        assert refusal is not None
        assert refusal.reason == "proof_required"


def by(kind: str, *held: str) -> Evidence:
    """Return the evidence of a subject who holds these, with a fresh proof by one of them."""
    return evidence(account(*held, proofs=(proof(kind, age=10),)))


WITH_PIN = replace(demand("pin"), user_verification=True)
BY_MAIL = demand("mail", factors=("mail",))


@pytest.mark.parametrize(
    ("held", "floors", "wanted"),
    [
        (("app", "key"), (BY_APP, WITH_PIN), WITH_PIN),
        (("app", "key"), (WITH_PIN, BY_APP), WITH_PIN),
        (("mail", "app"), (EITHER, BY_MAIL), BY_MAIL),
        (("mail", "app"), (BY_MAIL, EITHER), BY_MAIL),
    ],
)
def test_the_strongest_floor_goes_first(held: tuple[str, ...], floors: tuple[Demand, ...], wanted: Demand) -> None:
    """If no factor meets two floors, that with a PIN counts, then that of fewest kinds.

    The order of the rules in the file does not matter.
    """
    found = change_demand(evidence(account(*held)), asked(*floors))
    assert (found.user_verification, found.factors_any) == (wanted.user_verification, wanted.factors_any)


def test_a_locked_account_changes_no_factor() -> None:
    """S-34: the refusal says that no attempt is left."""
    of = account("app", proofs=(proof(age=1),), lock=Lock(at=NOW, cause="attempts", ref="REF"))
    refusal = may_change(evidence(of), asked(), NOW)
    assert refusal is not None
    assert (refusal.reason, refusal.ref, refusal.attempts_remaining) == ("locked", "REF", 0)


@pytest.mark.parametrize(("floors", "told"), [((STRONG,), STRONGER), ((), "")])
def test_a_person_hears_which_proof_is_wanted(floors: tuple[Demand, ...], told: str) -> None:
    """Only where a weaker one would not do."""
    refusal = may_change(evidence(account("mail", "key", proofs=(proof("mail", age=999),))), asked(*floors), NOW)
    assert refusal is not None
    assert refusal.detail == told


@pytest.mark.parametrize(("frozen", "reason"), [(NOW, ""), (NOW + 1, "frozen")])
def test_the_end_of_a_rest(frozen: int, reason: str) -> None:
    """S-87: at exactly its end factors may change again."""
    refusal = may_change(evidence(account("app", proofs=(proof(age=1),), frozen_until=frozen)), asked(), NOW)
    assert (refusal.reason if refusal else "") == reason


def test_what_is_demanded_here_goes_first() -> None:
    """A floor of another path does not make the demand at our own pages impossible.

    Where the two cannot be met together, the demand of our own pages counts.
    """
    wanted = change_demand(evidence(account("app", "key")), asked(STRONG, here=(BY_APP,)))
    assert (wanted.phishing_resistant, wanted.factors_any) == (False, ("app",))


def test_a_strong_proof_that_is_not_fresh() -> None:
    """The floor is met by one proof that is fresh, not by an old one beside a fresh weak one."""
    of = account("mail", "key", proofs=(proof("key", age=CHANGE_AGE), proof("mail", age=1)))
    refusal = may_change(evidence(of), asked(STRONG), NOW)
    assert refusal is not None
    assert refusal.max_age == CHANGE_AGE


@pytest.mark.parametrize(
    ("more", "groups", "counts"),
    [
        ({}, set(), True),
        ({"report_only": True}, set(), False),
        ({"groups_any": ("admin",)}, {"admin"}, True),
        ({"groups_any": ("admin",)}, {"staff"}, False),
        ({"groups_none": ("guest",)}, {"guest"}, False),
        ({"methods": ("DELETE",)}, set(), True),
    ],
)
def test_whose_floors(more: dict[str, object], groups: set[str], counts: bool) -> None:
    """A rule is a floor for the people that it means, whatever its path and method.

    A rule that only reports is no floor.
    """
    rule = StepUpRule(name="r", paths=(PathRule(text="=/deep/in"),), **{"phishing_resistant": True, **more})  # type: ignore[arg-type]
    assert bool(floors_for(rules_with(step_up=(rule,)), frozenset(groups), tenant="t")) == counts
    assert not floors_for(rules_with(step_up=(rule,), mode="report-only"), frozenset(groups), tenant="t")
    by_age = replace(rule, phishing_resistant=False, max_age=60)  # type: ignore[arg-type]
    assert not floors_for(rules_with(step_up=(by_age,)), frozenset(groups), tenant="t")
