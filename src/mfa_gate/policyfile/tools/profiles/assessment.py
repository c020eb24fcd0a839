"""The result of a comparison with a profile: departures, and the clauses that are met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ....core.rules import Policy, Rules
from ....factors import Registry
from ....factors.optional_parts import MeetsProfiles
from ..findings.places import line_of
from ..findings.remark import GATE_PREFIX, Look
from .clause import Clause, Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One departure: the key, the difference, the clause, and the line of the key (from 1).

    ``line`` is that of the nearest thing in the file where a default departs, 0 for a policy that was not read from one.
    """

    path: str
    text: str
    clause: str
    line: int = 0

    def told(self, source: str, profile: str) -> str:
        """Write the departure as one line for people."""
        place = f"{source}:{self.line}: " if self.line else ""
        return f"{place}{profile}: {self.path}: {self.text} [{self.clause}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One clause from which no tenant departs, and how it is met."""

    clause: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """All clauses of a profile: those that the policy departs from, and those that it meets."""

    deviations: tuple[Deviation, ...]
    met: tuple[Met, ...]


def assess(policy: Policy, profile: str, clauses: tuple[Clause, ...], *, now: int, factors: Registry) -> Assessment:
    """Compare ``policy`` at ``now`` (UTC seconds) with the clauses of ``profile``.

    A departure of a tenant is listed only if the file's own rules do not have it.
    """
    base = list(_departures(policy.base, profile, clauses, factors, now))
    look = Look(policy=policy, rules=policy.base, tenant="", factors=factors, now=now, prefix=GATE_PREFIX)
    found = [replace(one, line=line_of(look, one.path)) for one in base]
    for tenant, rules in policy.tenants.items():
        theirs = replace(look, rules=rules, tenant=tenant)
        found += [
            replace(one, path=f"tenants.{tenant}.{one.path}", line=line_of(theirs, one.path))
            for one in _departures(rules, profile, clauses, factors, now)
            if one not in base
        ]
    departed = {one.clause for one in found}
    met = tuple(Met(clause=clause.number, text=clause.met) for clause in clauses if clause.number not in departed)
    return Assessment(deviations=tuple(found), met=met)


def _departures(
    rules: Rules, profile: str, clauses: tuple[Clause, ...], factors: Registry, now: int
) -> Iterator[Deviation]:
    """Run the checks of each clause, and ask each allowed factor about its own options."""
    judged = Judged(rules=rules, factors=factors, now=now)
    for clause in clauses:
        for check in clause.checks:
            for path, text in check(judged):
                yield Deviation(path=path, text=text, clause=clause.number)
    for kind in rules.factors.allowed:
        factor = factors.get(kind)
        if isinstance(factor, MeetsProfiles):
            for fault in factor.departures(rules, profile):
                path = ".".join(("factors", kind, *fault.key))
                yield Deviation(path=path, text=fault.text, clause=fault.clause)
