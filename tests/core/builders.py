"""Builders of accounts, callers and rules for the tests of the core.

The factors here are of no kind that the product has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfa_gate.core.assurance import Traits
from mfa_gate.core.changes import Charge, charge
from mfa_gate.core.decision import Decision, decide
from mfa_gate.core.events import Moment
from mfa_gate.core.evidence import Evidence, standing_for
from mfa_gate.core.model import Account, Authenticator, Browser, Caller, Challenge, Proof, Seconds, Subject
from mfa_gate.core.policy import Demand, Facts, Requirement, requirement_for
from mfa_gate.core.rules import (
    DAY,
    EnrollmentRules,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    Policy,
    Rules,
    TenantSettings,
)

NOW = 1_900_000_000
HOME = "198.51.100.7"
AWAY = "203.0.113.9"
HANDLE = "h" * 22
WEEK = 7 * DAY

APP = Traits(kind="app", name="App")
TEXT = Traits(kind="text", name="Text", needs_challenge=True, sends="sms", contact="phone")
MAIL = Traits(kind="mail", name="Mail", needs_challenge=True, sends="email", single=True, contact="email")
KEY = Traits(kind="key", name="Key", phishing_resistant=True, verifies_user=True)
PAPER = Traits(kind="paper", name="Paper", backup=True, single=True)
TRAITS = {t.kind: t for t in (APP, TEXT, MAIL, KEY, PAPER)}
"""Invented kinds: the core reasons on traits alone (design 3)."""

ANN = Subject("ann", "clinic", session="sign-in 1")
NO_SESSION_ANN = Subject("ann", "clinic")


def factor_rules(*allowed: str) -> FactorRules:
    return FactorRules(allowed=allowed or tuple(TRAITS), order=("key", "app", "text", "mail"))


def rules_with(**parts: Any) -> Rules:
    return Rules(**{"factors": factor_rules(), "enrollment": EnrollmentRules(first="open"), **parts})


def requirement(rules: Rules | None = None, *, path: str = "/records", **facts: Any) -> Requirement:
    policy = Policy(name="test", base=rules or rules_with())
    asked = Facts(**{"tenant": "clinic", "groups": frozenset(), "method": "GET", "path": path, **facts})
    return requirement_for(policy, asked, TenantSettings(tenant="clinic", enabled_at=1), NOW)


def authenticator(factor: str = "app", id: str = "", **parts: Any) -> Authenticator:
    data = {"uv": True} if factor == "key" else {}
    made = {"id": id or f"{factor}-1", "factor": factor, "label": factor, "created_at": NOW, "data": data}
    return Authenticator(**{**made, **parts})


def proof(factor: str = "app", *, age: int = 60, **parts: Any) -> Proof:
    found: dict[str, Any] = {
        "factor": factor,
        "authenticator": f"{factor}-1",
        "at": NOW - age,
        "network": HOME,
        "epoch": 0,
        "phishing_resistant": TRAITS[factor].phishing_resistant if factor in TRAITS else False,
    }
    return Proof(**{**found, **parts})


def browser(*proofs: Proof, **parts: Any) -> Browser:
    return Browser(**{"id": "b1", "handle": HANDLE, "label": "Firefox", "created_at": 0, "proofs": proofs, **parts})


def account(*factors: str, proofs: tuple[Proof, ...] = (), subject: Subject = ANN, **parts: Any) -> Account:
    browsers = (browser(*proofs),) if proofs else ()
    mine = tuple(authenticator(factor) for factor in factors)
    return Account(**{"key": subject.key, "authenticators": mine, "browsers": browsers, **parts})


def caller(subject: Subject = ANN, *, handle: str = HANDLE, network: str = HOME, **parts: Any) -> Caller:
    return Caller(subject=subject, handle=handle, network=network, **parts)


def evidence(of: Account, who: Caller | None = None, *, now: int = NOW, any_network: bool = False) -> Evidence:
    change = IPChangeRules(action="log" if any_network else "challenge")
    return standing_for(who or caller(), of, now=now, traits=TRAITS, freshness=FreshnessRules(ip_change=change))


def judged(of: Account, demanded: Requirement | None = None, who: Caller | None = None, *, now: int = NOW) -> Decision:
    demanded = demanded or requirement()
    log = demanded.rules.freshness.ip_change.action == "log"
    return decide(demanded, evidence(of, who, now=now, any_network=log), now)


def moment(now: int = NOW, nonce: bytes = b"n" * 32, **parts: Any) -> Moment:
    return Moment(now=now, nonce=nonce, network=HOME, **parts)


def challenge(id: str = "c1", *, age: int = 10, ttl: int = 600, **parts: Any) -> Challenge:
    found: dict[str, Any] = {
        "id": id,
        "factor": "mail",
        "purpose": "sign-in",
        "target": "mail-1",
        "browser": HANDLE,
        "issued_at": NOW - age,
        "expires_at": NOW - age + ttl,
        "data": {"code": "digest"},
    }
    return Challenge(**{**found, **parts})


def taken_from(of: Account, rules: Rules, *, now: int = NOW) -> tuple[Account, Charge]:
    """The account with one attempt charged, and the charge."""
    change = charge(of, moment(now), rules)
    assert isinstance(change.answer, Charge)
    return change.account, change.answer


def with_demands(base: Requirement, *demands: Demand) -> Requirement:
    return replace(base, demands=demands)


def demand(rule: str = "rule", *, max_age: int = WEEK, factors: tuple[str, ...] = (), strong: bool = False) -> Demand:
    return Demand(rule=rule, max_age=Seconds(max_age), factors_any=factors, phishing_resistant=strong)
