"""Draw the documents that several calls answer with."""

from __future__ import annotations

from ...core import attempts
from ...core.decision import Agree, Allow, Enroll, StepUp, state_of
from ...core.model import Account, Authenticator
from ...core.slow_recovery import is_open, opens_at
from ...service import Judgement
from ...service.enrollable import enrollable
from ..request import PageRequest
from ..responses import stamp


def authenticator_document(request: PageRequest, judgement: Judgement, mine: Authenticator) -> dict[str, object]:
    """Draw one authenticator, without anything secret."""
    account, factor = judgement.account, request.factors.get(mine.factor)
    hint = ""
    if account is not None and factor is not None:
        rules = judgement.requirement.rules
        context = request.service.challenges.context(request.caller, rules, purpose="sign-in", account=account)
        hint = factor.hint(context, mine.data)
    default = account is not None and account.default == mine.id
    return {"id": mine.id, "factor": mine.factor, "label": mine.label, "hint": hint, "default": default}


async def state_document(request: PageRequest) -> dict[str, object]:
    """Draw the state of the caller.

    A caller that was refused for a step-up is judged by it, until it is met.
    """
    request.forget_judgement()
    request.interruption.heed_owed()
    judgement = await request.judgement()
    decision, account = judgement.decision, judgement.account
    if isinstance(decision, (Allow, Agree)):
        request.interruption.drop_owed()
    rules = judgement.requirement.rules
    proof = decision.proof if isinstance(decision, (Allow, Agree)) else None
    can_enroll = isinstance(decision, (Allow, Enroll))
    kinds = enrollable(judgement) if can_enroll else ()
    left = attempts.remaining(account.attempts, rules.attempts) if account else rules.attempts.max
    max_age = min((demand.max_age for demand in judgement.requirement.demands), default=rules.freshness.max_age)
    ends_at = proof.at + int(max_age) if proof else 0
    waiting = recovery_document(request, account) if account else None
    action, _ = request.asked_by(decision)
    return {
        "state": state_of(decision),
        "reason": decision.reason if isinstance(decision, StepUp) else None,
        **({"action": action} if action else {}),
        "authenticators": [
            authenticator_document(request, judgement, a) for a in (account.authenticators if account else ())
        ],
        "enrollable": list(kinds),
        "attempts_remaining": 0 if account and account.lock else left,
        "proof": {"factor": proof.factor, "at": stamp(proof.at), "ends_at": stamp(ends_at)} if proof else None,
        "skippable": isinstance(decision, Enroll) and decision.skippable,
        **({"recovery": waiting} if waiting else {}),
    }


def recovery_document(request: PageRequest, account: Account) -> dict[str, object] | None:
    """Draw the person's own request for help, or None where none waits."""
    waiting, wait = account.recovery, int(request.rules.recovery.self_service)
    if waiting is None:
        return None
    at = opens_at(waiting, wait)
    return {
        "ref": waiting.ref,
        "at": stamp(waiting.at),
        "opens_at": stamp(at) if at else None,
        "open": is_open(account, wait, request.now),
    }
