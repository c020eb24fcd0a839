"""Find weak spots of a valid policy, exemptions near their end, and rules without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...core.assurance import TraitsOf
from ...core.durations import format_duration
from ...core.policy import demand_of, factors_for
from ...core.rules import DAY, RECOVERY_WAYS, Exemption, Policy, Rules, SubjectExemption, TenantSettings
from ...factors import BUILT_IN, Registry
from ..checks import factors_besides_backup
from ..faults import listed

Severity = Literal["warning", "note"]

SOON = 30 * DAY
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Describe one remark. ``path`` is dotted.

    A ``warning`` makes ``policy check --strict`` fail, a ``note`` never does.
    """

    severity: Severity
    path: str
    text: str


Remark = tuple[Severity, str, str]
Remarks = Callable[[Rules, TraitsOf, int], Iterator[Remark]]


def findings(policy: Policy, *, now: int, factors: Registry = BUILT_IN) -> tuple[Finding, ...]:
    """List every remark on ``policy`` at the second ``now``.

    A remark on a value that a tenant has from the file is listed once, for the file.
    """
    known = factors.traits
    base = [remark for remarks in ALL for remark in remarks(policy.base, known, now)]
    found = [Finding(severity=severity, path=path, text=text) for severity, path, text in base]
    for tenant, rules in policy.tenants.items():
        own = [remark for remarks in ALL for remark in remarks(rules, known, now)]
        found += [
            Finding(severity=severity, path=f"tenants.{tenant}.{path}", text=text)
            for severity, path, text in own
            if (severity, path, text) not in base
        ]
    return tuple(found)


def _ways_in(rules: Rules, traits: TraitsOf, _now: int) -> Iterator[Remark]:
    path = "factors.allowed"
    alone = factors_besides_backup(rules, traits)
    backed = len(alone) < len(factors_for(rules, TenantSettings(tenant="")))
    known = [traits[kind] for kind in alone if kind in traits]
    if known and len(known) == len(alone) and all(t.contact == "phone" for t in known) and not backed:
        yield "warning", path, "only the telephone, and no backup codes: who loses the phone has no way in (P-11)"
    if known and len(known) == len(alone) and all(t.contact == "email" for t in known):
        yield (
            "warning",
            path,
            "e-mail is the only factor: where passwords are reset by e-mail as well, one mailbox opens both "
            "(SP 800-63B-4 3.1.3.1 does not accept it)",
        )
    for kind in alone:
        if kind not in traits:
            yield "warning", path, f'"{kind}" is not built into this version; nobody can enroll it'
    for kind in rules.factors.allowed:
        if kind in RECOVERY_WAYS and kind not in rules.recovery.ways:
            yield "warning", path, f'"{kind}" is allowed and recovery.ways does not have it: none are made or taken'
    if rules.factors.choice == "tenant" and len(alone) < 2:
        yield "warning", "factors.choice", f"the administrator is to pick, and there is only {listed(alone)}"


def _freshness(rules: Rules, _traits: TraitsOf, _now: int) -> Iterator[Remark]:
    freshness = rules.freshness
    if freshness.max_age > SOON:
        yield "warning", "freshness.max_age", f'"{format_duration(freshness.max_age)}" is longer than 30 days (P-11)'
    if freshness.outage_grace:
        yield (
            "warning",
            "freshness.outage_grace",
            f'while the store is gone, what was revoked still passes for "{format_duration(freshness.outage_grace)}"',
        )
    if freshness.ip_change.action == "log":
        yield "warning", "freshness.ip_change.action", "a change of the address asks nothing; it is only written down"


def _stage(rules: Rules, _traits: TraitsOf, now: int) -> Iterator[Remark]:
    enrollment = rules.enrollment
    dated = enrollment.optional_from is not None or enrollment.required_from is not None
    if enrollment.stage == "off" and not dated:
        yield "warning", "enrollment.stage", "nothing is asked of anybody"
    if enrollment.optional_from is not None and enrollment.required_from is None:
        yield "note", "enrollment.optional_from", "there is no required_from: it stays optional for good"
    if enrollment.skip.max and enrollment.stage in ("required", "off") and not dated:
        yield "warning", "enrollment.skip.max", "nobody can skip in this stage; the number has no effect"
    if enrollment.first == "open" and (dated or enrollment.stage != "off"):
        yield "note", "enrollment.first", "whoever has the password first enrolls; the contact on file is not asked"
    if rules.mode == "report-only":
        yield "warning", "mode", "report-only: nobody is interrupted"


def _roles(rules: Rules, _traits: TraitsOf, _now: int) -> Iterator[Remark]:
    if not rules.roles.unlock:
        yield "warning", "roles.unlock", "no group may unlock: a locked person waits for the operator's command line"
    if rules.enrollment.stage == "admin" and not rules.roles.tenant:
        yield "warning", "roles.tenant", "no group may turn it on, and the stage waits for that"


def _exemptions(rules: Rules, _traits: TraitsOf, now: int) -> Iterator[Remark]:
    for section, entries in (("exempt", rules.exempt), ("exempt_subjects", rules.exempt_subjects)):
        for entry in entries:
            yield from _ending(f"{section}.{entry.name}", entry, now)
    for rule in rules.exempt:
        trees = [path.text for path in rule.paths if path.text.endswith("/**")]
        writes = [method for method in rule.methods if method in WRITING]
        if trees and writes:
            yield (
                "warning",
                f"exempt.{rule.name}",
                f"{', '.join(writes)} pass without a second factor in all of {listed(trees)}; name methods (P-11)",
            )


def _ending(path: str, entry: Exemption | SubjectExemption, now: int) -> Iterator[Remark]:
    if entry.expires_at is None:
        return
    if now >= entry.expires_at:
        yield "warning", path, "it has expired and exempts nothing; take it out or give it a new date (P-4)"
    elif entry.expires_at - now <= SOON:
        left = -(-(entry.expires_at - now) // DAY)
        yield "warning", path, f"it expires in {left} {'day' if left == 1 else 'days'} (P-4)"


def _step_up(rules: Rules, _traits: TraitsOf, _now: int) -> Iterator[Remark]:
    for rule in rules.step_up:
        path = f"step_up.{rule.name}"
        stronger = demand_of(rule, rules.freshness.max_age).is_strong
        if rule.max_age is not None and rule.max_age >= rules.freshness.max_age and not stronger:
            yield "warning", path, "its max_age is not stricter than freshness.max_age; it has no effect"
        if rule.report_only:
            yield "note", path, "report-only: this rule watches and asks nothing"


ALL: tuple[Remarks, ...] = (_ways_in, _freshness, _stage, _roles, _exemptions, _step_up)
