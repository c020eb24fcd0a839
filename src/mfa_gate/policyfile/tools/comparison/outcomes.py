"""The outcome of a decision for the person, and the verdict on two of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, assert_never

from ....core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp

Kind = Literal["passes", "asked", "enroll", "agree", "locked"]
Verdict = Literal["looser", "stricter"]

WORDS: dict[Kind, str] = {
    "passes": "passes",
    "asked": "asked",
    "enroll": "must set up a factor",
    "agree": "must accept the agreement",
    "locked": "locked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome for the person: the kind, the rule that decided, and the ways on.

    ``ways`` are the factors by which the person can go on: to enroll, or to prove so that the request then passes.
    ``skippable``: the enrollment can be skipped.
    """

    kind: Kind
    rule: str
    ways: frozenset[str] = frozenset()
    skippable: bool = False

    @property
    def words(self) -> str:
        """Say the outcome to people."""
        return "may skip the set-up" if self.skippable else WORDS[self.kind]


Suffices = Callable[[str], bool]
"""A test if a fresh proof by the authenticator of this id lets the request pass."""


def outcome_of(decision: Decision, *, report_only: bool, suffices: Suffices) -> Outcome:
    """Draw the outcome from the decision.

    Nobody is interrupted under a policy that only reports.
    """
    rule = decision.why.rule
    if report_only and not isinstance(decision, Allow):
        return Outcome(kind="passes", rule="report-only")
    match decision:
        case Allow():
            return Outcome(kind="passes", rule=rule)
        case Agree():
            return Outcome(kind="agree", rule=rule)
        case Deny():
            return Outcome(kind="locked", rule=rule)
        case Enroll():
            return Outcome(kind="enroll", rule=rule, ways=frozenset(decision.factors), skippable=decision.skippable)
        case StepUp():
            ways = frozenset(one for one in decision.authenticators if suffices(one))
            return Outcome(kind="asked", rule=rule, ways=ways)
    assert_never(decision)


RANK: dict[Kind, int] = {"passes": 0, "agree": 1, "asked": 2, "enroll": 2, "locked": 3}
"""The strictness of the outcomes. A person who is asked and one who must enroll are both stopped.

Which of the two is stricter shows in other situations: in the one in which the person has answered, or has enrolled.
"""


def verdicts(old: Outcome, new: Outcome) -> frozenset[Verdict]:
    """Tell if ``new`` is looser or stricter than ``old``: one, both at once, or neither."""
    found: set[Verdict] = set()
    if RANK[old.kind] != RANK[new.kind]:
        found.add("stricter" if RANK[new.kind] > RANK[old.kind] else "looser")
    elif old.kind == new.kind:
        if new.ways - old.ways or (new.skippable and not old.skippable):
            found.add("looser")
        if old.ways - new.ways or (old.skippable and not new.skippable):
            found.add("stricter")
    return frozenset(found)
