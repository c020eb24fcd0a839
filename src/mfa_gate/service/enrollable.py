"""The factors that a subject may enroll here, and the needs of a first enrollment."""

from __future__ import annotations

from ..core import changes
from ..core.changes.enroll_rights import is_on_file, needs_leave
from ..core.decision import Enroll, enrollable_kinds
from ..core.reasons import Refusal
from .access import Judgement


def enrollable(judgement: Judgement) -> tuple[str, ...]:
    """List the kinds that this subject may enroll here, strongest first."""
    return enrollable_kinds(judgement.decision, judgement.requirement, judgement.account, judgement.factors.traits)


def not_enrollable(judgement: Judgement, factor: str, now: int) -> Refusal | None:
    """Return the refusal if ``factor`` may not be enrolled now, else None."""
    traits = judgement.factors.traits.get(factor)
    if traits is None or judgement.evidence is None:
        return Refusal(reason="not_enrollable")
    decision = judgement.decision
    if isinstance(decision, Enroll) and factor not in decision.factors and not traits.backup:
        return Refusal(reason="not_enrollable")
    return changes.may_enroll(judgement.evidence, judgement.decision, judgement.requirement, traits, now)


def lacks(judgement: Judgement, now: int) -> Refusal | None:
    """Return the refusal if a first enrollment needs more than the password, else None.

    The need is a proven contact or a ticket, whatever factor is chosen.
    """
    evidence = judgement.evidence
    if evidence is None or evidence.holds:
        return None
    rules = judgement.requirement.rules
    kinds = enrollable(judgement)
    if any(is_on_file(rules, judgement.factors.traits[kind]) for kind in kinds) and rules.enrollment.first == "contact":
        return None
    return needs_leave(evidence, rules, judgement.factors.traits[kinds[0]], now) if kinds else None
