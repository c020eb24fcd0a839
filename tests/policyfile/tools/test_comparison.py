"""The classes of the comparison stand for all requests: chance finds nothing more."""

from __future__ import annotations

import random
from dataclasses import replace

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
from mfa_gate.policyfile.tools.comparison import NAMELESS, Pair, compare_rules, engine, witness_of
from mfa_gate.policyfile.tools.comparison.outcomes import Outcome, verdicts
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


WEAK, STRONG = frozenset({"totp", "sms"}), frozenset({"totp"})


APP = Holder(holds=(Held(kind="totp"),), proven_by=Held(kind="totp"))
KEY = Held(kind="webauthn", verified=True)


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        (Situation(holder=Holder()), "nothing set up"),
        (Situation(holder=APP, age=60), "authenticator app 1m old"),
        (Situation(holder=replace(APP, proven_by=None)), "authenticator app not proven"),
        (
            Situation(holder=Holder(holds=(KEY, *APP.holds), proven_by=KEY), age=60),
            "passkey that verified its user 1m old, authenticator app set up, too",
        ),
        (Situation(holder=Holder(proven_by=Login(amr="mfa")), age=60), "sign-in elsewhere (mfa) 1m old"),
        (Situation(holder=Holder(proven_by=Login(acr="gold")), age=60), "sign-in elsewhere (gold) 1m old"),
        *(
            (Situation(holder=Holder(), around=around), f"nothing set up, {said}")
            for around, said in (
                (Circumstances(state=State(lock="administrator")), "locked by an administrator"),
                (Circumstances(state=State(lock="attempts")), "locked after wrong answers"),
                (Circumstances(state=State(wrong=4)), "4 wrong answers"),
                (Circumstances(state=State(granted=True)), "with a break-glass grant"),
                (Circumstances(state=State(skips=2)), "set-up skipped 2 times"),
                (Circumstances(state=State(skips=1, skipped=True)), "set-up skipped 1 times, also in this sign-in"),
                (Circumstances(agreed="earlier"), "agreement accepted in an earlier sign-in"),
                (Circumstances(session="earlier"), "proven in an earlier sign-in"),
                (
                    Circumstances(place=Place("192.0.2.1", "192.0.2.9")),
                    "proven at 192.0.2.1 and now at 192.0.2.9",
                ),
            )
        ),
    ],
)
def test_the_words_of_a_situation(situation: Situation, said: str) -> None:
    """A witness names everything that is not as usual, in its order."""
    request = RequestClass(
        path="/a", clean=True, method="GET", person=Person(), at=NOW, settings=TenantSettings(tenant="t", enabled_at=1)
    )
    asked, passes = Outcome(kind="asked", rule="a"), Outcome(kind="passes", rule="proof")
    found = engine.Found(request=request, situation=situation, old=asked, new=passes, verdict="looser")
    pair = Pair(old=Rules(), new=Rules(), traits=BUILT_IN.traits, now=NOW)
    assert witness_of(found, pair).text == f"GET /a by anybody, {said}: asked (a) before, passes now"
    off = replace(
        request, at=NOW + DAY, person=Person(groups=("g", "h"), acting=True), settings=TenantSettings(tenant="t")
    )
    text = witness_of(replace(found, request=off), pair).text
    assert text.startswith("GET /a by somebody in the name of g and h, ")
    assert text.endswith("before the administrator turned it on: asked (a) before, passes now")
    assert ", from 2026-" in text


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (Outcome(kind="passes", rule="a"), Outcome(kind="passes", rule="b"), set()),
        (Outcome(kind="passes", rule="a"), Outcome(kind="asked", rule="a"), {"stricter"}),
        (Outcome(kind="asked", rule="a"), Outcome(kind="passes", rule="a"), {"looser"}),
        (Outcome(kind="locked", rule="a"), Outcome(kind="passes", rule="a"), {"looser"}),
        (Outcome(kind="asked", rule="a", ways=WEAK), Outcome(kind="asked", rule="a", ways=STRONG), {"stricter"}),
        (Outcome(kind="asked", rule="a", ways=STRONG), Outcome(kind="asked", rule="a", ways=WEAK), {"looser"}),
        (
            Outcome(kind="asked", rule="a", ways=STRONG),
            Outcome(kind="asked", rule="a", ways=frozenset({"sms"})),
            {"looser", "stricter"},
        ),
        (Outcome(kind="enroll", rule="a"), Outcome(kind="enroll", rule="a", skippable=True), {"looser"}),
        (Outcome(kind="enroll", rule="a", skippable=True), Outcome(kind="enroll", rule="a"), {"stricter"}),
        (
            Outcome(kind="enroll", rule="a", skippable=True),
            Outcome(kind="enroll", rule="a", skippable=True),
            set(),
        ),
    ],
)
def test_the_verdict_on_two_outcomes(old: Outcome, new: Outcome, found: set[str]) -> None:
    """More ways on are looser, fewer are stricter, and others are both."""
    assert verdicts(old, new) == found


def pair_of(old: Rules, new: Rules) -> Pair:
    """Compare two sets of rules."""
    return Pair(old=old, new=new, traits=BUILT_IN.traits, now=NOW)


PLAIN = BUILT_IN.completed(Rules())
FRESH = PLAIN.freshness
ANSWERS = {
    "max_age": replace(PLAIN, freshness=replace(FRESH, max_age=Seconds(60))),
    "remember": replace(PLAIN, freshness=replace(FRESH, remember="session")),
    "trust_amr": replace(PLAIN, freshness=replace(FRESH, trust_amr=("mfa",))),
    "trust_acr": replace(PLAIN, freshness=replace(FRESH, trust_acr=("gold",))),
    "action": replace(PLAIN, freshness=replace(FRESH, ip_change=replace(FRESH.ip_change, action="log"))),
    "compare": replace(
        PLAIN, freshness=replace(FRESH, ip_change=replace(FRESH.ip_change, compare=CompareRules(v4=24)))
    ),
    "attempts": replace(PLAIN, attempts=replace(PLAIN.attempts, max=3)),
    "lock": replace(PLAIN, attempts=replace(PLAIN.attempts, lock_ends_sessions=True)),
    "skip": replace(PLAIN, enrollment=replace(PLAIN.enrollment, skip=SkipRules(max=2))),
}
DEMANDS = {
    "allowed": replace(PLAIN, factors=replace(PLAIN.factors, allowed=("totp",))),
    "choice": replace(PLAIN, factors=replace(PLAIN.factors, choice="tenant")),
    "ways": replace(PLAIN, recovery=replace(PLAIN.recovery, ways=())),
    "stage": replace(PLAIN, enrollment=replace(PLAIN.enrollment, stage="optional")),
    "optional_from": replace(PLAIN, enrollment=replace(PLAIN.enrollment, optional_from=NOW)),
    "required_from": replace(PLAIN, enrollment=replace(PLAIN.enrollment, required_from=NOW)),
    "mode": replace(PLAIN, mode="report-only"),
    "max_age": ANSWERS["max_age"],
    "step_up": replace(PLAIN, step_up=(StepUpRule(name="s", paths=(PathRule(text="/a/**"),), max_age=Seconds(60)),)),
}


def test_what_may_be_passed_over() -> None:
    """Two sides that demand or answer alike save the look at every request.

    Each part tells them apart.
    """
    for name, other in ANSWERS.items():
        for pair in (pair_of(PLAIN, other), pair_of(other, PLAIN)):
            assert not pair.same_answers, name
            assert pair.same_demands == (name not in DEMANDS), name
            assert pair.same_places == (name not in ("action", "compare")), name
    for name, other in DEMANDS.items():
        for pair in (pair_of(PLAIN, other), pair_of(other, PLAIN)):
            assert not pair.same_demands, name
            assert pair.same_answers == (name not in ANSWERS), name
    same = pair_of(PLAIN, replace(PLAIN, owner="somebody@x.example"))
    assert (same.same_demands, same.same_answers, same.same_places) == (True, True, True)


@pytest.mark.parametrize(
    ("name", "needed"),
    [("trust_amr", True), ("trust_acr", True), ("max_age", False), ("remember", False), ("action", False)],
)
def test_rules_that_are_the_same_on_both_sides(name: str, needed: bool) -> None:
    """They are looked at only where the sign-ins that meet a strong demand differ."""
    assert pair_of(PLAIN, ANSWERS[name]).needs_every_rule is needed
    strong = replace(PLAIN, freshness=replace(FRESH, trust_acr=("phr",), phishing_resistant_acr=("phr",)))
    weak = replace(PLAIN, freshness=replace(FRESH, trust_acr=("phr",), phishing_resistant_acr=()))
    assert pair_of(strong, weak).needs_every_rule
    assert not pair_of(strong, strong).needs_every_rule


def test_what_was_not_compared_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that is cut short is not the same as one that finds nothing."""
    monkeypatch.setattr(engine, "MOST_DECISIONS", 1)
    compared = compare_rules(pair_of(PLAIN, ANSWERS["remember"]))
    assert "some combinations of demands were not compared" in compared.left_out
    assert not compared.is_same
    monkeypatch.undo()
    assert compare_rules(pair_of(PLAIN, PLAIN)).is_same
    assert compare_rules(pair_of(PLAIN, ANSWERS["remember"])).left_out == ()
