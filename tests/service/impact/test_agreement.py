"""The gate, ``explain``, ``[[tests]]`` and ``impact`` agree on every situation."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mfa_gate.core.assurance import VERIFIED
from mfa_gate.core.decision import Allow, Decision
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.evidence import skip_key
from mfa_gate.core.model import (
    Acceptance,
    Account,
    Authenticator,
    Caller,
    Lock,
    Proof,
    Seconds,
    Subject,
)
from mfa_gate.core.model import (
    Browser as KnownBrowser,
)
from mfa_gate.core.policy import facts_of
from mfa_gate.core.report import Part, Place, Row, situation_of
from mfa_gate.core.rules import TenantSettings, path_in
from mfa_gate.core.stops import Stop, stop_by
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.scenario import Given, judge
from mfa_gate.service import Actor, Judgement
from mfa_gate.service.impact import replay
from mfa_gate.service.what_if import Answer, Question
from tests.harness import AGREEMENT, FETCH, START, Browser, World, make_world
from tests.policyfile.kinds import policy

DAY = 86_400
HERE, THERE = "203.0.113.7", "198.51.100.9"
PAY = "[[step_up]]\nname = 'pay'\npaths = ['/pay/**']\nmethods = ['POST']\nmax_age = '5m'\n"
STRONG = "[[step_up]]\nname = 'strong'\npaths = ['/keys/**']\nphishing_resistant = true\ngroups_none = ['guest']\n"
NAMED = "[[step_up]]\nname = 'named'\npaths = ['=/pay/named']\nfactors_any = ['totp']\ngroups_any = ['staff']\n"
STATIC = "[[exempt]]\nname = 'static'\npaths = ['/static/**', '=/open']\nreason = 'x'\npermanent = true\n"
READ = "[[exempt]]\nname = 'read'\npaths = ['/read/**']\nmethods = ['GET']\nreason = 'x'\nexpires = 2031-01-01\n"
GUESTS = "[[exempt_subjects]]\nname = 'guests'\ngroups_any = ['guest']\ngroups_none = ['staff']\nreason = 'x'\npermanent = true\n"
FACTORS = "[factors]\nallowed = ['webauthn', 'totp', 'email', 'backup-code']\norder = ['webauthn', 'totp', 'email']\n"
PLAIN = FACTORS + "[enrollment]\nfirst = 'open'\n"
TEXTS = (
    PLAIN + PAY + STRONG + STATIC,
    PLAIN + NAMED + STRONG + GUESTS + READ,
    PLAIN.replace("first", "stage = 'optional'\nfirst") + PAY + STATIC + "[freshness]\nmax_age = '12h'\n",
    FACTORS + "choice = 'tenant'\n[enrollment]\nfirst = 'open'\nstage = 'admin'\n" + PAY + STRONG,
    PLAIN + PAY + "[freshness.ip_change]\naction = 'log'\n[attempts]\nlock_ends_sessions = true\n",
    PLAIN + READ + STRONG + "[freshness.ip_change]\ncompare = { v4 = 16, v6 = 48 }\n",
)
PATHS = (
    *("/", "/pay/1", "/pay/named", "/pay", "/keys/7", "/static/a.css", "/open", "/read/1", "/PAY/1", "/pay/1/"),
    *("/static//x", "/static/../pay/1", "/static/./x", "/read/\\x", "//open", "/static/x;y", "/pay/\u00e9"),
)
METHODS = ("GET", "POST", "HEAD", "DELETE", "PROPFIND")
KINDS = ("totp", "email", "webauthn", "backup-code")


@dataclass(frozen=True)
class Drawn:
    """One situation."""

    number: int
    text: int
    groups: tuple[str, ...]
    enrolled: tuple[str, ...]
    proof_factor: str
    proof_age: int | None
    moved: bool
    method: str
    path: str
    locked: bool
    skipped: bool
    agreed: bool
    agreement: bool
    enabled: bool
    chosen: tuple[str, ...]


def draw(dice: random.Random, number: int) -> Drawn:
    """Draw a situation; bounds of ages are drawn more often than the rest."""
    enrolled = tuple(dice.sample(KINDS, dice.choice((0, 1, 1, 2, 3))))
    factors = [kind for kind in enrolled if kind != "backup-code"]
    ages = (None, 0, 299, 300, 301, 12 * 3600 - 1, 12 * 3600, 7 * DAY - 1, 7 * DAY, 9 * DAY)
    age = dice.choice(ages) if factors else None
    return Drawn(
        number=number,
        text=dice.randrange(len(TEXTS)),
        groups=tuple(name for name in ("staff", "guest") if dice.random() < 0.4),
        enrolled=enrolled,
        proof_factor=dice.choice(factors) if factors else "",
        proof_age=age,
        moved=dice.random() < 0.3,
        method=dice.choice(METHODS),
        path=dice.choice(PATHS),
        locked=dice.random() < 0.1,
        skipped=dice.random() < 0.2,
        agreed=dice.random() < 0.5,
        agreement=dice.random() < 0.3,
        enabled=dice.random() < 0.8,
        chosen=tuple(dice.sample(KINDS[:3], dice.choice((0, 0, 1, 2)))),
    )


class Judges:
    """One policy with its gate, and the four that judge."""

    def __init__(self, text: str, *, agreement: bool) -> None:
        made = policy(text)
        if agreement:
            made = replace(made, base=replace(made.base, agreement=AGREEMENT))
        self.policy = made
        self.world: World = make_world(policy=made)
        self.seen: list[Judgement] = []
        access = self.world.gate.service.access
        plain_judge, plain_free = access.judge, access.free

        async def judged(*parts: Any, **more: Any) -> Judgement:
            found = await plain_judge(*parts, **more)
            self.seen.append(found)
            return found

        def free(*parts: Any) -> Judgement | None:
            found = plain_free(*parts)
            self.seen += [found] if found is not None else []
            return found

        access.judge = judged  # type: ignore[method-assign]
        access.free = free  # type: ignore[method-assign,assignment]

    async def gate(self, drawn: Drawn, browser: Browser) -> tuple[Decision | None, Stop | None]:
        """Ask the gate itself over ASGI: its decision, and the stop that it names."""
        self.seen.clear()
        browser.address = THERE if drawn.moved else HERE
        reply = await browser.ask(drawn.method, drawn.path, headers=FETCH)
        if not self.seen:
            return None, None  # exempt for everybody: nobody was asked who it is
        made = self.seen[-1]
        passes = bool(self.world.reached)
        self.world.reached.clear()
        assert passes is isinstance(made.decision, Allow), (reply.status, made.decision)
        if made.evidence is None or isinstance(made.decision, Allow):
            return made.decision, None
        return made.decision, stop_by(made.decision, made.requirement, made.evidence, START)

    async def explain(self, drawn: Drawn, subject: Subject) -> Decision:
        """Ask ``explain`` about the person in the store."""
        question = Question(
            key=subject.key,
            request=f"{drawn.method} {drawn.path}",
            groups=subject.groups,
            address=THERE if drawn.moved else HERE,
            browser="" if drawn.proof_age is not None else "new",
            at=START,
        )
        answer = await self.world.gate.service.what_if.ask(Actor(name="operator"), question)
        assert isinstance(answer, Answer)
        return answer.outcome.decision

    def test(self, drawn: Drawn) -> Decision:
        """Ask the one who runs ``[[tests]]``."""
        given = Given(
            groups=drawn.groups,
            enrolled=drawn.enrolled,
            proof_age=None if drawn.proof_age is None else Seconds(drawn.proof_age),
            proof_factor=drawn.proof_factor if drawn.proof_age is not None else "",
            ip="other" if drawn.moved else "same",
            request=f"{drawn.method} {drawn.path}",
            locked=drawn.locked,
            skipped=drawn.skipped,
            agreed=drawn.agreed,
            enabled=drawn.enabled,
        )
        return judge(self.policy, given, BUILT_IN.traits, now=START).decision

    def impact(self, drawn: Drawn, caller: Caller, settings: TenantSettings, account: Account) -> Stop | None:
        """Record the request as the gate does, and ask for the first stop of its replay."""
        facts = facts_of(caller.subject, drawn.method, path_in(drawn.path))
        place = Place(facts.method, facts.path, facts.path, facts.clean)
        row = Row(situation_of(caller, facts, settings, account), place, Stop("passes", ""), 1, START, START, 0)
        found = replay(self.policy, [Part("u", "", "", START // 3600, [row])], factors=BUILT_IN)
        if not found.stops:
            return None
        stop = found.stops[0]
        return Stop(stop.kind, stop.why, stop.rules)


def account_of(drawn: Drawn, subject: Subject, handle: str, network: str) -> Account:
    """Make the account of the situation."""
    mine = tuple(
        Authenticator(id=f"a{n}", factor=kind, label=kind, created_at=0, data={VERIFIED: kind == "webauthn"})
        for n, kind in enumerate(drawn.enrolled)
    )
    browsers: tuple[KnownBrowser, ...] = ()
    if drawn.proof_age is not None:
        used = next(one for one in mine if one.factor == drawn.proof_factor)
        proof = Proof(
            factor=used.factor,
            authenticator=used.id,
            at=START - drawn.proof_age,
            network=network,
            epoch=0,
            phishing_resistant=used.factor == "webauthn",
            user_verified=used.factor == "webauthn",
        )
        browsers = (KnownBrowser(id="b0", handle=handle, label="x", created_at=0, proofs=(proof,)),)
    accepted = Acceptance(
        agreement=AGREEMENT.id,
        version=AGREEMENT.version,
        digest=AGREEMENT.digest,
        at=START,
        network="",
        session=handle_digest(subject.session),
    )
    return Account(
        key=subject.key,
        authenticators=mine,
        browsers=browsers,
        lock=Lock(at=START, cause="attempts", ref="r") if drawn.locked else None,
        skips=((skip_key(subject, handle), START),) if drawn.skipped else (),
        skip_count=1 if drawn.skipped else 0,
        acceptances=(accepted,) if drawn.agreed else (),
    )


def told(decision: Decision) -> tuple[str, str, str, object]:
    """Name the parts of a decision that all must agree on."""
    return type(decision).__name__, decision.why.rule, decision.why.missing, getattr(decision, "reason", "")


async def agree(judges: Judges, drawn: Drawn) -> None:
    """Put one situation before all four."""
    world, tenant, id = judges.world, f"t{drawn.number}", f"p{drawn.number}"
    settings = TenantSettings(tenant=tenant, enabled_at=1 if drawn.enabled else 0, factors=drawn.chosen)
    subject = Subject(id, tenant, frozenset(drawn.groups), f"s-{id}-{tenant}")
    browser = await world.browser(id, tenant, groups=drawn.groups)
    cookies = world.gate.web.site.cookies
    jar = cookies.jar(subject.key, {"type": "http", "scheme": "http"})
    secret = f"{drawn.number:048d}"
    browser.cookies[jar.handle.decode()] = cookies.seal(jar, secret)
    rules = judges.policy.rules_for(tenant)
    handle = handle_digest(secret)
    account = account_of(drawn, subject, handle, rules.network_of(HERE))
    assert await world.store.swap(account)
    assert await world.store.swap_settings(settings)
    by_gate, stop = await judges.gate(drawn, browser)
    network = rules.network_of(THERE if drawn.moved else HERE)
    caller = Caller(subject=subject, handle=handle, network=network, address=THERE if drawn.moved else HERE, label="x")
    by_explain = await judges.explain(drawn, subject)
    if by_gate is None:
        assert isinstance(by_explain, Allow), drawn
        assert by_explain.state == "exempt", drawn
        by_gate = by_explain
    if not drawn.agreed and not drawn.skipped:  # explain takes what the newest sign-in has done for this one
        assert told(by_explain) == told(by_gate), drawn
    if not drawn.chosen or judges.policy.base.factors.choice != "tenant":
        assert told(judges.test(drawn)) == told(by_gate), drawn
    assert judges.impact(drawn, caller, settings, account) == stop, (drawn, by_gate)


async def all_agree(count: int, seed: int) -> None:
    """Draw situations, and put each before all four."""
    dice = random.Random(seed)
    judges = {(n, a): Judges(text, agreement=a) for n, text in enumerate(TEXTS) for a in (False, True)}
    for number in range(count):
        drawn = draw(dice, number)
        mine = judges[drawn.text, drawn.agreement]
        await mine.world.gate.web.open()
        await agree(mine, drawn)
    for one in judges.values():
        await one.world.gate.web.aclose()


async def test_two_hundred_situations() -> None:
    """Two hundred situations, drawn alike each time."""
    await all_agree(200, seed=15)


@pytest.mark.long
async def test_ten_thousand_situations() -> None:
    """Ten thousand situations."""
    await all_agree(10_000, seed=7)
