"""Lead on a person who may not enroll, or not yet.

By a better proof, a contact on file, or a ticket.
"""

from __future__ import annotations

from dataclasses import replace

from ...core.assurance import Traits, meeting
from ...core.changes import change_demand
from ...core.decision import Agree, Allow, Enroll, StepUp
from ...core.reasons import Refusal
from ...factors.codes import masked_email, masked_phone
from ...service import Judgement
from ...service.challenges import Issued
from .. import views
from ..request import PageRequest
from ..responses import Answer
from .common import confirm_first, delivery_of, frozen_page, frozen_until


def blocked(request: PageRequest, judgement: Judgement, kind: str = "") -> Answer | None:
    """Lead on a person who owes a proof, or a better one for adding ``kind`` (S-82, S-84).

    Where no kind is named yet, any fresh proof opens the choice.
    """
    decision, evidence = judgement.decision, judgement.evidence
    holds = evidence is not None and evidence.holds
    if not isinstance(decision, (Allow, Enroll)) and not (isinstance(decision, (Agree, StepUp)) and holds):
        return request.lead_on(decision)
    optional = not isinstance(decision, Enroll) or decision.skippable
    is_proven = not isinstance(decision, StepUp)
    if is_proven and frozen_until(request, judgement) and (kind or holds or not optional):
        return frozen_page(request, judgement, request.base if holds else request.own("/enroll") if optional else "")
    if evidence is None or not holds:
        return None
    requirement = judgement.requirement if kind else replace(judgement.requirement, floors=())
    demand = change_demand(evidence, requirement, adding=kind)
    if is_proven and meeting(evidence.proofs, (demand,), request.now):
        return None
    return confirm_first(request, judgement, _place(request, kind), demand=demand)


def _place(request: PageRequest, kind: str) -> str:
    return f"/enroll/{kind}" if kind in request.factors else "/enroll"


async def not_allowed(request: PageRequest, judgement: Judgement, kind: str, refusal: Refusal) -> Answer:
    """Ask for the thing that an enrollment of ``kind`` lacks, or say why it cannot be."""
    if refusal.reason in ("contact_required", "ticket_required"):
        if request.scope["method"] == "POST":
            return request.go(request.own("/enroll"), turned_away=True)
        return await ask_first(request, judgement, refusal)
    if refusal.reason == "proof_required":
        evidence, requirement = judgement.evidence, judgement.requirement
        demand = change_demand(evidence, requirement, adding=kind) if evidence else None
        return confirm_first(request, judgement, _place(request, kind), demand=demand)
    status = refusal.row.status
    return request.show(
        views.Fault(reason=refusal.reason, status=status, detail=refusal.detail, back=request.own("/enroll")),
        status=status,
    )


async def ask_first(request: PageRequest, judgement: Judgement, lacking: Refusal) -> Answer:
    """Ask for the thing that a first enrollment needs besides the password."""
    if lacking.reason == "ticket_required":
        return request.show(views.EnrollTicket())
    contacts = await request.service.engine.contacts(request.subject)
    if not request.service.leave.contact_kinds(contacts):
        return request.show(views.EnrollTicket())
    return request.show(await contact_view(request, "", None))


async def contact_view(
    request: PageRequest, kind: str, issued: Issued | None, *, remaining: int | None = None
) -> views.EnrollContact:
    service = request.service
    contacts = await service.engine.contacts(request.subject)
    judgement = await request.judgement()
    account = judgement.account
    ways = []
    for known in service.leave.contact_kinds(contacts):
        text = contacts.email if request.factors.traits[known].contact == "email" else contacts.phone
        ways.append(
            views.Way(
                kind=known, label=request.factors.traits[known].name, hint=_masked(text, request.factors.traits[known])
            )
        )
    way = next((w for w in ways if w.kind == kind), None)
    challenge = issued.challenge if issued else None
    if challenge is None and account is not None:
        live = [c for c in account.challenges if c.purpose == "contact" and c.is_live(request.now)]
        challenge = next((c for c in reversed(live) if c.browser == request.caller.handle), None)
        way = way or next((w for w in ways if challenge and w.kind == challenge.factor), None)
    shape = request.factors[way.kind].code(request.rules) if way else None
    sending, cause = delivery_of(challenge, issued.failed if issued else "")
    return views.EnrollContact(
        ways=tuple(ways),
        way=way,
        sending=sending,
        cause=cause,
        sent_at=challenge.issued_at if challenge else 0,
        expires_at=challenge.expires_at if challenge else 0,
        resend_at=issued.resend_at if issued else 0,
        remaining=remaining,
        digits=shape.length if shape else 6,
    )


def _masked(text: str, traits: Traits) -> str:
    return masked_email(text) if traits.contact == "email" else masked_phone(text)
