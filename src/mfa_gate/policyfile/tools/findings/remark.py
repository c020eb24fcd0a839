"""One remark on the rules of a tenant, and the view of these rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ....core.assurance import TraitsOf
from ....core.policy import factors_for
from ....core.rules import Policy, Rules, TenantSettings
from ....factors import Registry
from ...faults import dotted
from ...lines import Path

Severity = Literal["warning", "note"]

GATE_PREFIX = "/mfa"
"""The path of the gate's own pages, unless ``MFAGate(prefix=…)`` names another."""

RULE_LISTS = ("exempt", "exempt_subjects", "step_up")
"""The lists of rules. A tenant's own rules come after those of the file."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Hold one remark: the key within the rules, the reason and the fix."""

    severity: Severity
    path: Path
    text: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Hold the rules of one tenant under examination. ``tenant`` is "" for those of the file."""

    policy: Policy
    rules: Rules
    tenant: str
    factors: Registry
    now: int
    prefix: str

    @property
    def traits(self) -> TraitsOf:
        """The traits of the factors there are."""
        return self.factors.traits

    @property
    def usable(self) -> tuple[str, ...]:
        """The kinds of factors that people can use, before an administrator picks."""
        return factors_for(self.rules, TenantSettings(tenant=self.tenant))

    @property
    def heirs(self) -> tuple[Rules, ...]:
        """All rules that may have a value of these: for the file, those of every tenant as well."""
        return (self.rules,) if self.tenant else (self.rules, *self.policy.tenants.values())

    def written(self, *path: str | int) -> bool:
        """Tell if the section of this tenant, or for "" the file's own, has the key."""
        own: Path = ("tenants", self.tenant, *path) if self.tenant else path
        return own in self.policy.lines


def named(path: Path, rules: Rules) -> str:
    """Write a path for people: a rule stands with its name in place of its number."""
    start = 2 if path[:1] == ("tenants",) else 0
    rest = path[start:]
    if len(rest) > 1 and rest[0] in RULE_LISTS and isinstance(rest[1], int):
        name = getattr(rules, str(rest[0]))[rest[1]].name
        return ".".join((*map(str, path[:start]), str(rest[0]), name)) + _after(rest[2:])
    return dotted(path)


def _after(rest: Path) -> str:
    text = dotted(rest)
    return f".{text}" if text else ""
