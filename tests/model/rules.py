"""The policy of the model: a tenant for each kind of rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Policy, Rules
from tests.harness import POLICY as PLAIN
from tests.harness import RULES

from .terms import DAY, Terms

WAIT = 3 * DAY


def _rules(**parts: Any) -> Rules:
    factors = replace(RULES.factors, allowed=("totp", "email", "sms", "backup-code"), order=("totp", "sms", "email"))
    return replace(RULES, factors=factors, **parts)


SLOW = replace(RULES.recovery, self_service=Seconds(WAIT))
OPEN = _rules(recovery=SLOW)
TENANTS: dict[str, Rules] = {
    "alpha": OPEN,
    "beta": _rules(attempts=replace(RULES.attempts, lock_ends_sessions=True), recovery=SLOW),
    "gamma": _rules(enrollment=replace(RULES.enrollment, first="ticket")),
    "delta": _rules(enrollment=replace(RULES.enrollment, stage="optional"), recovery=SLOW),
}
POLICY: Policy = replace(PLAIN, base=OPEN, tenants=TENANTS)


def terms_of(rules: Rules) -> Terms:
    """Return what the reference knows of rules."""
    return Terms(
        max_age=int(rules.freshness.max_age),
        any_network=rules.freshness.ip_change.action == "log",
        lock_ends=rules.attempts.lock_ends_sessions,
        optional=rules.enrollment.stage == "optional",
        first=rules.enrollment.first,
        wait=int(rules.recovery.self_service),
    )
