"""One side of a comparison: the rules, and the decisions under them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....core.assurance import TraitsOf
from ....core.decision import Decision, StepUp, decide
from ....core.evidence import Evidence
from ....core.policy import Requirement, requirement_for
from ....core.rules import AgreementRules, Policy, Rules
from .evidence import NOW, Ground, evidence_in, ground_of
from .outcomes import Outcome, Verdict, outcome_of, verdicts
from .request_classes import RequestClass
from .situations import Situation


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side: its ground, its policy, and the evidence that is known already."""

    ground: Ground
    policy: Policy
    known: dict[Situation, Evidence] = field(default_factory=dict)

    def requirement(self, request: RequestClass) -> Requirement:
        """Return the demands on ``request``."""
        return requirement_for(self.policy, request.facts, request.settings, request.at)

    def evidence(self, situation: Situation, proven: str = "") -> Evidence:
        """Return the evidence of ``situation``.

        ``proven`` is the id of an authenticator that was used just now.
        """
        if proven:
            return evidence_in(situation, self.ground, proven)
        found = self.known.get(situation)
        if found is None:
            found = self.known[situation] = evidence_in(situation, self.ground)
        return found

    def decision(self, requirement: Requirement, situation: Situation, proven: str = "") -> Decision:
        """Decide as the gate does."""
        return decide(requirement, self.evidence(situation, proven), NOW)

    def outcome(
        self, requirement: Requirement, situation: Situation, decision: Decision, *, with_ways: bool
    ) -> Outcome:
        """Draw the outcome; ``with_ways`` finds out which authenticators let the request pass."""

        def suffices(id: str) -> bool:
            if not with_ways:
                return False
            after = self.decision(requirement, situation, id)
            return outcome_of(after, report_only=False, suffices=lambda _: False).kind in ("passes", "agree")

        return outcome_of(decision, report_only=requirement.report_only, suffices=suffices)


def side_of(rules: Rules, agreement: AgreementRules | None, traits: TraitsOf) -> Side:
    """Make the side of ``rules``.

    ``agreement`` is the text that people may have accepted, on both sides the same.
    """
    return Side(ground=ground_of(rules, agreement, traits), policy=Policy(name="compared", base=rules))


Demanded = tuple[Requirement, Requirement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The two outcomes of one class."""

    old: Outcome
    new: Outcome

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """Tell if the new outcome is looser or stricter."""
        return verdicts(self.old, self.new)


def judge(sides: tuple[Side, Side], demanded: Demanded, situation: Situation) -> Judged:
    """Decide one class on both sides."""
    before, after = (side.decision(requirement, situation) for side, requirement in zip(sides, demanded, strict=True))
    with_ways = (
        isinstance(before, StepUp) and isinstance(after, StepUp) and before.authenticators != after.authenticators
    )
    old, new = (
        side.outcome(requirement, situation, decision, with_ways=with_ways)
        for side, requirement, decision in zip(sides, demanded, (before, after), strict=True)
    )
    return Judged(old=old, new=new)
