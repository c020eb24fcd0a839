"""The authenticators that a person may answer with here, and the one to ask for first."""

from __future__ import annotations

from ..core.decision import Allow, StepUp, answerable
from ..core.model import Account, Authenticator
from ..core.reasons import Refusal
from .access import Judgement


def usable(account: Account, judgement: Judgement, id: str) -> Authenticator | Refusal:
    """Find the caller's authenticator if it may be used for an answer here.

    An id of another account is refused as unknown.
    """
    mine = account.authenticator(id)
    if mine is None or mine.factor not in judgement.factors:
        return Refusal(reason="not_found")
    if (locked := behind_lock(account, judgement)) is not None:
        return locked
    if any(a.id == id for a in _offered(account, judgement)):
        return mine
    return Refusal(reason="not_allowed")


def behind_lock(account: Account, judgement: Judgement) -> Refusal | None:
    """Return the refusal of a locked account.

    Unless a proof that still lives lets the person pass.
    """
    if account.lock is None or isinstance(judgement.decision, Allow):
        return None
    return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)


def reachable(judgement: Judgement) -> tuple[Authenticator, ...]:
    """List the authenticators that meet the demand, in order; backup codes come last."""
    account = judgement.looked_at.account
    mine = [a for a in _offered(account, judgement) if a.factor in judgement.factors]
    mine = [a for a in mine if not (judgement.factors.traits[a.factor].backup and is_used_up(account, a))]
    order = judgement.requirement.rules.factors.order
    rank = {kind: place for place, kind in enumerate(order)}
    mine.sort(key=lambda a: (judgement.factors.traits[a.factor].backup, rank.get(a.factor, len(order)), a.created_at))
    return tuple(mine)


def _offered(account: Account, judgement: Judgement) -> tuple[Authenticator, ...]:
    """Pick the authenticators that the challenge asks for, else all that are allowed.

    Pages and JSON both use this choice.
    """
    allowed = answerable(account, judgement.requirement.factors, judgement.factors.traits)
    decision = judgement.decision
    if not isinstance(decision, StepUp):
        return allowed
    return tuple(a for a in allowed if a.id in decision.authenticators)


def is_used_up(account: Account, backup: Authenticator) -> bool:
    """Tell if no code of a set of backup codes counts any more.

    All were used, or an older copy of the store was accepted after the set was made.
    """
    return not backup.data.get("left") or 0 < backup.created_at <= account.restored_at


def first_offer(judgement: Judgement, *, off: frozenset[str] = frozenset()) -> Authenticator | None:
    """Choose the authenticator to ask for first (U-21).

    If the policy's ``first_offer`` is "last-used", it is the one that worked last in this browser, else the person's
    default. Otherwise, or without either, it is the strongest. Factors in ``off`` cannot be sent now; one comes first
    only if there is nothing else.
    """
    mine = reachable(judgement)
    offered = [a for a in mine if not judgement.factors.traits[a.factor].backup]
    offered = [a for a in offered if a.factor not in off] or offered
    if not offered:
        return mine[0] if mine else None
    evidence = judgement.evidence
    last = evidence.browser.last_factor if evidence and evidence.browser else ""
    if judgement.requirement.rules.factors.first_offer == "last-used":
        for wanted in (last, judgement.looked_at.account.default):
            found = next((a for a in offered if a.id == wanted), None)
            if found is not None:
                return found
    return offered[0]
