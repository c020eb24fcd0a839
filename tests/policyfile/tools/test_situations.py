"""A comparison looks at one person and age of each sort that the policies tell apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Demand
from mfa_gate.core.rules import FactorRules, FreshnessRules, Rules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.tools.comparison import Pair
from mfa_gate.policyfile.tools.comparison.situations import Demands, Held, Holder, Login, ages, holders

USUAL = BUILT_IN.completed(Rules())
ALL = tuple(BUILT_IN.traits)
FRESH = Demand(rule="base", max_age=Seconds(3600))


def pair(old: Rules = USUAL, new: Rules = USUAL) -> Pair:
    return Pair(old=old, new=new, traits=BUILT_IN.traits, now=0)


def with_factors(**values: object) -> Rules:
    return replace(USUAL, factors=replace(USUAL.factors, **values))  # type: ignore[arg-type]


def alone(compared: Pair, demands: Demands = ()) -> list[tuple[str, bool]]:
    """List the people with one factor and a proof by it: its kind, and if it verified them."""
    found = [holder.holds[0] for holder in holders(compared, demands) if holder.proven_by in holder.holds]
    return [(held.kind, held.verified) for held in found]


@pytest.mark.parametrize(
    ("compared", "demands", "kinds"),
    [
        # Passkeys resist phishing, backup codes are no usual factor, and all others are alike.
        (pair(), (), ["webauthn", "push", "backup-code"]),
        (pair(), (replace(FRESH, factors_any=("sms",)),), ["webauthn", "push", "sms", "backup-code"]),
        (pair(new=with_factors(allowed=("webauthn", "totp"))), (), ["webauthn", "push", "totp", "backup-code"]),
        # A tenant may choose any of them, which tells them all apart, whichever of the two lets it.
        (pair(with_factors(choice="tenant"), USUAL), (), [*ALL]),
        (pair(USUAL, with_factors(choice="tenant")), (), [*ALL]),
    ],
)
def test_one_of_each_sort_of_factor(compared: Pair, demands: Demands, kinds: list[str]) -> None:
    """Factors that both policies and all demands treat alike count as one."""
    assert alone(compared, demands) == [(kind, False) for kind in kinds]


def test_a_factor_may_have_verified_its_user() -> None:
    """A passkey is looked at with and without, where a demand asks; others never verify."""
    found = alone(pair(), (replace(FRESH, user_verification=True),))
    assert found == [("webauthn", False), ("webauthn", True), ("push", False), ("backup-code", False)]


def test_the_people_who_are_looked_at() -> None:
    """People with one factor, proven or not, with two, with none, and signed in elsewhere."""
    trusting = replace(USUAL, freshness=FreshnessRules(trust_amr=("mfa", "hwk"), trust_acr=("phr", "two", "a")))
    only = replace(trusting, factors=FactorRules(allowed=("webauthn", "totp"), order=("webauthn", "totp")))
    passkey, app = Held(kind="webauthn"), Held(kind="totp")
    logins = Login(amr="mfa"), Login(acr="phr"), Login(acr="two")  # one of each way, and the strong one
    assert set(holders(pair(only, only), ())) == {
        *(Holder(holds=(one,), proven_by=by) for one in (passkey, app) for by in (one, None, *logins)),
        Holder(holds=(passkey, app)),
        *(Holder(proven_by=by) for by in (None, *logins)),
    }


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((), [43_200]),
        ((3600,), [1800, 3600]),
        ((300, 3600, 604_800), [120, 1920, 259_200, 864_000]),
    ],
)
def test_one_age_between_each_two_limits(limits: tuple[int, ...], expected: list[int]) -> None:
    """Each age is a round one inside of its two limits, and the last is beyond them."""
    assert list(ages(tuple(replace(FRESH, max_age=Seconds(limit)) for limit in limits))) == expected
