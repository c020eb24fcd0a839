"""Answer the calls for a person's own things.

These are authenticators, backup codes, browsers, the agreement, and a call for help.
"""

from __future__ import annotations

from ...core.decision import Agree, Allow, Deny, Enroll, StepUp
from ...core.model import Authenticator
from ...core.reasons import Refusal
from ...service import Judgement
from ...service.access import owed
from ..members import BadMember
from ..request import PageRequest
from ..responses import NO_STORE, Answer, as_json, problem, refusal_of, stamp
from .calls import Body
from .documents import authenticator_document, recovery_document, state_document


async def authenticators(request: PageRequest, body: Body, name: str) -> Answer:
    """List one's authenticators: ``GET authenticators`` (S-82).

    The list is for a person who has proven the second factor, or has none.
    """
    judgement = await request.judgement()
    refusal = _pending(request, judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.authenticators if judgement.account else ()
    return as_json({"authenticators": [authenticator_document(request, judgement, a) for a in mine]})


async def change(request: PageRequest, body: Body, name: str) -> Answer:
    """Rename an authenticator, or make it the default: ``PATCH authenticators/{id}``."""
    self_service = request.service.self_service
    if "label" not in body and body.get("default") is not True:
        raise BadMember("label", "There is nothing to change", 'Give "label" a text, or "default" the value true.')
    result: Authenticator | Refusal = Refusal(reason="malformed", member="label")
    if "label" in body:
        result = await self_service.rename(request.caller, id=name, label=body["label"])
        if isinstance(result, Refusal):
            return problem(result)
    if body.get("default") is True:
        result = await self_service.set_default(request.caller, id=name)
    if isinstance(result, Refusal):
        return problem(result)
    request.forget_judgement()
    judgement = await request.judgement()
    mine = judgement.account.authenticator(name) if judgement.account else None
    return as_json(authenticator_document(request, judgement, mine or result))


async def remove(request: PageRequest, body: Body, name: str) -> Answer:
    """Remove an authenticator: ``DELETE authenticators/{id}``."""
    result = await request.service.self_service.remove(request.caller, id=name)
    return problem(result) if isinstance(result, Refusal) else Answer(204, b"", NO_STORE)


async def backup_codes(request: PageRequest, body: Body, name: str) -> Answer:
    """Make a new set of backup codes: ``POST backup-codes``. The old set ends."""
    codes = await request.service.backup.make(request.caller)
    if isinstance(codes, Refusal):
        return problem(codes)
    await request.service.backup.saved(request.caller)
    return as_json({"backup_codes": list(codes)}, status=201)


async def browsers(request: PageRequest, body: Body, name: str) -> Answer:
    """List remembered browsers and clients: ``GET browsers``."""
    judgement = await request.judgement()
    refusal = _pending(request, judgement)
    if refusal is not None:
        return problem(refusal)
    mine = judgement.account.browsers if judgement.account else ()
    networks = [max(b.proofs, key=lambda p: p.at).network if b.proofs else "" for b in mine]
    places = await request.service.engine.places_of(networks)
    return as_json(
        {
            "browsers": [
                {
                    "id": b.id,
                    "label": b.label,
                    "network": network,
                    "last_used_at": stamp(b.last_used_at),
                    "current": b.handle == request.caller.handle,
                    **({"place": places[network]} if network in places else {}),
                }
                for b, network in zip(mine, networks, strict=True)
            ]
        }
    )


async def forget(request: PageRequest, body: Body, name: str) -> Answer:
    """Forget a remembered browser or client: ``DELETE browsers/{id}``."""
    gone = await request.service.self_service.forget(request.caller, ids=(name,))
    return problem(gone) if isinstance(gone, Refusal) else Answer(204, b"", NO_STORE)


async def agreement(request: PageRequest, body: Body, name: str) -> Answer:
    """Show text and version of the agreement: ``GET agreement``."""
    judgement = await request.judgement()
    mine = judgement.requirement.rules.agreement
    if isinstance(judgement.decision, (StepUp, Deny, Enroll)):
        return problem(refusal_of(judgement.decision))
    if mine is None:
        return problem(Refusal(reason="not_found"))
    return as_json(
        {"id": mine.id, "version": mine.version, "title": mine.title, "text": mine.text, "digest": mine.digest}
    )


async def agree(request: PageRequest, body: Body, name: str) -> Answer:
    """Accept the version of the agreement that was read: ``POST agreement``."""
    judgement = await request.judgement()
    if not isinstance(judgement.decision, (Agree, Allow)):
        return problem(refusal_of(judgement.decision))
    refusal = await request.service.self_service.accept(request.caller, version=body["version"])
    return problem(refusal) if refusal is not None else as_json(await state_document(request))


async def recovery(request: PageRequest, body: Body, name: str) -> Answer:
    """Ask for a way back in after losing access: ``POST recovery``."""
    result = await request.service.self_service.request_recovery(request.caller, about=body["about"])
    if isinstance(result, Refusal):
        return problem(result)
    request.forget_judgement()
    account = (await request.judgement()).account
    waiting = recovery_document(request, account) if account else None
    opens = {"opens_at": waiting["opens_at"]} if waiting and waiting["opens_at"] else {}
    return as_json({"ref": result, **opens}, status=202)


async def begin_anew(request: PageRequest, body: Body, name: str) -> Answer:
    """Remove the lost authenticators after the wait: ``POST recovery/begin``.

    So a first enrollment opens.
    """
    refusal = await request.service.slow_recovery.set_up_anew(request.caller)
    return problem(refusal) if refusal is not None else as_json(await state_document(request))


def _pending(request: PageRequest, judgement: Judgement) -> Refusal | None:
    """Refuse a list to a session that still owes something.

    A person who has nothing set up and owes nothing sees an empty list.
    """
    evidence = judgement.evidence
    if isinstance(judgement.decision, Allow) and evidence is not None and not evidence.holds:
        return None
    return owed(judgement, request.now)
