"""Another policy comes into force in all workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Policy, Rules

from ..deed import Deed
from ..rules import terms_of
from ..stage import Stage
from ..terms import DAY


def _a_day(rules: Rules) -> Rules:
    return replace(rules, freshness=replace(rules.freshness, max_age=Seconds(DAY)))


def _any_network(rules: Rules) -> Rules:
    freshness = rules.freshness
    return replace(rules, freshness=replace(freshness, ip_change=replace(freshness.ip_change, action="log")))


def _ends_sessions(rules: Rules) -> Rules:
    return replace(rules, attempts=replace(rules.attempts, lock_ends_sessions=True))


CHANGES: tuple[Callable[[Rules], Rules], ...] = (lambda rules: rules, _a_day, _any_network, _ends_sessions)


def changed(policy: Policy, change: Callable[[Rules], Rules]) -> Policy:
    """Make a change in every tenant."""
    return replace(
        policy, base=change(policy.base), tenants={name: change(rules) for name, rules in policy.tenants.items()}
    )


def change_policy(life: Stage, change: int) -> None:
    """Put the policy in force with one change, or as it was."""
    policy = changed(life.policy, CHANGES[change])
    for world in life.worlds:
        world.engine.use_policy(policy)
    life.terms = {tenant: terms_of(rules) for tenant, rules in policy.tenants.items()}
    life.in_force = policy


DEEDS = (Deed(change_policy, {"change": range(len(CHANGES))}),)
