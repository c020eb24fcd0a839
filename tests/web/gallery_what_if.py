"""The page "What would happen" with its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Demand
from mfa_gate.core.rules import (
    AgreementRules,
    Exemption,
    FactorRules,
    PathRule,
    Policy,
    Rules,
    StepUpRule,
    SubjectExemption,
)
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.scenario import Given, judge
from mfa_gate.service.admin.documents import account_document
from mfa_gate.service.admin.rights import Actor
from mfa_gate.service.what_if import ASSUMED, Answer, ProofLine
from mfa_gate.web.views import Frame, Problem
from mfa_gate.web.views.admin import Desk
from mfa_gate.web.views.what_if import AdminWhatIf, verdict_of

TREE = (PathRule(text="/payout/**"),)
RULES = Rules(
    factors=FactorRules(allowed=("webauthn", "totp", "email", "sms", "backup-code")),
    exempt=(Exemption(name="health", paths=(PathRule(text="=/healthz"),), reason="probes"),),
    exempt_subjects=(SubjectExemption(name="patients", groups_any=("patient",), reason="the portal is out of scope"),),
    step_up=(
        StepUpRule(name="payout", paths=TREE, max_age=Seconds(300), factors_any=("totp", "webauthn")),
        StepUpRule(name="watched", paths=TREE, phishing_resistant=True, report_only=True),
        StepUpRule(name="others", paths=(PathRule(text="/reports/**"),), user_verification=True),
    ),
    agreement=AgreementRules(id="data", version="2025-01", title="Data Access", file="x.md", text="Text", digest="ab"),
)


def what_if_pages(frame: Frame, desk: Desk, now: int) -> Iterator[tuple[str, Any, Frame]]:
    """A form that cannot be read, and answers of several kinds."""
    desk = replace(desk, place="what-if")
    empty = AdminWhatIf(desk=desk)
    problems = tuple(Problem(reason=f"{name}_stated", field=name) for name in ("request", "address", "at"))
    wrong = replace(empty, account="ann", request="payout", address="here", at="soon")
    yield "admin-what-if-wrong", wrong, replace(frame, problems=problems)
    asked = replace(empty, account="ann", request="POST /payout/1", groups="staff")
    usual = Given(tenant="clinic", request="POST /payout/1", groups=("staff",), enrolled=("totp", "sms"))
    for name, given in {
        "asked": replace(usual, proof_age=Seconds(86_400)),
        "unclean": replace(usual, request="GET /payout//1", ip="other", proof_age=Seconds(60)),
        "sign-out": replace(usual, request="GET /logout", enrolled=()),
    }.items():
        yield f"admin-what-if-{name}", replace(asked, verdict=verdict_of(_answer(given, now))), frame
    ends = _answer(
        replace(usual, proof_age=Seconds(60)),
        now,
        Demand(rule="require_proof", max_age=Seconds(60), factors_any=("email",)),
    )
    yield "admin-what-if-nobody", replace(asked, verdict=verdict_of(ends), is_own_page=True), frame


def _answer(given: Given, now: int, *endpoint: Demand) -> Answer:
    rules = RULES if given.enabled else replace(RULES, enrollment=replace(RULES.enrollment, stage="off"))
    policy = Policy(name="northwind", base=rules)
    outcome = judge(policy, given, BUILT_IN.traits, now=now, endpoint=endpoint, sign_out="/logout")
    account = outcome.evidence.account
    browser = next(iter(account.browsers), None)
    proofs = tuple(
        ProofLine(
            browser=b.id, label=b.label, factor=p.factor, at=p.at, network="203.0.113.7", ends_at=now, counts=True
        )
        for b in account.browsers
        for p in b.proofs
    )
    return Answer(
        outcome=outcome,
        document=account_document(account, actor=Actor(name="boss"), rules=rules, now=now),
        settings=replace(outcome.settings, enabled_at=now - 86_400, factors=("totp", "sms")),
        proofs=proofs,
        browser=browser,
        network="203.0.113.7",
        is_known=browser is not None,
        assumed=tuple(ASSUMED),
    )
