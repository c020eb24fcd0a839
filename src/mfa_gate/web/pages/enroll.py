"""Answer ``/enroll``: the choice of a factor, and the end of an enrollment."""

from __future__ import annotations

from ...core.assurance import meeting
from ...core.decision import Allow, Enroll
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...service import Judgement
from ...service.enrollable import lacks
from .. import views
from ..request import PageRequest
from ..responses import Answer
from ..views import Notice, Problem
from .admission import ask_first, blocked, contact_view
from .common import (
    STEPS,
    ask_later,
    confirm_first,
    is_alone,
    keep_wrong,
    kinds_of,
    leave_locked,
    left_of,
    problem_from,
    sent_notice,
    was_wrong,
    way_of,
)


async def start(request: PageRequest) -> Answer:
    """Answer ``/enroll``: show the reason and the choice of factors.

    A POST skips, proves the contact on file, or shows a ticket.
    """
    judgement = await request.judgement()
    stopped = blocked(request, judgement)
    if stopped is not None:
        return stopped
    if request.scope["method"] == "POST":
        return await _act(request, judgement)
    if judgement.nobody_passes:
        return request.show(_choice(request, judgement))
    lacking = lacks(judgement, request.now)
    if lacking is not None:
        return await ask_first(request, judgement, lacking)
    choice = _choice(request, judgement)
    if choice.purpose != "more" and len(choice.ways) == 1 and not choice.skippable:
        return request.go(request.own(f"/enroll/{choice.ways[0].kind}"))
    return request.show(choice)


async def _act(request: PageRequest, judgement: Judgement) -> Answer:
    form, leave = request.form, request.service.leave
    match form.get("action", ""):
        case "skip":
            refusal = await leave.skip(request.caller)
            skipped = isinstance(judgement.decision, Allow) and judgement.account and judgement.account.skips
            if refusal is None or skipped:
                # The second copy of the form, too: what it asks for was done (F-13).
                return request.go(request.going_to, done=True)
            return request.show(_choice(request, judgement), status=422, problems=[problem_from(refusal, "")])
        case "contact-send":
            kind = form.get("kind", "")
            sent = await leave.send_contact(request.caller, kind)
            if isinstance(sent, Refusal):
                if sent.reason == "locked":
                    return leave_locked(request)
                view = await contact_view(request, kind, None)
                if sent.reason == "too_soon":
                    return ask_later(request, view, sent)
                return request.show(view, status=422, problems=[problem_from(sent, "")])
            if sent.failed:
                return request.show(await contact_view(request, kind, sent), status=422)
            return request.go(request.own("/enroll"), notice=sent_notice(sent))
        case "contact-verify":
            kind = form.get("kind", "")
            code = form.get("code", "")
            refusal = Refusal(reason="wrong_code", attempts_remaining=left_of(request, judgement.account))
            if not was_wrong(request, code):
                refusal = await leave.verify_contact(request.caller, kind=kind, response=code)
            if refusal is None:
                return request.go(request.own("/enroll"), notice=Notice(word="contact_proven"))
            if refusal.reason == "locked" or refusal.attempts_remaining == 0:
                return leave_locked(request)
            if refusal.reason == "wrong_code":
                keep_wrong(request, code)
            view = await contact_view(request, kind, None, remaining=refusal.attempts_remaining)
            return request.show(view, status=422, problems=[problem_from(refusal)])
        case "ticket":
            refusal = await leave.redeem_ticket(request.caller, form.get("ticket", ""))
            if refusal is None:
                return request.go(request.own("/enroll"))
            problem = Problem(reason="ticket_wrong" if form.get("ticket") else "ticket_missing", field="ticket")
            ticket = views.EnrollTicket(typed=form.get("ticket", ""))
            return request.show(ticket, status=422, problems=[problem])
    kind = form.get("factor", "")
    if kind in request.factors.traits:
        return request.go(request.own(f"/enroll/{kind}"))
    return request.show(
        _choice(request, judgement), status=422, problems=[Problem(reason="choice_missing", field="factor")]
    )


async def done(request: PageRequest) -> Answer:
    """Show ``GET /enroll/done``: the new authenticator, and the one asked for at sign-in."""
    judgement = await request.judgement()
    account = judgement.account
    mine = [a for a in (account.authenticators if account else ()) if not request.factors.is_backup(a.factor)]
    usual = Demand(rule="freshness", max_age=request.rules.freshness.max_age)
    proofs = judgement.evidence.proofs if judgement.evidence else ()
    if account is None or not mine or not meeting(proofs, (usual,), request.now):
        return request.lead_on(judgement.decision)
    newest = max(mine, key=lambda a: a.created_at)
    default = account.authenticator(account.default) or newest
    has_codes = any(request.factors.is_backup(a.factor) for a in account.authenticators)
    offer_codes = request.factors.backup in judgement.requirement.factors and not has_codes
    again = is_alone(request, judgement, newest)
    others = tuple(way for way in kinds_of(request, judgement) if way.kind != newest.factor or again)
    steps = STEPS if len(mine) == 1 else 0
    onward = request.onward if isinstance(judgement.decision, Allow) else request.own("/challenge")
    return request.show(
        views.EnrollDone(
            way=way_of(request, newest, judgement),
            default=way_of(request, default, judgement),
            continue_url=onward,
            ways=others if len(mine) == 1 else (),
            backup_url=request.own("/backup-codes") if offer_codes else "",
            step=steps,
            steps=steps,
        )
    )


async def offer(request: PageRequest) -> Answer:
    """Show ``GET /enroll/offer``: a stronger factor, after a proof by a weaker one (U-33).

    A contact that has changed on the host's record comes first (decisions 43). A link puts it off. The offer was counted
    when it was made. The addresses that lead on from here say that the person came by an offer.
    """
    judgement = await request.judgement()
    if not isinstance(judgement.decision, Allow):
        return request.lead_on(judgement.decision)
    moved = await request.service.enrollments.changes.offered(request.caller, judgement)
    kind = moved[0].factor if moved else request.service.adoption.offerable(judgement)
    if not kind:
        return request.lead_on(judgement.decision)
    request.interruption.carry_offer()
    name = request.factors.traits[kind].name
    now = moved[0].now if moved else ""
    return request.show(views.EnrollOffer(kind=kind, label=name, continue_url=request.onward, moved_to=now))


async def confirm(request: PageRequest) -> Answer:
    """Answer ``GET /confirm``: prove the second factor afresh, then go back to the settings."""
    return confirm_first(request, await request.judgement(), "")


def _choice(request: PageRequest, judgement: Judgement) -> views.EnrollChoice:
    decision, account, rules = judgement.decision, judgement.account, request.rules
    held = bool(account and account.authenticators)
    skippable = isinstance(decision, Enroll) and decision.skippable
    skip = rules.enrollment.skip
    left = skip.max - (account.skip_count if account else 0) if skip.max and skippable else None
    purpose = "stronger" if held and isinstance(decision, Enroll) else "more" if held else "first"
    if judgement.nobody_passes:
        purpose = "nobody"
    demanded = not isinstance(decision, Allow)
    return views.EnrollChoice(
        ways=kinds_of(request, judgement),
        purpose=purpose,  # type: ignore[arg-type]
        required_at=rules.enrollment.required_from or 0,
        skippable=skippable,
        skips_left=left,
        back=request.own("/enroll/offer" if request.interruption.is_offered else "")
        if purpose == "more"
        else ""
        if demanded and purpose != "nobody"
        else request.host(request.site.home),
        demanded=demanded,
    )
