"""Compare a policy with a standard, clause by clause. A profile never changes the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ...core.durations import format_duration
from ...core.rules import DAY, Policy, Rules
from ...factors import BUILT_IN, Registry
from ...factors.base import CodeShape
from ...factors.optional_parts import MeetsProfiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Describe one departure: the key, the difference, and the clause."""

    path: str
    text: str
    clause: str


Row = tuple[str, str, str]
Rows = Callable[[Rules, Registry], Iterator[Row]]


def deviations(policy: Policy, profile: str, factors: Registry = BUILT_IN) -> tuple[Deviation, ...]:
    """List every departure of ``policy`` from ``profile`` (a key of ``PROFILES``).

    A departure of a tenant is listed only if the file's own rules do not have it.
    """
    base = list(_rows(policy.base, factors, profile))
    found = [Deviation(path=path, text=text, clause=clause) for path, text, clause in base]
    for tenant, rules in policy.tenants.items():
        found += [
            Deviation(path=f"tenants.{tenant}.{path}", text=text, clause=clause)
            for path, text, clause in _rows(rules, factors, profile)
            if (path, text, clause) not in base
        ]
    return tuple(found)


def _rows(rules: Rules, factors: Registry, profile: str) -> Iterator[Row]:
    """Compare the rules with the profile, and ask each allowed factor about its own options."""
    yield from PROFILES[profile](rules, factors)
    for kind in rules.factors.allowed:
        factor = factors.get(kind)
        if isinstance(factor, MeetsProfiles):
            for fault in factor.departures(rules, profile):
                yield ".".join(("factors", kind, *fault.key)), fault.text, fault.clause


def sent_codes(rules: Rules, factors: Registry) -> Iterator[tuple[str, CodeShape]]:
    """List the allowed factors that send a code to be typed, with their rules."""
    for kind in rules.factors.allowed:
        shape = factors[kind].code(rules) if kind in factors else None
        if shape is not None and shape.ttl:
            yield ".".join(("factors", kind, *shape.option)), shape


def _nist(rules: Rules, factors: Registry) -> Iterator[Row]:
    yield from _long_codes(rules, factors, "SP 800-63B-4 3.1.3.2")
    traits = factors.traits
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
    if rules.enrollment.first == "open":
        text = "binding a first factor asks for nothing besides the password"
        yield "enrollment.first", text, "SP 800-63B-4 4.1.2.1"
    if rules.freshness.outage_grace:
        yield "freshness.outage_grace", "what was revoked may pass while the store is gone", "SP 800-63B-4 5.2"
    yield from _in_force(rules, "SP 800-63B-4 2.2")


def _asvs(rules: Rules, factors: Registry) -> Iterator[Row]:
    yield from _long_codes(rules, factors, "ASVS 5.0 6.5.5")
    traits = factors.traits
    known = [traits[kind] for kind in rules.factors.allowed if kind in traits and not traits[kind].backup]
    if any(t.contact == "phone" for t in known) and all(t.contact for t in known):
        text = "the telephone is offered without a stronger factor besides it"
        yield "factors.allowed", text, "ASVS 5.0 6.6.1"
    if rules.freshness.outage_grace:
        yield "freshness.outage_grace", "it lets requests pass while nothing can be checked", "ASVS 5.0 16.5.3"
    yield from _in_force(rules, "ASVS 5.0 6.3.3")


def _long_codes(rules: Rules, factors: Registry, clause: str) -> Iterator[Row]:
    for path, code in sent_codes(rules, factors):
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
