"""The classes of the comparison stand for all requests: chance finds nothing more."""

from __future__ import annotations

import random

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.networks import parse_networks
from mfa_gate.core.rules import (
    METHODS,
    CompareRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    PathRule,
    Rules,
    SkipRules,
    StepUpRule,
    SubjectExemption,
    TenantSettings,
)
from mfa_gate.core.rules.sections import AttemptRules
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.tools.comparison import NAMELESS, Pair, compare_rules
from mfa_gate.policyfile.tools.comparison.people import Person
from mfa_gate.policyfile.tools.comparison.places import Place
from mfa_gate.policyfile.tools.comparison.request_classes import RequestClass
from mfa_gate.policyfile.tools.comparison.sides import judge, side_of
from mfa_gate.policyfile.tools.comparison.situations import Circumstances, Held, Holder, Login, Situation, State

NOW = 1_790_000_000
DAY = 86_400
PATHS = ("/a/**", "/A/b/**", "=/a/b", "=/c", "/c/**")
GROUPS = ("g", "h", "i")
KINDS = ("webauthn", "totp", "sms", "backup-code")
ADDRESSES = ("198.51.100.1", "198.51.100.14", "198.51.100.200", "203.0.113.1", "203.0.113.2")


def some(chance: random.Random, words: tuple[str, ...], *, least: int = 0) -> tuple[str, ...]:
    """Some of the words, in their order."""
    chosen = chance.sample(words, chance.randint(least, len(words)))
    return tuple(word for word in words if word in chosen)


def rules_by(chance: random.Random) -> Rules:
    """Some rules of every kind."""
    step_up = tuple(
        StepUpRule(
            name=f"s{n}",
            paths=tuple(PathRule(text=text) for text in some(chance, PATHS, least=1)),
            methods=chance.choice([(), ("POST",), ("GET", "PUT")]),
            max_age=chance.choice([None, Seconds(300), Seconds(3600)]),
            factors_any=chance.choice([(), (), ("totp", "webauthn")]),
            phishing_resistant=chance.random() < 0.2,
            user_verification=chance.random() < 0.1,
            report_only=chance.random() < 0.1,
            groups_any=some(chance, GROUPS) if chance.random() < 0.3 else (),
            groups_none=some(chance, GROUPS) if chance.random() < 0.3 else (),
        )
        for n in range(chance.randint(0, 2))
    )
    exempt = tuple(
        Exemption(
            name=f"e{n}",
            paths=tuple(PathRule(text=text) for text in some(chance, PATHS, least=1)),
            methods=chance.choice([METHODS, ("GET",), ("POST", "HEAD")]),
            expires_at=chance.choice([None, NOW - DAY, NOW + DAY]),
        )
        for n in range(chance.randint(0, 1))
    )
    subjects = tuple(
        SubjectExemption(name=f"x{n}", groups_any=some(chance, GROUPS, least=1), groups_none=some(chance, GROUPS))
        for n in range(chance.randint(0, 1))
    )
    acr = chance.choice([(), (), ("phr",), ("phr", "two")])
    return BUILT_IN.completed(
        Rules(
            mode="enforce" if chance.random() < 0.9 else "report-only",
            factors=FactorRules(
                allowed=chance.choice([KINDS, KINDS, ("totp", "sms"), ("webauthn", "totp", "backup-code")]),
                choice=chance.choice(["user", "user", "tenant"]),
            ),
            enrollment=EnrollmentRules(
                stage=chance.choice(["required", "required", "optional", "admin"]),
                skip=SkipRules(max=chance.choice([0, 2])),
            ),
            freshness=FreshnessRules(
                max_age=chance.choice([Seconds(DAY), Seconds(7 * DAY)]),
                remember=chance.choice(["browser", "browser", "session"]),
                trust_acr=acr,
                ip_change=IPChangeRules(
                    action=chance.choice(["challenge", "challenge", "log"]),
                    compare=CompareRules(v4=chance.choice([24, 32])),
                    trusted=chance.choice([(), ("hq",)]),
                ),
            ),
            attempts=AttemptRules(max=chance.choice([5, 7]), lock_ends_sessions=chance.random() < 0.3),
            networks={"hq": parse_networks(chance.choice([["198.51.100.0/28"], ["198.51.100.0/24"]]))},
            exempt=exempt,
            exempt_subjects=subjects,
            step_up=step_up,
        )
    )


def request_by(chance: random.Random) -> RequestClass:
    """Any request."""
    return RequestClass(
        path=chance.choice(["/", "/a", "/a/b", "/A/b", "/a/b/", "/A/B/x", "/a/x", "/c", "/c/", "/C/x", "/z"]),
        clean=chance.random() < 0.9,
        method=chance.choice([*METHODS, "PROPFIND"]),
        person=Person(groups=some(chance, GROUPS), acting=chance.random() < 0.2),
        at=chance.choice([NOW, NOW + 2 * DAY]),
        settings=TenantSettings(
            tenant=NAMELESS, enabled_at=chance.randint(0, 1), factors=chance.choice([(), (), ("totp",), ("sms",)])
        ),
    )


def situation_by(chance: random.Random) -> Situation:
    """Any situation."""
    holds = tuple(
        Held(kind=kind, verified=kind == "webauthn" and chance.random() < 0.5) for kind in some(chance, KINDS)
    )
    login = Login(acr=chance.choice(["phr", "two"]))
    holder = Holder(holds=holds, proven_by=chance.choice([None, login, *holds]))
    state = chance.choice([State()] * 4 + [State(lock="attempts"), State(wrong=6), State(skips=2, skipped=True)])
    return Situation(
        holder=Holder() if state.skips else holder,
        age=chance.choice([60, 1800, 7200, 2 * DAY, 10 * DAY]),
        around=Circumstances(
            state=state,
            place=Place(*chance.choices(ADDRESSES, k=2)),
            session=chance.choice(["this", "this", "earlier"]),
        ),
    )


def check(seed: int) -> None:
    """Compare two sets of rules, then look for a request that is decided differently."""
    chance = random.Random(seed)
    old, other = rules_by(chance), rules_by(chance)
    parts = chance.sample(
        ["mode", "factors", "enrollment", "freshness", "attempts", "networks", "exempt", "exempt_subjects", "step_up"],
        2,
    )
    new = Rules(**{name: getattr(other if name in parts else old, name) for name in Rules.__dataclass_fields__})
    compared = compare_rules(Pair(old=old, new=new, traits=BUILT_IN.traits, now=NOW))
    told = {found.verdict for found in compared.found}
    sides = side_of(old, None, BUILT_IN.traits), side_of(new, None, BUILT_IN.traits)
    for _ in range(60):
        request, situation = request_by(chance), situation_by(chance)
        judged = judge(sides, (sides[0].requirement(request), sides[1].requirement(request)), situation)
        missed = judged.verdicts - told
        assert not missed or compared.left_out, (seed, parts, missed, request, situation, judged)


@pytest.mark.parametrize("start", range(0, 20, 10))
def test_chance_finds_nothing_more(start: int) -> None:
    """Requests and situations by chance show no direction that the comparison does not tell."""
    for seed in range(start, start + 10):
        check(seed)


@pytest.mark.long
@pytest.mark.parametrize("start", range(100, 2100, 100))
def test_chance_finds_nothing_more_in_many_rounds(start: int) -> None:
    """The same, 120,000 times."""
    for seed in range(start, start + 100):
        check(seed)
