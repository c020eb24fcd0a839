"""Judge a made-up request of a made-up person by the functions that judge real ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..core.assurance import VERIFIED, TraitsOf
from ..core.decision import (
    Agree,
    Allow,
    ChallengeReason,
    Decision,
    Deny,
    Enroll,
    StepUp,
    decide,
    enrollable_kinds,
)
from ..core.entropy import handle_digest
from ..core.evidence import UPSTREAM, Evidence, login_handle, skip_key, standing_for
from ..core.model import (
    Acceptance,
    Account,
    Authenticator,
    Browser,
    Caller,
    Lock,
    Proof,
    Seconds,
    Subject,
    Upstream,
)
from ..core.policy import Demand, Facts, Requirement, facts_of, freed, is_leaving, requirement_for, with_endpoint
from ..core.rules import Policy, Rules, TenantSettings, path_in

REASONS = (*get_args(ChallengeReason), "enrollment_required", "agreement_required", "locked", "")
"""The words that ``reason_of`` returns."""
HANDLE = "scenario"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Describe the situation of one of ``[[tests]]``.

    An absent key means: no group, nothing enrolled, nothing proven, turned on. ``login_age`` is the age of a sign-in at an
    identity provider that the policy trusts; ``ip`` is then the address at which it was first seen here.
    """

    tenant: str = "default"
    groups: tuple[str, ...] = ()
    enrolled: tuple[str, ...] = ()
    proof_age: Seconds | None = None
    proof_factor: str = ""
    login_age: Seconds | None = None
    ip: Literal["same", "other", "trusted"] = "same"
    request: str = "GET /"
    locked: bool = False
    skipped: bool = False
    agreed: bool = False
    at: int | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Describe the claim of one of ``[[tests]]``. Absent keys are not compared."""

    decision: Literal["off", "exempt", "enroll", "challenge", "agreement", "locked", "verified", "allow"]
    reason: str = ""
    rule: str = ""
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Hold one of ``[[tests]]``, typed."""

    name: str
    given: Given
    expect: Expect


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold the requirement and the decision of a scenario, and the evidence that was judged.

    ``endpoint`` are the demands of the code, ``free_kind`` is what the policy says without them. ``signs_out``: the request
    is the host's own sign-out, which the gate lets pass.
    """

    facts: Facts
    settings: TenantSettings
    now: int
    requirement: Requirement
    evidence: Evidence
    decision: Decision
    endpoint: tuple[Demand, ...] = ()
    free_kind: str = ""
    signs_out: bool = False


def given_fault(given: Given) -> str:
    """Find the reason why this situation is impossible; "" for a possible one."""
    method, _, path = given.request.partition(" ")
    if not method or not path.startswith("/"):
        return 'request must be a method and a path, like "GET /charts/1"'
    if given.proof_factor and given.proof_factor not in given.enrolled:
        return f'proof_factor "{given.proof_factor}" is not enrolled'
    if given.proof_age is not None and not given.enrolled:
        return "a proof needs something enrolled"
    return ""


def judge(
    policy: Policy,
    given: Given,
    traits: TraitsOf,
    *,
    now: int,
    endpoint: tuple[Demand, ...] = (),
    sign_out: str = "",
) -> Outcome:
    """Decide as the gate would in the situation ``given``.

    ``endpoint`` are the demands of the code that answers, ``sign_out`` is the path of the host's own sign-out. Raises
    ``ValueError`` for an impossible situation.
    """
    fault = given_fault(given)
    if fault:
        raise ValueError(fault)
    now = now if given.at is None else given.at
    method, _, target = given.request.partition(" ")
    rules = policy.rules_for(given.tenant)
    before, here = _networks(rules, given.ip)
    upstream = None if given.login_age is None else _login(rules, now - given.login_age)
    subject = Subject("somebody", given.tenant, frozenset(given.groups), "session", upstream)
    settings = TenantSettings(tenant=given.tenant, enabled_at=1 if given.enabled else 0)
    evidence = standing_for(
        Caller(subject=subject, handle=HANDLE, network=here),
        _account(subject, rules, given, traits, network=before, now=now),
        now=now,
        traits=traits,
        freshness=rules.freshness,
    )
    facts = facts_of(subject, method, path_in(target))
    return outcome_of(policy, facts, settings, evidence, now=now, endpoint=endpoint, sign_out=sign_out)


def outcome_of(
    policy: Policy,
    facts: Facts,
    settings: TenantSettings,
    evidence: Evidence,
    *,
    now: int,
    endpoint: tuple[Demand, ...],
    sign_out: str,
) -> Outcome:
    """Decide a request by the rules of the policy and the demands of the code.

    The host's own sign-out is exempt.
    """
    alone = requirement_for(policy, facts, settings, now)
    signs_out = is_leaving(facts.method, facts.path, sign_out)
    if signs_out:
        alone = freed(alone)
    requirement = with_endpoint(alone, endpoint)
    return Outcome(
        facts=facts,
        settings=settings,
        now=now,
        requirement=requirement,
        evidence=evidence,
        decision=decide(requirement, evidence, now),
        endpoint=requirement.demands[len(requirement.demands) - len(endpoint) :] if endpoint else (),
        free_kind=alone.free_kind,
        signs_out=signs_out,
    )


def reason_of(decision: Decision) -> str:
    """Return the stable word for the reason of a refusal; "" for a request that passes."""
    match decision:
        case StepUp():
            return decision.reason
        case Enroll():
            return "enrollment_required"
        case Agree():
            return "agreement_required"
        case Deny():
            return "locked"
        case Allow():
            return ""


def factors_of(outcome: Outcome) -> tuple[str, ...]:
    """List the kinds that the person is offered: to enroll, or to prove."""
    match outcome.decision:
        case Enroll() as decision:
            return enrollable_kinds(decision, outcome.requirement, outcome.evidence.account, outcome.evidence.traits)
        case StepUp(authenticators=ids):
            return tuple(a.factor for a in outcome.evidence.account.authenticators if a.id in ids)
    return ()


def _verifies(kind: str, traits: TraitsOf) -> bool:
    """Tell if authenticators of ``kind`` can verify their user: in a policy's test all do so."""
    return kind in traits and traits[kind].verifies_user


def _account(subject: Subject, rules: Rules, given: Given, traits: TraitsOf, *, network: str, now: int) -> Account:
    mine = tuple(
        Authenticator(id=f"a{number}", factor=kind, label=kind, created_at=0, data={VERIFIED: _verifies(kind, traits)})
        for number, kind in enumerate(given.enrolled)
    )
    browsers: tuple[Browser, ...] = ()
    if given.proof_age is not None:
        first = next((a for a in mine if not (a.factor in traits and traits[a.factor].backup)), mine[0])
        used = next((a for a in mine if a.factor == given.proof_factor), first)
        proof = Proof(
            factor=used.factor,
            authenticator=used.id,
            at=now - given.proof_age,
            network=network,
            epoch=0,
            phishing_resistant=used.factor in traits and traits[used.factor].phishing_resistant,
            user_verified=_verifies(used.factor, traits),
        )
        browsers = (Browser(id="b0", handle=HANDLE, label="browser", created_at=0, proofs=(proof,)),)
    if subject.upstream is not None:
        login = Proof(factor=UPSTREAM, authenticator=UPSTREAM, at=subject.upstream.auth_time, network=network, epoch=0)
        kept = Browser(id="l0", handle=login_handle(subject.upstream), label="", created_at=0, proofs=(login,))
        browsers = (*browsers, kept)
    agreement = rules.agreement
    accepted = (
        ()
        if agreement is None or not given.agreed
        else (
            Acceptance(
                agreement=agreement.id,
                version=agreement.version,
                digest=agreement.digest,
                at=now,
                network=network,
                session=handle_digest(subject.session),
            ),
        )
    )
    return Account(
        key=subject.key,
        authenticators=mine,
        browsers=browsers,
        logins=() if subject.upstream is None else ((subject.upstream.auth_time, now),),
        lock=Lock(at=now, cause="attempts", ref="") if given.locked else None,
        skips=((skip_key(subject, HANDLE), now),) if given.skipped else (),
        skip_count=1 if given.skipped else 0,
        acceptances=accepted,
    )


def _login(rules: Rules, at: int) -> Upstream:
    freshness = rules.freshness
    if not freshness.trusts_logins:
        raise ValueError("login_age needs freshness.trust_amr or freshness.trust_acr")
    return Upstream(amr=freshness.trust_amr[:1], acr="".join(freshness.trust_acr[:1]), auth_time=at)


def _networks(rules: Rules, ip: str) -> tuple[str, str]:
    """Return the network of the proof, and the network of the request."""
    if ip != "trusted":
        return "there", ("there" if ip == "same" else "elsewhere")
    names = rules.freshness.ip_change.trusted
    if not names:
        raise ValueError('ip = "trusted" needs freshness.ip_change.trusted')
    listed = [network for name in names for network in rules.networks.get(name, ())]
    first, last = listed[0].network_address, listed[-1].broadcast_address
    return rules.network_of(str(first)), rules.network_of(str(last))
