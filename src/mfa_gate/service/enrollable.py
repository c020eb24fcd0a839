"""The factors that a subject may enroll here, and the needs of a first enrollment."""

from __future__ import annotations

from ..core import changes
from ..core.changes.enroll_rights import is_on_file, needs_leave
from ..core.decision import Enroll
from ..core.reasons import Refusal
from .access import Judgement


def enrollable(judgement: Judgement) -> tuple[str, ...]:
    """List the kinds that this subject may enroll here, strongest first.

    If a demand asks for certain kinds, only these are listed. Backup codes are never listed: they are made elsewhere.
    """
    account = judgement.account
    requirement, known = judgement.requirement, judgement.factors.traits
    order = requirement.rules.factors.order
    held = {a.factor for a in account.authenticators} if account else set()
    kinds = [
        kind
        for kind in requirement.factors
        if kind in known and not known[kind].backup and not (known[kind].single and kind in held)
    ]
    if isinstance(judgement.decision, Enroll):
        kinds = [kind for kind in kinds if kind in judgement.decision.factors]
    return tuple(sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order)))


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
