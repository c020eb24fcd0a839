"""Compare a policy with a standard, clause by clause. A profile never changes the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...core.assurance import TraitsOf
from ...core.durations import format_duration
from ...core.rules import DAY, CodeRules, FactorRules, Policy, Rules
from ..shape import specs_of
from ..traits import known_traits


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Describe one departure: the key, the difference, and the clause."""

    path: str
    text: str
    clause: str


Row = tuple[str, str, str]
Rows = Callable[[Rules, TraitsOf], Iterator[Row]]


def deviations(policy: Policy, profile: str, traits: TraitsOf | None = None) -> tuple[Deviation, ...]:
    """List every departure of ``policy`` from ``profile`` (a key of ``PROFILES``).

    A departure of a tenant is listed only if the file's own rules do not have it.
    """
    known = known_traits() if traits is None else traits
    rows = PROFILES[profile]
    base = list(rows(policy.base, known))
    found = [Deviation(path=path, text=text, clause=clause) for path, text, clause in base]
    for tenant, rules in policy.tenants.items():
        found += [
            Deviation(path=f"tenants.{tenant}.{path}", text=text, clause=clause)
            for path, text, clause in rows(rules, known)
            if (path, text, clause) not in base
        ]
    return tuple(found)


def sent_codes(rules: Rules) -> Iterator[tuple[str, CodeRules]]:
    """List the allowed factors that send a code to be typed, with their rules."""
    for spec in specs_of(FactorRules):
        if spec.kind != "table" or spec.key not in rules.factors.allowed:
            continue
        factor = getattr(rules.factors, spec.name)
        if hasattr(factor, "code") and getattr(factor, "confirm", "code") == "code":
            yield f"factors.{spec.key}.code", factor.code


def _nist(rules: Rules, traits: TraitsOf) -> Iterator[Row]:
    yield from _long_codes(rules, "SP 800-63B-4 3.1.3.2")
    for kind in rules.factors.allowed:
        contact = traits[kind].contact if kind in traits else ""
        if contact == "email":
            text = f'"{kind}" proves no device; it is not accepted out of band'
            yield "factors.allowed", text, "SP 800-63B-4 3.1.3.1"
        if contact == "phone":
            text = f'"{kind}" is restricted: tell its risk, offer another besides it, keep a plan to leave it'
            yield "factors.allowed", text, "SP 800-63B-4 3.2.9"
    if not any(traits[kind].phishing_resistant for kind in rules.factors.allowed if kind in traits):
        yield "factors.allowed", "no phishing-resistant factor is offered", "SP 800-63B-4 2.2.2"
    if rules.freshness.max_age > DAY:
        text = f'"{format_duration(rules.freshness.max_age)}" is longer than the 24 hours that AAL2 recommends'
        yield "freshness.max_age", text, "SP 800-63B-4 2.2.3"
    if "push" in rules.factors.allowed and rules.factors.push.digits < 6:
        text = f"{rules.factors.push.digits} digits; a secret that crosses channels has six or more"
        yield "factors.push.digits", text, "SP 800-63B-4 3.1.3.2"
    if rules.enrollment.first == "open":
        text = "binding a first factor asks for nothing besides the password"
        yield "enrollment.first", text, "SP 800-63B-4 4.1.2.1"
    if rules.freshness.outage_grace:
        yield "freshness.outage_grace", "what was revoked may pass while the store is gone", "SP 800-63B-4 5.2"
    yield from _in_force(rules, "SP 800-63B-4 2.2")


def _asvs(rules: Rules, traits: TraitsOf) -> Iterator[Row]:
    yield from _long_codes(rules, "ASVS 5.0 6.5.5")
    if "totp" in rules.factors.allowed and rules.factors.totp.period > 30:
        text = f'"{format_duration(rules.factors.totp.period)}" is longer than 30 seconds'
        yield "factors.totp.period", text, "ASVS 5.0 6.5.5"
    known = [traits[kind] for kind in rules.factors.allowed if kind in traits and not traits[kind].backup]
    if any(t.contact == "phone" for t in known) and all(t.contact for t in known):
        text = "the telephone is offered without a stronger factor besides it"
        yield "factors.allowed", text, "ASVS 5.0 6.6.1"
    if rules.freshness.outage_grace:
        yield "freshness.outage_grace", "it lets requests pass while nothing can be checked", "ASVS 5.0 16.5.3"
    yield from _in_force(rules, "ASVS 5.0 6.3.3")


def _long_codes(rules: Rules, clause: str) -> Iterator[Row]:
    for path, code in sent_codes(rules):
        if code.ttl > 600:
            yield f"{path}.ttl", f'"{format_duration(code.ttl)}" is longer than ten minutes', clause


def _in_force(rules: Rules, clause: str) -> Iterator[Row]:
    enrollment = rules.enrollment
    dated = enrollment.optional_from is not None or enrollment.required_from is not None
    if rules.mode == "report-only":
        yield "mode", "nobody is interrupted", clause
    if not dated and enrollment.stage in ("off", "optional"):
        yield "enrollment.stage", f'"{enrollment.stage}": a second factor is not required', clause
    if dated and enrollment.required_from is None:
        yield "enrollment.required_from", "a second factor is never required", clause


PROFILES: Mapping[str, Rows] = {"nist-aal2": _nist, "asvs-l2": _asvs}
