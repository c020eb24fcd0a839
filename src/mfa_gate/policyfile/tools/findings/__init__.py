"""Find weak spots of a valid policy, rules without effect, and settings that nothing uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ....core.rules import Policy
from ....factors import BUILT_IN, Registry
from . import alike_names, dead_rules, dead_settings, recovery_ways, shadowed_rules, test_cases, weak_spots
from .places import line_of
from .remark import GATE_PREFIX, Look, Remark, Severity, named

__all__ = ["GATE_PREFIX", "Finding", "findings", "test_findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Describe one remark on a valid policy: line (from 1), dotted ``path``, reason and fix.

    A ``warning`` makes ``policy check --strict`` fail, a ``note`` never does. ``line`` is 0 for a policy that was not
    read from a file.
    """

    severity: Severity
    path: str
    text: str
    fix: str = ""
    line: int = 0

    def told(self, source: str) -> str:
        """Write the finding as one line for people."""
        place = f"{source}:{self.line}: " if self.line else ""
        return f"{place}{self.severity}: {self.path}: {self.text}; {self.fix}"


REMARKS: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    *weak_spots.ALL,
    *recovery_ways.ALL,
    *dead_rules.ALL,
    *shadowed_rules.ALL,
    *dead_settings.ALL,
    *alike_names.ALL,
)
"""The remarks on the rules of one tenant."""

ON_FILE: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    *dead_settings.ON_FILE,
    *alike_names.ON_FILE,
    *test_cases.ON_FILE,
)
"""The remarks on the file as a whole."""


def findings(
    policy: Policy, *, now: int, factors: Registry = BUILT_IN, prefix: str = GATE_PREFIX
) -> tuple[Finding, ...]:
    """List every remark on ``policy`` at the second ``now``, those of the file first.

    ``prefix`` is the path of the gate's own pages. A remark on a value that a tenant has from the file is listed once,
    for the file.
    """
    look = Look(policy=policy, rules=policy.base, tenant="", factors=factors, now=now, prefix=prefix)
    base = [remark for remarks in REMARKS for remark in remarks(look)]
    found = [_found(look, remark) for remark in base]
    for tenant, rules in policy.tenants.items():
        theirs = replace(look, tenant=tenant, rules=rules)
        own = [remark for remarks in REMARKS for remark in remarks(theirs)]
        found += [_found(theirs, remark) for remark in own if remark not in base]
    found += [_found(look, remark) for remarks in ON_FILE for remark in remarks(look)]
    return tuple(found)


def test_findings(policy: Policy) -> tuple[Finding, ...]:
    """List the remarks on the ``[[tests]]`` of a file that ``policy check`` makes besides."""
    return tuple(
        Finding(
            severity=remark.severity, path=named(remark.path, policy.base), text=remark.text, fix=remark.fix, line=1
        )
        for remark in test_cases.without_tests(policy)
    )


def _found(look: Look, remark: Remark) -> Finding:
    return Finding(
        severity=remark.severity,
        path=named((*(("tenants", look.tenant) if look.tenant else ()), *remark.path), look.rules),
        text=remark.text,
        fix=remark.fix,
        line=line_of(look, remark.path),
    )
