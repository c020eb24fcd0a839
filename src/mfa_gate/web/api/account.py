"""What people have: authenticators, backup codes, browsers, the agreement, a call for help."""

from __future__ import annotations

from ...core.decision import Agree, Allow, Deny, Enroll, StepUp
from ...core.model import Authenticator
from ...core.reasons import Refusal
from ...service import Judgement
from ...service.access import owed
from ..request import Visit
from ..responses import NO_STORE, Answer, as_json, problem, refusal_of, stamp
from .calls import Body
from .documents import authenticator_document, state_document


async def authenticators(visit: Visit, body: Body, name: str) -> Answer:
    """``GET authenticators``: only for who has proven the second factor, or has none (S-82)."""
    judgement = await visit.judgement()
    refusal = _pending(visit, judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.authenticators if judgement.account else ()
    return as_json({"authenticators": [authenticator_document(visit, judgement, a) for a in mine]})


async def change(visit: Visit, body: Body, name: str) -> Answer:
    """``PATCH authenticators/{id}``: another label, or the default."""
    self_service = visit.service.self_service
    result: Authenticator | Refusal = Refusal(reason="malformed")
    if "label" in body:
        result = await self_service.rename(visit.caller, id=name, label=body["label"])
        if isinstance(result, Refusal):
            return problem(result)
    if body.get("default") is True:
        result = await self_service.set_default(visit.caller, id=name)
    if isinstance(result, Refusal):
        return problem(result)
    visit.forget_judgement()
    judgement = await visit.judgement()
    mine = judgement.account.authenticator(name) if judgement.account else None
    return as_json(authenticator_document(visit, judgement, mine or result))


async def remove(visit: Visit, body: Body, name: str) -> Answer:
    """``DELETE authenticators/{id}``."""
    result = await visit.service.self_service.remove(visit.caller, id=name)
    return problem(result) if isinstance(result, Refusal) else Answer(204, b"", NO_STORE)


async def backup_codes(visit: Visit, body: Body, name: str) -> Answer:
    """``POST backup-codes``: a new set; the old one ends."""
    codes = await visit.service.backup.make(visit.caller)
    if isinstance(codes, Refusal):
        return problem(codes)
    await visit.service.backup.saved(visit.caller)
    return as_json({"backup_codes": list(codes)}, status=201)


async def browsers(visit: Visit, body: Body, name: str) -> Answer:
    """``GET browsers``: remembered browsers and clients."""
    judgement = await visit.judgement()
    refusal = _pending(visit, judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.browsers if judgement.account else ()
    return as_json(
        {
            "browsers": [
                {
                    "id": b.id,
                    "label": b.label,
                    "network": max(b.proofs, key=lambda p: p.at).network if b.proofs else "",
                    "last_used_at": stamp(b.last_used_at),
                    "current": b.handle == visit.caller.handle,
                }
                for b in mine
            ]
        }
    )


async def forget(visit: Visit, body: Body, name: str) -> Answer:
    """``DELETE browsers/{id}``."""
    refusal = await visit.service.self_service.forget(visit.caller, id=name)
    return problem(refusal) if refusal is not None else Answer(204, b"", NO_STORE)


async def agreement(visit: Visit, body: Body, name: str) -> Answer:
    """``GET agreement``: its text and version."""
    judgement = await visit.judgement()
    mine = judgement.requirement.rules.agreement
    if isinstance(judgement.decision, (StepUp, Deny, Enroll)):
        return problem(refusal_of(judgement.decision))
    if mine is None:
        return problem(Refusal(reason="not_found"))
    return as_json(
        {"id": mine.id, "version": mine.version, "title": mine.title, "text": mine.text, "digest": mine.digest}
    )


async def agree(visit: Visit, body: Body, name: str) -> Answer:
    """``POST agreement``: accept the version that was read."""
    judgement = await visit.judgement()
    if not isinstance(judgement.decision, (Agree, Allow)):
        return problem(refusal_of(judgement.decision))
    refusal = await visit.service.self_service.accept(visit.caller, version=body["version"])
    return problem(refusal) if refusal is not None else as_json(await state_document(visit))


async def recovery(visit: Visit, body: Body, name: str) -> Answer:
    """``POST recovery``: a request for the administrators."""
    result = await visit.service.self_service.request_recovery(visit.caller, about=body["about"])
    return problem(result) if isinstance(result, Refusal) else as_json({"ref": result}, status=202)


def _pending(visit: Visit, judgement: Judgement) -> Refusal | None:
    """Say why a session that owes something sees no list.

    Who has nothing set up and owes nothing sees an empty one.
    """
    evidence = judgement.evidence
    if isinstance(judgement.decision, Allow) and evidence is not None and not evidence.holds:
        return None
    return owed(judgement, visit.now)
