"""Compare the policy with the app: weak spots, idle rules, demands that no factor meets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...core.assurance import combine, could_meet
from ...core.policy import Facts, demands_for, factors_for, sign_in_could_meet
from ...core.rules import BrandRules, TenantSettings
from ...web.endpoint_demands import demands_in, lost_demands_in
from .app_stack import starlette_of
from .verdicts import Line

if TYPE_CHECKING:
    from ...gate import MFAGate


def policy(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report the weak spots of the policy, and rules that match no route of this app."""
    from ...policyfile import findings
    from ...policyfile.tools.routes import idle_rules, leaves_of

    engine = gate.service.engine
    found = findings(gate.policy, now=int(time.time()), factors=engine.factors, prefix=engine.wiring.prefix)
    for finding in found:
        where = f"line {finding.line}: " if finding.line else ""
        yield Line(finding.severity, "policy", f"{where}{finding.path}: {finding.text}; {finding.fix}")
    try:
        idle = idle_rules(gate.policy, leaves_of(starlette_of(app)))
    except ValueError:
        idle = ()
    for name in idle:
        yield Line("warning", "policy", f"{name} matches no route of this app")
    if not found and not idle:
        yield Line("ok", "policy", f'"{gate.policy.name}" has no weak spots and its rules match routes')


def endpoints(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report demands of endpoints that are never asked, or that no factor meets."""
    for fault in lost_demands_in(starlette_of(app)):
        yield Line("fault", "policy", fault)
    yield from _routes_for_nobody(app, gate)
    known = tuple(dict.fromkeys(demands_in(starlette_of(app))))
    for tenant, rules in (("", gate.policy.base), *gate.policy.tenants.items()):
        allowed = factors_for(rules, TenantSettings(tenant=tenant))
        everywhere, _ = demands_for(rules, Facts(tenant=tenant, groups=frozenset(), method="GET", path=""))
        for demand in known:
            joint = combine((*everywhere, demand), rule=demand.rule)
            traits = gate.service.engine.factors.traits
            if not any(could_meet(kind, joint, traits) for kind in allowed) and not sign_in_could_meet(
                rules.freshness, joint
            ):
                wanted = "a phishing-resistant factor" if joint.phishing_resistant else " or ".join(demand.factors_any)
                if joint.user_verification:
                    wanted = f"{wanted or 'a factor'} that verifies its user"
                where = f'in tenant "{tenant}"' if tenant else "by the policy"
                yield Line(
                    "fault",
                    "policy",
                    f"{demand.rule} asks for {wanted}, and {where} only {', '.join(allowed)} can be used",
                )


def _routes_for_nobody(app: Any, gate: MFAGate) -> Iterator[Line]:
    """Report routes whose endpoint and rules ask for things that exclude each other."""
    from ...policyfile.tools.routes import leaves_of, rows_for

    try:
        leaves = [leaf for leaf in leaves_of(starlette_of(app)) if leaf.demands]
    except ValueError:
        return
    factors, now = gate.service.engine.factors, int(time.time())
    for tenant in ("", *gate.policy.tenants):
        rows = rows_for(gate.policy, leaves, tenant=tenant, groups=frozenset(), now=now, factors=factors)
        where = f' in tenant "{tenant}"' if tenant else ""
        for row in rows:
            if row.dead_end and any(rule not in ("freshness", *row.endpoint) for rule in row.rules):
                text = f"{row.method} {row.template}: nobody passes{where}: no factor meets {row.dead_end} together"
                yield Line("fault", "policy", text)


def brands(gate: MFAGate) -> Iterator[Line]:
    """Report colors of a brand that cannot be read on each other (WCAG 2.2, 1.4.3 and 1.4.11)."""
    from ...web.contrast import unread_colors, weak_pairs
    from ...web.resources import folder
    from ...web.theme import brand_css

    ours = folder("static").joinpath("mfa.css").read_text("utf-8")
    quiet = True
    for brand, where in _brands(gate).items():
        sheets = (ours, brand_css(brand).decode())
        for pair in weak_pairs(*sheets):
            quiet = False
            yield Line(
                "fault",
                "contrast",
                f"[brand] ({where}), {pair.theme} theme: --{pair.front} {pair.front_color} on --{pair.ground} "
                f"{pair.ground_color} has {pair.ratio:.1f}:1; {pair.needed:g}:1 is needed",
            )
        for name, value in unread_colors(*sheets):
            quiet = False
            yield Line("note", "contrast", f"[brand] ({where}): --{name} {value} is not checked: write it as #rrggbb")
    if quiet:
        yield Line("ok", "contrast", "the colors of the brand can be read, in the light and in the dark theme")


def accents(gate: MFAGate) -> Iterator[Line]:
    """Report the colors of the brands.

    A policy has none that the pages cannot use (WCAG 2.2, 1.4.3).
    """
    told = dict.fromkeys(brand.accent for brand in _brands(gate) if brand.accent)
    if told:
        yield Line("ok", "accent", f"{', '.join(told)} can be read as text on white")


def _brands(gate: MFAGate) -> dict[BrandRules, str]:
    """List each brand once, with the first tenant that has it; "the file" is none."""
    found: dict[BrandRules, str] = {}
    for tenant, rules in (("the file", gate.policy.base), *gate.policy.tenants.items()):
        found.setdefault(rules.brand, tenant)
    return found
