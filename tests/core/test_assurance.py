"""One proof against one demand: fresh and strong enough, or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.assurance import VERIFIED, Traits, can_meet, combine, could_meet, dead_end, meeting, meets
from mfa_gate.core.policy import Demand
from mfa_gate.core.rules import FreshnessRules

from .builders import NOW, TRAITS, authenticator, demand, proof, requirement, rules_with

ANY = demand()
BY_APP = demand("app", factors=("app",))
STRONG = demand("strong", strong=True)
WITH_PIN = replace(demand("pin"), user_verification=True)
PIN_OF_APP = replace(BY_APP, user_verification=True)


@pytest.mark.parametrize(
    ("factor", "parts", "asked", "met"),
    [
        ("app", {"age": ANY.max_age - 1}, ANY, True),
        ("app", {"age": ANY.max_age}, ANY, False),
        ("app", {}, BY_APP, True),
        ("mail", {}, BY_APP, False),
        ("key", {}, STRONG, True),
        ("app", {}, STRONG, False),
        ("key", {"user_verified": True}, WITH_PIN, True),
        ("key", {"user_verified": False}, WITH_PIN, False),
        ("app", {"user_verified": False}, ANY, True),
        ("app", {"user_verified": True}, PIN_OF_APP, True),
        ("key", {"user_verified": True}, PIN_OF_APP, False),
    ],
)
def test_a_proof_and_a_demand(factor: str, parts: dict[str, Any], asked: Demand, met: bool) -> None:
    """S-29: a proof counts that is fresh, of a kind that is asked for, and strong enough."""
    assert meets(proof(factor, **parts), asked, NOW) is met


def test_one_proof_meets_all_demands_together() -> None:
    """A fresh weak proof beside an old strong one is no fresh strong one."""
    fresh, strong = proof("app", age=10), proof("key", age=100)
    asked = (demand("young", max_age=60), STRONG)
    assert meeting((fresh, strong), asked[:1], NOW) == (fresh,)
    assert meeting((fresh, strong), asked[1:], NOW) == (strong,)
    assert meeting((fresh, strong), asked, NOW) == ()
    assert meeting((strong, proof("key", age=10)), asked, NOW) == (proof("key", age=10),)


@pytest.mark.parametrize(
    ("kind", "asked", "could"),
    [
        ("app", ANY, True),
        ("paper", ANY, True),
        ("key", demand("key", factors=("key",), strong=True), True),
        ("gone", ANY, False),
        ("gone", BY_APP, False),
        ("app", BY_APP, True),
        ("mail", BY_APP, False),
        ("app", STRONG, False),
        ("key", STRONG, True),
        ("app", WITH_PIN, False),
        ("key", WITH_PIN, True),
        ("pin", WITH_PIN, True),
        ("pin", STRONG, False),
    ],
)
def test_a_kind_and_a_demand(kind: str, asked: Demand, could: bool) -> None:
    """Nobody is asked for a factor that could not answer the demand.

    Nor is anybody asked for one that nobody knows.
    """
    traits = {**TRAITS, "pin": Traits(kind="pin", name="Pin", verifies_user=True)}
    assert could_meet(kind, asked, traits) is could


@pytest.mark.parametrize(
    ("data", "asked", "can"),
    [
        ({VERIFIED: True}, WITH_PIN, True),
        ({VERIFIED: False}, WITH_PIN, False),
        ({}, WITH_PIN, False),
        ({}, STRONG, True),
        ({VERIFIED: True}, BY_APP, False),
    ],
)
def test_a_security_key_without_a_pin(data: dict[str, object], asked: Demand, can: bool) -> None:
    """Its owner is not asked for a PIN that the key does not have.

    The owner may enroll something better.
    """
    assert can_meet(authenticator("key", data=data), asked, TRAITS) is can


def test_the_strictest_part_of_each() -> None:
    """Demands that are joined lose nothing of what one of them asks for."""
    young = demand("young", max_age=60, factors=("key", "app"))
    joint = combine((BY_APP, young, WITH_PIN, STRONG), rule="all")
    assert joint == Demand(
        rule="all", max_age=young.max_age, factors_any=("app",), phishing_resistant=True, user_verification=True
    )
    assert combine((ANY, ANY), rule="any") == replace(ANY, rule="any")
    nothing = combine((BY_APP, demand("key", factors=("key",)), young), rule="none")
    assert nothing.factors_any == ("",), "no factor in common: none meets it, and a third demand opens nothing"


@pytest.mark.parametrize(
    ("demands", "ways", "trusts", "rule"),
    [
        ((), ("app",), False, None),
        ((ANY,), ("app",), False, None),
        ((ANY,), (), False, "rule"),
        ((ANY, STRONG, STRONG), ("app",), False, "rule + strong"),
        ((ANY, STRONG), ("app", "key"), False, None),
        ((STRONG, BY_APP), ("app", "key"), False, "strong + app"),
        ((ANY,), (), True, None),
        ((STRONG,), ("app",), True, "strong"),
    ],
)
def test_a_page_that_nobody_could_ever_open(
    demands: tuple[Demand, ...], ways: tuple[str, ...], trusts: bool, rule: str | None
) -> None:
    """Its owner is told which rules together leave no way in.

    One way is enough to say nothing.
    """
    freshness = FreshnessRules(trust_amr=("mfa",) if trusts else ())
    asked = replace(requirement(rules_with(freshness=freshness)), demands=demands, factors=ways)
    found = dead_end(asked, TRAITS)
    assert (found and found.rule) == rule
