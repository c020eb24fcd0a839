"""The values of the page that answers what would happen to a request of a real person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...core.assurance import meets
from ...core.decision import StepUp, state_of
from ...core.policy import Demand
from ...policyfile.tools.explain import Row, rows, told_dead_end
from ...service.what_if import Answer
from .desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule and its part in the decision.

    ``demand`` is None where the rule asks for no proof, ``met`` says that one of the person's proofs meets it.
    ``watched``: the rule only reports.
    """

    row: Row
    demand: Demand | None
    met: bool
    watched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer to the question: the state, its reason, and each rule.

    ``nobody`` says that no factor that may be used could ever meet the demands.
    """

    answer: Answer
    state: str
    reason: str
    lines: tuple[RuleLine, ...]
    nobody: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminWhatIf:
    """The page ``/admin/what-if``: a question by GET, and its answer. It changes nothing."""

    template: ClassVar[str] = "admin/what_if.html"
    desk: Desk
    account: str = ""
    request: str = "GET /"
    address: str = ""
    groups: str = ""
    at: str = ""
    is_own_page: bool = False
    verdict: Verdict | None = None


def verdict_of(answer: Answer) -> Verdict:
    """Make the parts of the page from an answer."""
    outcome = answer.outcome
    decision, requirement = outcome.decision, outcome.requirement
    demands = {demand.rule: demand for demand in (*requirement.watched, *requirement.demands)}
    watched = {demand.rule for demand in requirement.watched}
    lines = []
    for row in rows(outcome):
        demand = demands.get(row.rule) if row.stage in ("freshness", "step_up", "endpoint") else None
        met = demand is not None and any(meets(proof, demand, outcome.now) for proof in outcome.evidence.proofs)
        lines.append(RuleLine(row=row, demand=demand, met=met, watched=row.rule in watched))
    return Verdict(
        answer=answer,
        state=state_of(decision),
        reason=decision.reason if isinstance(decision, StepUp) else "",
        lines=tuple(lines),
        nobody=bool(told_dead_end(outcome)),
    )
